import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, expectTypeOf, test, vi } from 'vitest'
import { z } from 'zod'
import { StartupError, type StartupFault } from '../errors/startup-error.ts'
import { defineSettings } from './define-settings.ts'
import { loadSettings, readSettings } from './load-settings.ts'
import { csv, flag, port } from './value-schemas.ts'

const definition = defineSettings({
  PORT: { schema: port(), default: 8000, aliases: ['API_PORT', 'CLAUDE_INTERNAL_PORT'], description: 'Port.' },
  DEBUG: { schema: flag(), default: false, defaultIn: { development: true }, description: 'Debug.' },
  CORS_ORIGINS: { schema: csv(), default: [], description: 'Origins.' },
  REDIS_URL: { schema: z.string().optional(), description: 'Redis.' },
})

const folders: string[] = []
function folderWith(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'plinth-settings-'))
  folders.push(folder)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function faultsOf(load: () => unknown): readonly StartupFault[] {
  try {
    load()
  } catch (error) {
    if (error instanceof StartupError) return error.faults
    throw error
  }
  return []
}

describe('values', () => {
  test('defaults, by environment', () => {
    expect(loadSettings(definition, { env: {} })).toEqual({
      PORT: 8000,
      DEBUG: false,
      CORS_ORIGINS: [],
      REDIS_URL: undefined,
    })
    expect(loadSettings(definition, { env: { ENVIRONMENT: 'development' } }).DEBUG).toBe(true)
  })

  test('are typed by their schemas', () => {
    const settings = loadSettings(definition, { env: {} })
    expectTypeOf(settings).toEqualTypeOf<{
      readonly PORT: number
      readonly DEBUG: boolean
      readonly CORS_ORIGINS: readonly string[]
      readonly REDIS_URL: string | undefined
    }>()
  })

  test('are frozen, lists too', () => {
    const settings = loadSettings(definition, { env: { CORS_ORIGINS: 'a,b' } })
    expect(Object.isFrozen(settings)).toBe(true)
    expect(Object.isFrozen(settings.CORS_ORIGINS)).toBe(true)
  })

  test('empty or blank is unset, and surrounding blanks do not count', () => {
    expect(loadSettings(definition, { env: { PORT: '', API_PORT: '  ', CLAUDE_INTERNAL_PORT: ' 9000\r' } }).PORT).toBe(
      9000,
    )
  })

  test('unknown variables are ignored', () => {
    expect(Object.keys(loadSettings(definition, { env: { SOMETHING: '1', PATH: '/bin' } }))).toEqual(
      Object.keys(definition),
    )
  })

  test('come from process.env by default', () => {
    vi.stubEnv('PORT', '8123')
    expect(loadSettings(definition, { files: false }).PORT).toBe(8123)
  })
})

describe('aliases', () => {
  test('stand in for the name; the name wins, with a warning where they differ', () => {
    const warn = vi.fn<(warning: StartupFault) => void>()
    expect(loadSettings(definition, { env: { CLAUDE_INTERNAL_PORT: '9001' }, warn }).PORT).toBe(9001)
    expect(loadSettings(definition, { env: { PORT: '9002', API_PORT: '9002' }, warn }).PORT).toBe(9002)
    expect(warn).not.toHaveBeenCalled()
    expect(loadSettings(definition, { env: { PORT: '9003', API_PORT: '9004' }, warn }).PORT).toBe(9003)
    expect(warn.mock.calls).toEqual([
      [{ path: 'API_PORT', problem: 'differs from PORT, which is used', fix: 'unset API_PORT' }],
    ])
  })

  test('a fault names the variable that was written', () => {
    const [fault] = faultsOf(() => loadSettings(definition, { env: { API_PORT: 'x' } }))
    expect(fault).toMatchObject({ path: 'API_PORT', fix: 'API_PORT=8000' })
  })
})

describe('.env files', () => {
  test('environment > .env.<environment> > .env > default, alias or not', () => {
    const files = folderWith({
      '.env': 'ENVIRONMENT=staging\nPORT=1\nREDIS_URL=shared\nDEBUG=yes\n',
      '.env.staging': 'REDIS_URL=staging\nPORT=2\n',
      '.env.production': 'REDIS_URL=production\n',
    })
    expect(loadSettings(definition, { env: { API_PORT: '3' }, files })).toMatchObject({
      PORT: 3,
      REDIS_URL: 'staging',
      DEBUG: true,
    })
    expect(loadSettings(definition, { env: { ENVIRONMENT: 'production' }, files })).toMatchObject({
      PORT: 1,
      REDIS_URL: 'production',
    })
  })

  test('an empty variable outside lets the file speak', () => {
    const files = folderWith({ '.env': 'REDIS_URL=file' })
    expect(loadSettings(definition, { env: { REDIS_URL: '' }, files }).REDIS_URL).toBe('file')
  })

  test('are not read beside a given env, unless a folder is named', () => {
    const folder = folderWith({ '.env': 'REDIS_URL=file' })
    vi.spyOn(process, 'cwd').mockReturnValue(folder)
    expect(loadSettings(definition, { env: {} }).REDIS_URL).toBeUndefined()
  })

  test('do not change process.env', () => {
    loadSettings(definition, { files: folderWith({ '.env': 'REDIS_URL=file' }) })
    expect(process.env['REDIS_URL']).toBeUndefined()
  })

  test('a file that cannot be read is a fault, a missing one is not', () => {
    const folder = folderWith({})
    expect(faultsOf(() => loadSettings(definition, { env: {}, files: folder }))).toEqual([])
    mkdirSync(join(folder, '.env'))
    expect(faultsOf(() => loadSettings(definition, { env: {}, files: folder }))).toMatchObject([
      { path: '.env', problem: 'cannot be read (EISDIR)' },
    ])
  })

  test("a value that Node's parser cuts at # is a fault, where it would be used", () => {
    const files = folderWith({
      '.env': "REDIS_URL=redis://u:p#w@host\nOTHER=a#b\nexport PORT=80 # fine\nDEBUG='yes'#fine\n",
    })
    expect(faultsOf(() => loadSettings(definition, { env: {}, files }))).toEqual([
      { path: 'REDIS_URL', problem: 'its value ends at a # (in .env)', fix: "put it into quotes: REDIS_URL='…'" },
    ])
    expect(faultsOf(() => loadSettings(definition, { env: { REDIS_URL: 'x' }, files }))).toEqual([])
  })

  test('a file cannot change the environment that chose it', () => {
    const files = folderWith({ '.env.production': 'ENVIRONMENT=development' })
    expect(faultsOf(() => loadSettings(definition, { env: {}, files }))).toMatchObject([{ path: 'ENVIRONMENT' }])
  })
})

describe('faults', () => {
  const strict = defineSettings({
    ...definition,
    MAIL_FROM: { schema: z.email(), description: 'The sender of mails.', example: 'no-reply@example.com' },
    SMTP_URL: {
      schema: z.string().optional(),
      requiredIn: ['production'],
      description: 'Where mails go.',
      secret: true,
    },
  })

  test('all at once, with the line to write', () => {
    const faults = faultsOf(() => loadSettings(strict, { env: { PORT: '99999', DEBUG: 'off', ENVIRONMENT: 'prod' } }))
    expect(faults).toEqual([
      {
        path: 'ENVIRONMENT',
        problem: '"prod" is none of development, test, staging, production',
        fix: 'ENVIRONMENT=production',
      },
      { path: 'PORT', problem: '"99999": must be a port from 0 to 65535', fix: 'PORT=8000' },
      { path: 'DEBUG', problem: '"off": must be one of true, 1, yes, false, 0, no', fix: 'DEBUG=false' },
      { path: 'MAIL_FROM', problem: 'is not set. The sender of mails.', fix: 'MAIL_FROM=no-reply@example.com' },
      {
        path: 'SMTP_URL',
        problem: 'is not set where ENVIRONMENT is production. Where mails go.',
        fix: 'SMTP_URL=<value>',
      },
    ])
  })

  test('what is required elsewhere may be unset here', () => {
    expect(faultsOf(() => loadSettings(strict, { env: { ENVIRONMENT: 'test', MAIL_FROM: 'a@b.co' } }))).toEqual([])
  })

  test('between variables, together with the others', () => {
    const check = vi.fn<(values: unknown, environment: string) => StartupFault[]>(() => [
      { path: 'DEBUG', problem: 'with that', fix: 'without' },
    ])
    const faults = faultsOf(() => loadSettings(definition, { env: { PORT: 'x' }, check }))
    expect(faults.map(({ path }) => path)).toEqual(['PORT', 'DEBUG'])
    expect(check).toHaveBeenCalledWith({ DEBUG: false, CORS_ORIGINS: [], REDIS_URL: undefined }, 'production')
  })

  test('no fault shows a secret, whatever its schema says', () => {
    const quoting = z.string().superRefine((text, context) => {
      context.addIssue({ code: 'custom', message: `'${text}' (${text.slice(0, 9)}…, ${text.slice(-8)}) is wrong` })
    })
    const throwing = z.string().transform((text): string => {
      throw new Error(text)
    })
    fc.assert(
      fc.property(
        fc.string({ minLength: 6, maxLength: 60, unit: 'grapheme-ascii' }).map((text) => `canary${text.trim()}`),
        (secret) => {
          for (const schema of [quoting, throwing, z.uuid(), z.enum(['x'])]) {
            const secretive = defineSettings({ API_TOKEN: { schema, description: 'x', aliases: ['TOKEN_OF_OLD'] } })
            for (const key of ['API_TOKEN', 'TOKEN_OF_OLD']) {
              const faults = faultsOf(() => loadSettings(secretive, { env: { [key]: secret } }))
              expect(faults).toHaveLength(1)
              const text = JSON.stringify(faults)
              for (let at = 0; at + 6 <= secret.length; at++)
                expect(text).not.toContain(JSON.stringify(secret.slice(at, at + 6)).slice(1, -1))
            }
          }
        },
      ),
      { numRuns: 200 },
    )
  })

  test('of a value that is not declared secret shows no credential in it, and no control characters', () => {
    const loose = defineSettings({ UPSTREAM: { schema: z.enum(['x']), description: 'x' } })
    const problem = (UPSTREAM: string) => faultsOf(() => loadSettings(loose, { env: { UPSTREAM } }))[0]?.problem ?? ''
    expect(problem('https://user:hunter2@p/w@host/x')).not.toContain('hunter2')
    expect(problem('a\u001B[2Jb\n  PORT: fake')).not.toMatch(/\p{Cc}/u)
    expect(problem('y'.repeat(500)).length).toBeLessThan(150)
  })
})

test('readSettings gives what could be read beside what is wrong', () => {
  const { values, faults, environment } = readSettings(definition, {
    env: { PORT: 'x', DEBUG: '1' },
    environment: 'staging',
  })
  expect(values).toEqual({ DEBUG: true, CORS_ORIGINS: [], REDIS_URL: undefined })
  expect(faults).toHaveLength(1)
  expect(environment).toBe('staging')
})
