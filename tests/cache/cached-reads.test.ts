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
import { postgres } from '@plinth/postgres'
import { testPlatform, type TestPlatform, type TestReply } from '@plinth/testing'
import { text } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
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

test('two processes, 100 writes in one: no reader in the other sees what was replaced longer ago than is promised', async () => {
  const database = await createDatabase(inject('postgresUrl'))
  const secretKeys = `k1:${randomBytes(32).toString('base64')}`
  const token = 'a-service-of-acme'.padEnd(40, 'x')
  const [writer, reader] = [0, 1].map(() =>
    createPlinth({
      database: postgres(loginUrl(database.url, 'plinth_app'), { ownerUrl: database.url, max: 3 }),
      resources: [cached],
      features: [serviceTokens([{ name: 'acme', token, tenant: 'acme', permissions: ['*'] }])],
      log: silentLogger,
      rateLimits: { requests: false },
      env: { ENVIRONMENT: 'test', SECRET_KEYS: secretKeys },
    }),
  ) as [Plinth, Plinth]
  try {
    await writer.migrate()
    await writer.foundTenant({ slug: 'acme', name: 'Acme' })
    const ask = async (of: Plinth, method: string, path: string, body?: object): Promise<Record<string, unknown>> => {
      const headers = { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) }
      const init = { method, headers, ...(body && { body: JSON.stringify(body) }) }
      return (await (await of.fetch(new Request(`http://test/api/v1/sites${path}`, init))).json()) as Record<
        string,
        unknown
      >
    }
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
  } finally {
    await writer.close()
    await reader.close()
    await database.drop()
  }
}, 60_000)
