import { audit } from '@plinth/audit'
import { defineJob, isGuarded, type Route } from '@plinth/core'
import { events } from '@plinth/events'
import { jobs } from '@plinth/jobs'
import { webhooks } from '@plinth/webhooks'
import { depot, folders, testPlatform, type TestPlatform } from '@plinth/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'

/*
 * Random queries and bodies at every route of the log, of jobs, of events and of webhooks: whatever is wrong with them is said as problem+json and is
 * never 500. PLINTH_WORK_RUNS makes it longer.
 */
const runs = Number(process.env['PLINTH_WORK_RUNS'] ?? 200)

const tidy = defineJob({
  name: 'folder.tidy',
  input: z.object({ word: z.string().max(20).optional() }),
  requested: true,
  run: () => Promise.resolve(),
})

let platform: TestPlatform
let routes: readonly Route[]
let ids: readonly string[]
beforeAll(async () => {
  const book = audit()
  platform = await testPlatform({
    resources: [depot.find(({ table }) => table === folders)!],
    features: [book, jobs(), events({ store: ['*'] }), webhooks()],
    plinth: { jobs: [tidy] },
  })
  routes = platform.plinth.routes.filter(({ path }) =>
    /^\/api\/v1\/(audit-logs|jobs|dead-letters|events|webhooks)\b/.test(path),
  )
  const { full } = platform.a.actors
  await platform.request(full, 'POST', '/api/v1/folders', { name: 'x' })
  await platform.request(full, 'POST', '/api/v1/jobs', { type: tidy.name })
  const url = 'https://hooks.example.com/x'
  await platform.request(full, 'POST', '/api/v1/webhooks', { url, events: ['folder.*'] })
  await book.seal()
  const rows = await platform.superuser.query(
    'select id from plinth.audit_logs union all select id from plinth.background_jobs union all select id from plinth.events union all select id from plinth.webhooks_out',
  )
  ids = rows.map((row) => String(row['id']))
}, 60_000)
afterAll(() => platform.close())

const odd = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.string({ maxLength: 300 }),
  fc.constantFrom(
    '',
    '0',
    '-1',
    '1e9',
    '99999999999999999999',
    'NaN',
    'null',
    '[]',
    '{}',
    '*',
    '%',
    "'",
    '\0',
    '\ud800',
  ),
  fc.constantFrom(
    '2026-01-01T00:00:00Z',
    '+275760-09-13T00:00:00.001Z',
    '0000-00-00T00:00:00Z',
    '9999-12-31T23:59:59+14:00',
  ),
  fc.integer().map(String),
  fc.uuid(),
  fc.constantFrom('site.*', 'folder.created', 'folder:x', 'denied', 'waiting', 'csv', '5~x', 'eyJ4Ijox~y'),
)
const value = fc.oneof(odd, fc.jsonValue({ maxDepth: 3 }))
const names = (route: Route): readonly string[] => [
  ...(route.query ?? []).map(({ name }) => name),
  'pageSize',
  'cursor',
  'sort',
  'fields',
  'status[in]',
  'createdAt[gte]',
  'strange',
]

const request = fc.integer({ min: 0, max: 1_000 }).chain((at) => {
  const route = routes[at % routes.length]!
  const schema =
    route.body &&
    (z.toJSONSchema(route.body.schema, { unrepresentable: 'any', io: 'input' }) as { properties?: object })
  const keys = Object.keys(schema?.properties ?? {})
  return fc.record({
    route: fc.constant(route),
    id: fc.oneof(
      fc.nat().map((n) => ids[n % ids.length]!),
      odd,
    ),
    query: fc.array(fc.tuple(fc.constantFrom(...names(route)), odd), { maxLength: 3 }),
    body: fc.oneof(
      fc.dictionary(fc.constantFrom(...keys, 'strange'), value, { maxKeys: 4 }),
      fc.jsonValue({ maxDepth: 2 }),
      fc.string({ maxLength: 40 }).map((text) => ({ raw: text })),
    ),
    headers: fc.dictionary(
      fc.constantFrom(
        'if-match',
        'if-none-match',
        'accept',
        'idempotency-key',
        'x-request-id',
        'x-tenant-id',
        'content-type',
      ),
      fc.string({ maxLength: 40 }).map((text) => text.replaceAll(/[^\x20-\x7e]/g, '').trim()),
      { maxKeys: 2 },
    ),
  })
})

test(`${runs} requests: never a 500, and what is wrong is a problem`, { timeout: 120_000 + runs * 200 }, async () => {
  const statuses = new Map<string, Set<number>>()
  await fc.assert(
    fc.asyncProperty(request, async ({ route, id, query, body, headers }) => {
      // Nobody waits for what is to come.
      const given = query.filter(([name]) => name !== 'wait')
      const search = given
        .map(([name, text]) => `${encodeURIComponent(name)}=${encodeURIComponent(text.toWellFormed())}`)
        .join('&')
      const path = route.path.replaceAll(/:\w+/g, encodeURIComponent(id.toWellFormed()))
      const raw = typeof body === 'object' && body !== null && 'raw' in body ? body.raw : undefined
      const sent = !route.body ? undefined : typeof raw === 'string' ? raw : JSON.stringify(body)
      const reply = await platform.request(
        platform.a.actors.full,
        route.method,
        search ? `${path}?${search}` : path,
        sent,
        headers,
      )
      const key = route.operationId
      statuses.set(key, (statuses.get(key) ?? new Set()).add(reply.status))
      expect(reply.status, reply.body).toBeLessThan(500)
      if (reply.status >= 400) {
        expect(reply.headers['content-type']).toBe('application/problem+json')
        expect(reply.json).toMatchObject({ status: reply.status, code: expect.any(String) as string })
      }
    }),
    { numRuns: runs, seed: Number(process.env['PLINTH_WORK_SEED'] ?? 1) },
  )
  expect([...statuses.keys()].sort()).toEqual(routes.map(({ operationId }) => operationId).sort())
  expect(routes.filter(isGuarded).length).toBeGreaterThan(5)
  expect(platform.log.lines.filter(({ level }) => level === 'error')).toEqual([])
})
