import { randomBytes } from 'node:crypto'
import { text } from 'drizzle-orm/pg-core'
import { createPlinth, defineResource, resourceTable, serviceTokens, silentLogger, type Plinth } from '@plinth/core'
import { postgres } from '@plinth/postgres'
import { createDatabase, loginUrl, type TestDatabase } from '@plinth/testing'
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest'

/*
 * Two releases side by side on one database: the new one adds a column and a table. The old one goes on while the new one migrates, a
 * process of the old one may be started afterwards (a roll back), and both see what the other writes.
 */
const before = resourceTable('notes', { name: text().notNull() })
const after = resourceTable('notes', { name: text().notNull(), colour: text() })
const added = resourceTable('labels', { name: text().notNull() })
const token = 'a-token-of-forty-characters-0123456789abc'
const env = { ENVIRONMENT: 'test', SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}` }
const opened: Plinth[] = []
let database: TestDatabase

const release = (tables: readonly Parameters<typeof defineResource>[0]['table'][], owner: boolean): Plinth => {
  const plinth = createPlinth({
    database: postgres(loginUrl(database.url, 'plinth_app'), owner ? { ownerUrl: database.url, max: 2 } : { max: 2 }),
    resources: tables.map((table) => defineResource({ table })),
    features: [serviceTokens([{ name: 'acme', token, tenant: 'acme', permissions: ['*'] }])],
    rateLimits: { requests: false },
    log: silentLogger,
    env,
  })
  opened.push(plinth)
  return plinth
}

beforeAll(async () => {
  database = await createDatabase(inject('postgresUrl'))
})
afterEach(async () => {
  for (const plinth of opened.splice(0)) await plinth.close()
})
afterAll(() => database.drop())

async function ask(plinth: Plinth, method: string, path: string, body?: unknown): Promise<readonly [number, string]> {
  const headers = {
    authorization: `Bearer ${token}`,
    ...(body !== undefined && { 'content-type': 'application/json' }),
  }
  const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) }
  const answer = await plinth.fetch(new Request(`http://test${path}`, init))
  return [answer.status, await answer.text()]
}

test('the old release serves while the new one migrates, and both serve together; the new one is not ready before', async () => {
  const old = release([before], true)
  await old.migrate()
  await old.foundTenant({ slug: 'acme', name: 'Acme' })
  const early = release([after, added], false)
  expect((await ask(early, 'GET', '/health/ready'))[0]).toBe(503)
  const statuses: number[] = []
  let migrated = false
  const serving = (async () => {
    while (!migrated || statuses.length < 20)
      statuses.push((await ask(old, 'POST', '/api/v1/notes', { name: `note ${statuses.length}` }))[0])
  })()
  await release([after, added], true).migrate()
  migrated = true
  await serving
  expect(new Set(statuses)).toEqual(new Set([201]))
  const next = release([after, added], false)
  expect((await ask(next, 'GET', '/health/ready'))[0]).toBe(200)
  expect((await ask(next, 'POST', '/api/v1/notes', { name: 'of the new one', colour: 'red' }))[0]).toBe(201)
  const [status, seen] = await ask(old, 'GET', '/api/v1/notes?pageSize=1')
  expect([status, seen.includes('of the new one'), seen.includes('colour')]).toEqual([200, true, false])
  // The process that said it was not ready is, without being started again.
  await expect.poll(async () => (await ask(early, 'GET', '/health/ready'))[0], { timeout: 10_000 }).toBe(200)
})

test('rolled back: a process of the old release starts on the database of the new one', async () => {
  const old = release([before], false)
  expect((await ask(old, 'GET', '/health/ready'))[0]).toBe(200)
  expect((await ask(old, 'POST', '/api/v1/notes', { name: 'of the old one' }))[0]).toBe(201)
})
