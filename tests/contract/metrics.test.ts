import { randomBytes } from 'node:crypto'
import { text } from 'drizzle-orm/pg-core'
import { defineResource, resilient, resourceTable, type Feature } from '@plinth/core'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { openPlatform, tokenOf, type OpenPlatform } from './open-platform.ts'
import { readExposition, type ScrapedSample } from './read-exposition.ts'

const things = resourceTable('things', { name: text().notNull() })
const METRICS_TOKEN = 'a-scraper-and-nobody-else-0123456789'
const env = { ENVIRONMENT: 'test', SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}`, METRICS_TOKEN }
let broken = false
const depot = resilient('depot', { breaker: { failures: 2, openMs: 60_000 }, retry: false })
/** A feature that counts something of its own, and one person who runs the service. */
const counting: Feature = {
  name: 'counting',
  on: { 'thing.created': () => Promise.resolve() },
  observe: () => ({
    resilience: [depot],
    metrics: [
      {
        name: 'plinth_jobs_waiting',
        help: 'Jobs that wait, by "state"\nand nothing else \\ ever.',
        type: 'gauge',
        labels: ['state'],
        read: () =>
          broken ? Promise.reject(new Error('no')) : [{ labels: { state: 'que"u\\ed\n', tenant: 'acme' }, value: 3 }],
      },
    ],
  }),
  slots: {
    auth: [
      {
        kinds: ['bearer'],
        read: (credential) =>
          credential.value === 'operator-token'
            ? ({ kind: 'user', id: 'u', name: 'op', userId: 'u', groupIds: [], superadmin: true } as never)
            : undefined,
      },
    ],
  },
}

let platform: OpenPlatform
let id: string
beforeAll(async () => {
  platform = await openPlatform(inject('postgresUrl'), [defineResource({ table: things })], [counting], { env })
  id = (await platform.call('acme', 'POST', '/api/v1/things', { name: 'Acme AG' })).json['id'] as string
  await platform.call('acme', 'GET', `/api/v1/things/${id}`)
  await platform.call('acme', 'GET', `/api/v1/things/00000000-0000-7000-8000-000000000000`)
  await platform.call('acme', 'GET', `/api/things/${id}`)
  for (const path of ['/nowhere/acme', `/nowhere/${id}`]) await platform.call('acme', 'GET', path)
  for (let at = 0; at < 5; at += 1) await platform.call('acme', 'OPTIONS', '/api/v1/things')
  for (let at = 0; at < 3; at += 1) await depot.run(() => Promise.reject(new Error('away'))).catch(() => undefined)
})
afterAll(() => platform.close())

/** Fresh numbers: a page serves for a second. */
async function scraped(): Promise<{ readonly page: string; readonly samples: readonly ScrapedSample[] }> {
  const answer = await scrape({ authorization: `Bearer ${METRICS_TOKEN}` })
  expect(answer.status).toBe(200)
  const page = await answer.text()
  return { page, samples: readExposition(page) }
}

const scrape = (headers: Record<string, string> = {}, path = '/metrics'): Promise<Response> =>
  platform.plinth.fetch(new Request(`http://test${path}`, { headers }))

const valuesOf = (samples: readonly ScrapedSample[], name: string): readonly ScrapedSample[] =>
  samples.filter((one) => one.name === name)

test('counts requests by the pattern of their route, and times them', async () => {
  const { samples } = await scraped()
  const of = (method: string, route: string, status: string): number | undefined =>
    valuesOf(samples, 'plinth_http_requests_total').find(
      ({ labels }) => labels['method'] === method && labels['route'] === route && labels['status'] === status,
    )?.value
  expect(of('POST', '/api/v1/things', '201')).toBe(1)
  expect(of('GET', '/api/v1/things/:id', '200')).toBe(2)
  expect(of('GET', '/api/v1/things/:id', '404')).toBe(1)
  expect(of('OPTIONS', 'any', '204')).toBe(5)
  expect(of('none', 'none', '404')).toBe(2)
  const timed = valuesOf(samples, 'plinth_http_request_duration_seconds_count').find(
    ({ labels }) => labels['route'] === '/api/v1/things/:id',
  )
  expect(timed?.value).toBe(3)
})

test('shows pool, outbox, relay, circuits, what features add, and the process', async () => {
  const { samples } = await scraped()
  const names = new Set(samples.map(({ name }) => name))
  for (const name of [
    'plinth_database_connections_busy',
    'plinth_database_waiting',
    'plinth_outbox_waiting',
    'plinth_outbox_oldest_seconds',
    'plinth_relay_leading',
    'plinth_http_requests_in_flight',
    'plinth_http_requests_shed_total',
    'plinth_event_loop_lag_seconds_count',
    'process_cpu_seconds_total',
    'plinth_build',
    'plinth_ready',
  ])
    expect(names).toContain(name)
  expect(valuesOf(samples, 'plinth_database_connections_max').map(({ labels }) => labels['pool'])).toContain('app')
  expect(valuesOf(samples, 'plinth_circuit_open')).toEqual([
    { name: 'plinth_circuit_open', labels: { target: 'depot' }, value: 1 },
  ])
  expect(valuesOf(samples, 'plinth_health_check').map(({ labels, value }) => [labels['check'], value])).toEqual([
    ['database', 1],
    ['schema', 1],
    ['depot', 0],
  ])
  // What was not declared as a label is not shown; what is a word of others is escaped.
  expect(valuesOf(samples, 'plinth_jobs_waiting')).toEqual([
    { name: 'plinth_jobs_waiting', labels: { state: 'que"u\\ed\n' }, value: 3 },
  ])
})

test('tells of no tenant, no person, no row and no path that somebody made up', async () => {
  const { page } = await scraped()
  for (const word of ['acme', 'Acme', 'nowhere', id, METRICS_TOKEN, 'reader']) expect(page).not.toContain(word)
})

test('a metric that cannot be read is left out and counted; the others are served', async () => {
  broken = true
  await expect
    .poll(async () => valuesOf((await scraped()).samples, 'plinth_metric_failures_total'), { timeout: 10_000 })
    .toEqual([
      { name: 'plinth_metric_failures_total', labels: { metric: 'plinth_jobs_waiting' }, value: expect.any(Number) },
    ])
  const { samples } = await scraped()
  expect(valuesOf(samples, 'plinth_jobs_waiting')).toEqual([])
  expect(valuesOf(samples, 'process_resident_memory_bytes')).toHaveLength(1)
  broken = false
})

describe('who may read them', () => {
  test.each([
    ['nobody', {}, 401, 'unauthenticated'],
    ['a wrong token', { authorization: 'Bearer wrong-wrong-wrong-wrong-wrong-wrong' }, 401, 'invalid_credential'],
    ['half of the token', { authorization: `Bearer ${METRICS_TOKEN.slice(0, 20)}` }, 401, 'invalid_credential'],
    ['the token as a cookie', { cookie: `token=${METRICS_TOKEN}` }, 401, 'unauthenticated'],
    [
      'the service of a tenant with every right',
      { authorization: `Bearer ${tokenOf('acme')}` },
      403,
      'permission_denied',
    ],
  ])('not %s', async (_who, headers, status, code) => {
    for (const path of ['/metrics', '/api/v1/metrics', '/api/metrics']) {
      const answer = await scrape(headers as Record<string, string>, path)
      expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([status, code])
    }
  })

  test('the operator, and whoever shows the token', async () => {
    for (const token of ['operator-token', METRICS_TOKEN]) {
      const answer = await scrape({ authorization: `Bearer ${token}` }, '/api/v1/metrics')
      expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store'])
      expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    }
  })

  test('without a token in the settings, none is accepted, the empty one neither', async () => {
    const own = await openPlatform(inject('postgresUrl'), [defineResource({ table: things })])
    for (const authorization of ['Bearer undefined', 'Bearer ', `Bearer ${METRICS_TOKEN}`]) {
      const answer = await own.plinth.fetch(new Request('http://test/metrics', { headers: { authorization } }))
      expect(answer.status).toBe(401)
    }
    await own.close()
  })
})
