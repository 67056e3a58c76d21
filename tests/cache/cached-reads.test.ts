import { randomBytes } from 'node:crypto'
import {
  createPlinth,
  defineResource,
  resourceTable,
  serviceTokens,
  silentLogger,
  type Context,
  type Plinth,
  type Resource,
  type Row,
} from '@plinth/core'
import { postgres, type PostgresOptions } from '@plinth/postgres'
import { postgresJsDriver } from '@plinth/postgres/driver'
import { testPlatform, type TestPlatform, type TestReply } from '@plinth/testing'
import { text } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { createDatabase, loginUrl } from '../../packages/testing/src/server/databases.ts'

const MAX_AGE_MS = 1_000
const sites = resourceTable('sites', { name: text().notNull(), price: text() })
const facts = {
  table: sites,
  fields: { price: { restricted: true } },
  actions: {
    fail: {
      run: async (ctx: Context, row: Row<typeof sites>) => {
        await ctx.update(sites, row.id, { name: 'never committed' })
        throw new Error('changed my mind')
      },
    },
  },
} as const
const cached: Resource = defineResource({ ...facts, cache: '1s' })
const plain: Resource = defineResource(facts)
const actors = { buyer: ['site:read'], seller: ['site:read', 'site.price:read'], nobody: [] }

describe.each(['postgres', 'pglite'] as const)('a resource with `cache` on %s', (kind) => {
  let platform: TestPlatform
  let reference: TestPlatform
  let statements = 0
  beforeAll(async () => {
    const open = (resource: Resource, count: boolean): Promise<TestPlatform> =>
      testPlatform({
        resources: [resource],
        kind,
        actors,
        wrap: (driver) => ({
          ...driver,
          query(text, parameters, options) {
            if (count && text.includes('"sites"')) statements += 1
            return driver.query(text, parameters, options)
          },
        }),
      })
    platform = await open(cached, true)
    reference = await open(plain, false)
  })
  afterAll(async () => {
    await platform.close()
    await reference.close()
  })

  const site = async (of: TestPlatform, who = 'full', tenant: 'a' | 'b' = 'a'): Promise<string> => {
    const reply = await of.request(of[tenant].actors[who], 'POST', '/api/v1/sites', { name: `of ${who}`, price: '7' })
    return (reply.json as { readonly id: string }).id
  }
  const get = (of: TestPlatform, who: string, id: string, tenant: 'a' | 'b' = 'a', headers = {}): Promise<TestReply> =>
    of.request(of[tenant].actors[who], 'GET', `/api/v1/sites/${id}`, undefined, headers)

  test('answers from memory, and a write in the process is seen at once with its tag', async () => {
    const { full } = platform.a.actors
    const id = await site(platform)
    const first = await get(platform, 'full', id)
    const before = statements
    for (let at = 0; at < 10; at += 1) expect((await get(platform, 'full', id)).json).toEqual(first.json)
    expect(statements - before).toBeLessThan(10)
    const etag = first.headers['etag']!
    expect((await get(platform, 'full', id, 'a', { 'if-none-match': etag })).status).toBe(304)
    for (let at = 0; at < 20; at += 1) {
      const patch = { name: `name ${at}` }
      const written = await platform.request(full, 'PATCH', `/api/v1/sites/${id}`, patch, {
        'content-type': 'application/merge-patch+json',
      })
      const reply = await get(platform, 'full', id, 'a', { 'if-none-match': etag })
      expect(reply.json).toMatchObject({ name: `name ${at}` })
      expect(reply.headers['etag']).toBe(written.headers['etag'])
    }
    await platform.request(full, 'DELETE', `/api/v1/sites/${id}`)
    expect((await get(platform, 'full', id)).status).toBe(404)
  })

  test('what is rolled back changes nothing that is read', async () => {
    const id = await site(platform)
    const first = await get(platform, 'full', id)
    expect((await platform.request(platform.a.actors['full'], 'POST', `/api/v1/sites/${id}/fail`)).status).toBe(500)
    expect((await get(platform, 'full', id)).json).toEqual(first.json)
  })

  test('shows each reader what he would be shown without it', async () => {
    const made = { cached: [] as string[], plain: [] as string[] }
    for (const who of ['full', 'writer', 'own', 'group', 'shared'])
      for (const [to, of] of [
        [made.cached, platform],
        [made.plain, reference],
      ] as const) {
        const reply = await of.request(of.a.actors[who], 'POST', '/api/v1/sites', { name: `of ${who}` })
        if (reply.status === 201) to.push((reply.json as { readonly id: string }).id)
      }
    expect(made.cached.length).toBeGreaterThan(2)
    const answers = async (of: TestPlatform, ids: readonly string[]): Promise<readonly unknown[]> => {
      const seen: unknown[] = []
      for (const id of ids)
        for (const tenant of ['a', 'b'] as const)
          for (const who of Object.keys(of[tenant].actors)) {
            const { status, json } = await get(of, who, id, tenant)
            seen.push([
              tenant,
              who,
              status,
              status === 200 ? Object.keys(json as object) : (json as { code: string }).code,
            ])
          }
      return seen
    }
    // Once to fill it, once out of it.
    await answers(platform, made.cached)
    const before = statements
    const fromMemory = await answers(platform, made.cached)
    expect(fromMemory).toEqual(await answers(reference, made.plain))
    expect(statements - before).toBeLessThan(fromMemory.length / 2)
  })
})

interface TwoProcesses {
  readonly writer: Plinth
  readonly reader: Plinth
  /** As the superuser, in this database. */
  readonly admin: (sql: string) => Promise<readonly Record<string, unknown>[]>
  readonly ask: (of: Plinth, method: string, path: string, body?: object) => Promise<Record<string, unknown>>
  /** Of `/metrics`. */
  readonly listening: (of: Plinth) => Promise<string | undefined>
  readonly end: () => Promise<void>
}

async function twoProcesses(resource: Resource, options: PostgresOptions = {}): Promise<TwoProcesses> {
  const database = await createDatabase(inject('postgresUrl'))
  const superuser = postgresJsDriver(database.url, {
    max: 1,
    applicationName: 'superuser',
    prepare: false,
    statementTimeoutMs: 0,
    connectTimeoutSeconds: 10,
  })
  const secretKeys = `k1:${randomBytes(32).toString('base64')}`
  const token = 'a-service-of-acme'.padEnd(40, 'x')
  const [writer, reader] = [0, 1].map(() =>
    createPlinth({
      database: postgres(loginUrl(database.url, 'plinth_app'), { ownerUrl: database.url, max: 3, ...options }),
      resources: [resource],
      features: [serviceTokens([{ name: 'acme', token, tenant: 'acme', permissions: ['*'] }])],
      log: silentLogger,
      rateLimits: { requests: false },
      env: { ENVIRONMENT: 'test', SECRET_KEYS: secretKeys, METRICS_TOKEN: token },
    }),
  ) as [Plinth, Plinth]
  await writer.migrate()
  await writer.foundTenant({ slug: 'acme', name: 'Acme' })
  return {
    writer,
    reader,
    admin: (sql) => superuser.query(sql),
    async ask(of, method, path, body) {
      const headers = { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) }
      const init = { method, headers, ...(body && { body: JSON.stringify(body) }) }
      const answer = await of.fetch(new Request(`http://test/api/v1/sites${path}`, init))
      return (answer.status === 204 ? {} : await answer.json()) as Record<string, unknown>
    },
    async listening(of) {
      const headers = { authorization: `Bearer ${token}` }
      const page = await (await of.fetch(new Request('http://test/metrics', { headers }))).text()
      return /^plinth_cache_listening (\d)$/m.exec(page)?.[1]
    },
    async end() {
      await writer.close()
      await reader.close()
      await superuser.close()
      await database.drop()
    },
  }
}

test('two processes that hear nothing of each other, 100 writes in one: no reader in the other sees what was replaced longer ago than is promised', async () => {
  // To a pooler one cannot listen.
  const { writer, reader, ask, listening, end } = await twoProcesses(cached, { pgbouncer: true })
  try {
    const { id } = await ask(writer, 'POST', '', { name: 'first' })
    /** By version: when at the latest the next one was committed. */
    const replaced: number[] = []
    let last = 0
    const writing = (async () => {
      for (let version = 1; version <= 100; version += 1) {
        await ask(writer, 'PUT', `/${String(id)}`, { name: `name ${version}` })
        replaced[version] = performance.now()
        // Spread over some lives of a cached row.
        await new Promise((resolve) => setTimeout(resolve, 25))
      }
    })()
    let reads = 0
    let old = 0
    while (last < 101) {
      const began = performance.now()
      last = Number((await ask(reader, 'GET', `/${String(id)}`))['version'])
      reads += 1
      // Answers from memory let no timer run.
      await new Promise((resolve) => setImmediate(resolve))
      const since = replaced[last]
      if (since === undefined) continue
      old += 1
      expect(began - since).toBeLessThan(MAX_AGE_MS)
    }
    await writing
    // It was a cache that answered, and what it gave was in part old.
    expect(reads).toBeGreaterThan(100)
    expect(old).toBeGreaterThan(0)
    expect(await listening(reader)).toBe('0')
  } finally {
    await end()
  }
}, 60_000)

describe('two processes, a row that may be an hour old', () => {
  const old: Resource = defineResource({ ...facts, cache: '1h' })
  let two: TwoProcesses
  beforeAll(async () => {
    two = await twoProcesses(old)
  }, 60_000)
  afterAll(() => two.end())

  const LISTENS = `select pid from pg_stat_activity where application_name = 'plinth notices' and datname = current_database()
    and query like 'listen%'`
  const bothListen = () => vi.waitFor(async () => expect(await two.admin(LISTENS)).toHaveLength(2), { timeout: 10_000 })
  const name = async (of: Plinth, id: unknown): Promise<unknown> => {
    // Kept, and answered from memory.
    await two.ask(of, 'GET', `/${String(id)}`)
    return (await two.ask(of, 'GET', `/${String(id)}`))['name']
  }
  const sees = (of: Plinth, id: unknown, wanted: string) =>
    vi.waitFor(async () => expect(await name(of, id)).toBe(wanted), { timeout: 10_000 })

  test('each soon sees what the other one writes, in statements, transactions and deletes', async () => {
    const { writer, reader, ask } = two
    const { id } = await ask(writer, 'POST', '', { name: 'first' })
    await name(reader, id)
    await bothListen()
    expect(await two.listening(reader)).toBe('1')
    for (let at = 0; at < 20; at += 1) {
      const [to, from] = at % 2 ? [writer, reader] : [reader, writer]
      await ask(from, 'PUT', `/${String(id)}`, { name: `name ${at}` })
      await sees(to, id, `name ${at}`)
    }
    await ask(writer, 'POST', '/bulk', { operations: [{ op: 'update', id, data: { name: 'in bulk' } }] })
    await sees(reader, id, 'in bulk')
    await ask(writer, 'DELETE', `/${String(id)}`)
    await vi.waitFor(async () => expect((await ask(reader, 'GET', `/${String(id)}`))['status']).toBe(404))
  })

  test('what was written while it could not listen is not missed, and what nobody meant does no harm', async () => {
    const { writer, reader, ask, admin } = two
    const { id } = await ask(writer, 'POST', '', { name: 'first' })
    await name(reader, id)
    await bothListen()
    await admin(`select pg_notify('plinth_written', m) from unnest(array['', '|', 'x|y', '||', repeat('|', 7000)]) m`)
    await admin(`select pg_terminate_backend(pid) from (${LISTENS}) l`)
    await ask(writer, 'PUT', `/${String(id)}`, { name: 'while nobody listened' })
    await sees(reader, id, 'while nobody listened')
    await bothListen()
    await ask(writer, 'PUT', `/${String(id)}`, { name: 'and again' })
    await sees(reader, id, 'and again')
  })
})
