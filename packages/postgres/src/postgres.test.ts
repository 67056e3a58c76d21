import { describe, expect, test, vi } from 'vitest'
import { embedded } from './embedded.ts'
import { postgres } from './postgres.ts'
import { systemPassword, systemUrl } from './system-login.ts'

describe('postgres()', () => {
  test('without a URL is a fault that names both ways out, and connects nothing', () => {
    for (const url of [undefined, '']) {
      expect(postgres(url).faults).toEqual([{ path: 'DATABASE_URL', problem: 'is not set', fix: expect.stringMatching(/DATABASE_URL=.*embedded\('\.plinth'\)/) }])
    }
  })

  test('a URL that is none is a fault without the URL in it: it holds a password', () => {
    vi.stubEnv('DATABASE_OWNER_URL', 'host=db password=hunter2')
    const { faults } = postgres('mysql://root:hunter2@host/db', { systemUrl: 'postgres://x:hunter2@ho st/db' })
    expect(faults.map((fault) => fault.path)).toEqual(['DATABASE_URL', 'DATABASE_OWNER_URL', 'DATABASE_SYSTEM_URL'])
    expect(JSON.stringify(faults)).not.toContain('hunter2')
  })

  test('an empty variable is an unset one', () => {
    vi.stubEnv('DATABASE_OWNER_URL', '')
    vi.stubEnv('DATABASE_DIRECT_URL', '')
    expect(postgres('postgres://plinth_app@localhost/db').faults).toEqual([])
  })
})

test('embedded() opens nothing by itself, and closes what was never opened', async () => {
  const database = embedded('/proc/nowhere/at/all')
  expect(database).toMatchObject({ kind: 'embedded', faults: [] })
  await database.close()
})

describe('the system login', () => {
  test('has a password of its own that the runtime password gives and that does not give it back', () => {
    const url = new URL(systemUrl('postgres://plinth_app:s%20e%2Fcret@db:5433/shop?sslmode=require', 'plinth_'))
    expect(url.username).toBe('plinth_system')
    expect(decodeURIComponent(url.password)).toBe(systemPassword('s e/cret'))
    expect(url.password).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(url.href).toContain('@db:5433/shop?sslmode=require')
    expect(systemPassword('a')).not.toBe(systemPassword('b'))
  })

  test('has none where the runtime login has none', () => {
    expect(new URL(systemUrl('postgres://plinth_app@db/shop', 'eu_')).password).toBe('')
    expect(new URL(systemUrl('postgres://plinth_app@db/shop', 'eu_')).username).toBe('eu_system')
  })
})
