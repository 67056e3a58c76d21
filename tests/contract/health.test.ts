import { text } from 'drizzle-orm/pg-core'
import { randomBytes } from 'node:crypto'
import { postgres } from '@plinth/postgres'
import { createPlinth, defineResource, logEvents, resourceTable, type HealthCheck, type Plinth } from '@plinth/core'
import { capturedLog } from '@plinth/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { openPlatform, type OpenPlatform } from './open-platform.ts'

const things = resourceTable('things', { name: text().notNull() })
const log = capturedLog({ least: 'info' })

/** What each check does, and how often it was asked. */
const state: Record<string, { work: () => Promise<void>; asked: number }> = {}
const check = (name: string, more: Partial<HealthCheck> = {}): HealthCheck => {
  state[name] = { work: () => Promise.resolve(), asked: 0 }
  return {
    name,
    freshMs: 0,
    check() {
      state[name]!.asked += 1
      return state[name]!.work()
    },
    ...more,
  }
}

let platform: OpenPlatform
beforeAll(async () => {
  platform = await openPlatform(
    inject('postgresUrl'),
    [defineResource({ table: things })],
    [{ name: 'queue', observe: () => ({ checks: [check('job-workers', { needed: true })] }) }],
    {
      log,
      observe: { checks: [check('depot'), check('slow', { timeoutMs: 40 }), check('rare', { freshMs: 60_000 })] },
      mailer: { name: 'post', send: () => Promise.resolve(), checks: [check('post')] },
    },
  )
})
afterAll(() => platform.close())
beforeEach(() => {
  for (const one of Object.values(state)) one.work = () => Promise.resolve()
})

async function asked(path = '/health'): Promise<{ readonly status: number; readonly body: Record<string, never> }> {
  const answer = await platform.plinth.fetch(new Request(`http://test${path}`))
  return { status: answer.status, body: (await answer.json()) as Record<string, never> }
}

test('is a report of all checks: of the database, of connectors, of features and of the product', async () => {
  const { status, body } = await asked()
  expect(status).toBe(200)
  expect(Object.keys(body)).toEqual(['status', 'timestamp', 'environment', 'checks', 'response_time_ms'])
  expect(Object.keys(body['checks']!)).toEqual(['database', 'schema', 'post', 'depot', 'slow', 'rare', 'job-workers'])
  for (const one of Object.values(body['checks']!))
    expect(one).toEqual({ status: 'healthy', response_time_ms: expect.any(Number) })
  expect(body).toMatchObject({ status: 'healthy', environment: 'test' })
})

test('what fails makes it degraded and 503; why is for the log alone', async () => {
  state['depot']!.work = () => Promise.reject(new Error('depot.internal refuses s3cret'))
  const { status, body } = await asked()
  expect([status, body['status']]).toEqual([503, 'degraded'])
  expect(body['checks']).toMatchObject({ depot: { status: 'unhealthy' }, post: { status: 'healthy' } })
  expect(JSON.stringify(body)).not.toMatch(/internal|s3cret/)
  expect(log.lines).toContainEqual(
    expect.objectContaining({
      event: logEvents.healthCheckFailed,
      fields: expect.objectContaining({ check: 'depot' }),
    }),
  )
})

test('the same failure is told once and not by every probe, and so is the end of it', async () => {
  const told = (event: string): number => log.lines.filter((line) => line.event === event).length
  state['post']!.work = () => Promise.reject(new Error('away'))
  const before = [told(logEvents.healthCheckFailed), told(logEvents.healthCheckRecovered)] as const
  for (let at = 0; at < 5; at += 1) await asked()
  expect(told(logEvents.healthCheckFailed)).toBe(before[0] + 1)
  state['post']!.work = () => Promise.resolve()
  for (let at = 0; at < 5; at += 1) await asked()
  expect(told(logEvents.healthCheckRecovered)).toBeGreaterThanOrEqual(before[1] + 1)
})

test('a check that hangs is unhealthy when its time is over, and holds up no other', async () => {
  state['slow']!.work = () => new Promise(() => undefined)
  const { status, body } = await asked()
  expect(status).toBe(503)
  expect(body['checks']).toMatchObject({ slow: { status: 'unhealthy' }, depot: { status: 'healthy' } })
})

test('a hundred who ask at once cost one look, and what is costly is looked at rarely', async () => {
  const { depot, rare } = state
  depot!.asked = 0
  const before = rare!.asked
  depot!.work = () => new Promise((resolve) => setTimeout(resolve, 30))
  await Promise.all(Array.from({ length: 100 }, () => asked()))
  expect(depot!.asked).toBe(1)
  expect(rare!.asked).toBe(before)
})

describe('readiness', () => {
  test('is about what is needed: without a mailer requests are answered, without workers they are sent elsewhere', async () => {
    state['post']!.work = () => Promise.reject(new Error('away'))
    expect((await asked('/health/ready')).status).toBe(200)
    state['job-workers']!.work = () => Promise.reject(new Error('away'))
    expect(await asked('/health/ready')).toEqual({ status: 503, body: { status: 'degraded' } })
    expect((await asked('/health/live')).status).toBe(200)
  })

  test('ends when the process begins to end; liveness does not, and requests are still answered', async () => {
    const own = await openPlatform(inject('postgresUrl'), [defineResource({ table: things })])
    await own.plinth.drain()
    const statusOf = async (path: string): Promise<number> => (await own.call('acme', 'GET', path)).status
    expect(await Promise.all(['/health/ready', '/health', '/health/live', '/api/v1/things'].map(statusOf))).toEqual([
      503, 503, 200, 200,
    ])
    await own.close()
  })
})

const started = (name: string): Plinth =>
  createPlinth({
    database: postgres('postgres://plinth_app@127.0.0.1:1/none'),
    resources: [],
    env: { ENVIRONMENT: 'test', SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}` },
    observe: { checks: [{ name, check: () => Promise.resolve() }] },
  })

test.each(['Redis', 'redis 10.0.0.1', 'acme_gmbh', ''])('no check may be called %j', (name) => {
  expect(() => started(name)).toThrow('is no name')
})

test('two checks of one name are a fault at start', () => {
  expect(() => started('database')).toThrow("health check 'database': is there already")
})

test('the report is there in code as well', async () => {
  const plinth: Plinth = platform.plinth
  expect(await plinth.health()).toMatchObject({ status: 'healthy', environment: 'test' })
})
