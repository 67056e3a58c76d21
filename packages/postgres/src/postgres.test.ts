import type { Logger } from '@plinth/core'
import { describe, expect, inject, test, vi } from 'vitest'
import { attach, listening, openServer, rolePrefix, scopeOf } from '../tests/fixture.ts'
import { embedded } from './embedded.ts'
import { postgres } from './postgres.ts'
import { systemPassword, systemUrl } from './system-login.ts'

const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
}

describe('postgres()', () => {
  test('without a URL is a fault that names both ways out, and connects nothing', () => {
    for (const url of [undefined, '']) {
      expect(postgres(url).faults).toEqual([
        {
          path: 'DATABASE_URL',
          problem: 'is not set',
          fix: expect.stringMatching(/DATABASE_URL=.*embedded\('\.plinth'\)/),
        },
      ])
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

test('postgres() serves, leads and hands on over connections of its own, and leaves none behind', async () => {
  const opened = await openServer(inject('postgresUrl'))
  const { registry } = attach(opened.drivers, [listening('site.visited')])
  const app = new URL(opened.url)
  app.username = `${rolePrefix}app`
  const database = postgres(app.href, { ownerUrl: opened.url, directUrl: app.href, pgbouncer: true })
  const delivered: string[] = []
  const deliver = (event: { readonly key: string }): Promise<boolean> => {
    delivered.push(event.key)
    return Promise.resolve(false)
  }
  expect(database.attach({ registry, log: silent, clock: { now: () => new Date() }, deliver })).toEqual([])
  await database.ping()
  database.startBackground()
  const scope = scopeOf('0190a000-0000-7000-8000-00000000000a')
  await database.transaction(scope, (transaction) => transaction.emit({ type: 'site.visited', key: 'one', data: 1 }))
  await vi.waitFor(() => expect(delivered).toEqual(['one']), { timeout: 20_000 })
  const connections = () =>
    opened.owner.query(
      `select application_name as name, count(*)::int4 as n from pg_stat_activity where datname = current_database() and application_name <> 'plinth migrate' group by 1 order by 1`,
    )
  expect((await connections()).map((row) => row['name'])).toEqual(expect.arrayContaining(['plinth', 'plinth relay']))
  await database.close()
  await vi.waitFor(async () => expect(await connections()).toEqual([]), { timeout: 20_000 })
  await opened.close()
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
