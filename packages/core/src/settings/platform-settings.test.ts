import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { StartupError, type StartupFault } from '../errors/startup-error.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import { databaseUrlOf } from './database-url.ts'
import type { Environment } from './define-settings.ts'
import { envExample } from './describe-settings.ts'
import { loadPlatformSettings, platformSettings } from './platform-settings.ts'

const SECRET_KEYS = `k1:${randomBytes(32).toString('base64')}`
const faultsOf = (env: Record<string, string>): readonly StartupFault[] => {
  try {
    loadPlatformSettings({ env })
  } catch (error) {
    if (error instanceof StartupError) return error.faults
    throw error
  }
  return []
}
const pathsOf = (env: Record<string, string>) => faultsOf(env).map(({ path }) => path)

describe('loadPlatformSettings', () => {
  test('development needs nothing', () => {
    const settings = loadPlatformSettings({ env: { ENVIRONMENT: 'development' } })
    expect(settings).toMatchObject({
      PORT: 8000,
      API_HOST: '127.0.0.1',
      URL_PREFIX: '',
      DATA_DIR: '.plinth',
      LOG_LEVEL: 'debug',
      SECRET_KEYS: undefined,
    })
    expectTypeOf(settings.ENVIRONMENT).toEqualTypeOf<Environment>()
    expectTypeOf(settings.SECRET_KEYS).toEqualTypeOf<KeyRing | undefined>()
    expectTypeOf(settings.PUBLIC_URL).toEqualTypeOf<string | undefined>()
    expectTypeOf(settings.PORT).toEqualTypeOf<number>()
  })

  test('unset is production, which has no keys of its own', () => {
    expect(pathsOf({})).toEqual(['SECRET_KEYS'])
    expect(loadPlatformSettings({ env: { SECRET_KEYS } })).toMatchObject({
      ENVIRONMENT: 'production',
      LOG_LEVEL: 'info',
    })
  })

  test('the port of older deployments', () => {
    expect(loadPlatformSettings({ env: { SECRET_KEYS, CLAUDE_INTERNAL_PORT: '9000' } }).PORT).toBe(9000)
  })

  test('every variable that is wrong, in one error', () => {
    const env = {
      ENVIRONMENT: 'prod',
      PORT: 'x',
      API_HOST: 'http://x',
      PUBLIC_URL: 'x',
      URL_PREFIX: '/x/',
      TRUSTED_PROXIES: '10.0.0.0/8, proxy',
      CORS_ORIGINS: 'https://app.example.com, null',
      CORS_ALLOW_CREDENTIALS: 'maybe',
      DATABASE_URL: 'x',
      DATABASE_OWNER_URL: 'x',
      DATABASE_DIRECT_URL: 'x',
      DATABASE_SYSTEM_URL: 'x',
      POSTGRES_PORT: 'x',
      SECRET_KEYS: 'x',
      LOG_LEVEL: 'x',
    }
    expect(pathsOf(env).sort()).toEqual(Object.keys(env).sort())
  })

  test.each(['10.1.2.3/8', '10.0.0.0/08', '2001:db8::1/32', 'fe80::1%eth0', '::1.2.3.4', '0.0.0.0/0'])(
    'no proxies are trusted that somebody else would read another way: %s',
    (range) => expect(pathsOf({ SECRET_KEYS, TRUSTED_PROXIES: `10.0.0.0/8,${range}` })).toEqual(['TRUSTED_PROXIES']),
  )

  test('shows no password and no key in a fault', () => {
    const env = {
      DATABASE_URL: 'mysql://u:canary-password@h/db',
      SECRET_KEYS: `canary:${SECRET_KEYS.slice(3, 40)},${SECRET_KEYS.slice(3)}`,
    }
    const text = JSON.stringify(faultsOf(env))
    expect(faultsOf(env)).toHaveLength(2)
    for (const secret of ['canary', SECRET_KEYS.slice(3, 12), SECRET_KEYS.slice(20, 30)])
      expect(text).not.toContain(secret)
  })

  test('the example file names them all', () => {
    const text = envExample(platformSettings)
    for (const name of Object.keys(platformSettings)) expect(text).toMatch(new RegExp(`^# ${name}=`, 'm'))
  })
})

describe('databaseUrlOf', () => {
  const parts = { POSTGRES_HOST: 'db', POSTGRES_USER: 'claude', POSTGRES_PASSWORD: 'pw', POSTGRES_DB: 'claude' }

  test('the URL wins over the parts', () => {
    expect(databaseUrlOf({ ...parts, DATABASE_URL: 'postgres://u@h/d' })).toBe('postgres://u@h/d')
    expect(databaseUrlOf(parts)).toBe('postgres://claude:pw@db:5432/claude')
    expect(databaseUrlOf({ ...parts, POSTGRES_HOST: '::1', POSTGRES_PORT: 6543 })).toBe(
      'postgres://claude:pw@[::1]:6543/claude',
    )
    expect(databaseUrlOf({})).toBeUndefined()
  })

  test('what a compose file sets for its database container is no half of a URL', () => {
    expect(databaseUrlOf({ POSTGRES_USER: 'postgres', POSTGRES_PASSWORD: 'x' })).toBeUndefined()
  })

  test('parts without the others are faults, found with the rest', () => {
    expect(() => databaseUrlOf({ POSTGRES_DB: 'app', POSTGRES_USER: 'u' })).toThrow(
      'POSTGRES_HOST: is not set although POSTGRES_DB is',
    )
    expect(pathsOf({ POSTGRES_HOST: 'db', PORT: 'x' })).toEqual(['PORT', 'SECRET_KEYS', 'POSTGRES_USER', 'POSTGRES_DB'])
  })

  test('a part that is wrong is not called missing too', () => {
    expect(pathsOf({ SECRET_KEYS, ...parts, POSTGRES_HOST: 'http://db' })).toEqual(['POSTGRES_HOST'])
    expect(pathsOf({ SECRET_KEYS, DATABASE_URL: 'x', POSTGRES_HOST: 'db' })).toEqual(['DATABASE_URL'])
  })

  test('any user, password and name come back out of the URL', () => {
    const text = fc.string({ minLength: 1, unit: 'binary' })
    fc.assert(
      fc.property(text, text, text, (user, password, name) => {
        fc.pre(name !== '.' && name !== '..') // URL resolves them; drivers do not
        const url = new URL(
          databaseUrlOf({ POSTGRES_HOST: 'db', POSTGRES_USER: user, POSTGRES_PASSWORD: password, POSTGRES_DB: name }) ??
            '',
        )
        expect(url.host).toBe('db:5432')
        expect([url.username, url.password].map(decodeURIComponent)).toEqual([user, password])
        expect(decodeURIComponent(url.pathname.slice(1))).toBe(name)
      }),
    )
  })
})
