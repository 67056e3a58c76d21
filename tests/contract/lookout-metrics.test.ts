import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger, type Plinth } from '@plinth/core'
import { postgres } from '@plinth/postgres'
import { redisLimits } from '@plinth/redis'
import { smtp } from '@plinth/smtp'
import { createDatabase, loginUrl, type TestDatabase } from '@plinth/testing'
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest'
import { createLookout } from '../../examples/saas/src/platform.ts'
import { lintExposition } from './lint-exposition.ts'
import { readExposition } from './read-exposition.ts'

/*
 * The page of metrics of a whole product: every feature, and both connectors, which are away. What is wrong with it is said by two
 * readers: one of our own, which always runs, and Prometheus' own checker where it is installed.
 */
vi.setConfig({ hookTimeout: 240_000 })

const METRICS_TOKEN = 'a-scraper-and-nobody-else-0123456789'
const folder = mkdtempSync(join(tmpdir(), 'plinth-metrics-'))
let database: TestDatabase
let plinth: Plinth
let page: string

beforeAll(async () => {
  const env = {
    ENVIRONMENT: 'development',
    DATA_DIR: folder,
    SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    METRICS_TOKEN,
  }
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
  database = await createDatabase(inject('postgresUrl'))
  plinth = createLookout({
    settings: { LOOKOUT_ALLOW_PRIVATE: false, LOOKOUT_CHECK_TIMEOUT: 5 },
    database: postgres(loginUrl(database.url, 'plinth_app'), { ownerUrl: database.url }),
    // Port 1 of this machine: nobody listens.
    mailer: smtp({ url: 'smtp://127.0.0.1:1', from: 'no-reply@acme.example', env: {} }),
    rateLimits: { store: redisLimits('redis://127.0.0.1:1', { timeoutMs: 200 }) },
    log: silentLogger,
  })
  await plinth.migrate()
  for (const path of ['/health/live', '/api/v1/sites', '/nowhere'])
    await plinth.fetch(new Request(`http://test${path}`))
  const headers = { authorization: `Bearer ${METRICS_TOKEN}` }
  const answer = await plinth.fetch(new Request('http://test/metrics', { headers }))
  page = await answer.text()
})
afterAll(async () => {
  await plinth.close()
  await database.drop()
  rmSync(folder, { recursive: true })
})

test('is text that Prometheus reads, named as its rules say', () => {
  expect(readExposition(page).length).toBeGreaterThan(50)
  expect(lintExposition(page)).toEqual([])
})

test("Prometheus' own checker has nothing to say about it", (ctx) => {
  const checked = spawnSync('promtool', ['check', 'metrics'], { input: page, encoding: 'utf8' })
  const isMissing = (checked.error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'
  ctx.skip(isMissing, 'promtool is not installed: CONTRIBUTING.md says how')
  expect({ status: checked.status, said: checked.stdout + checked.stderr }).toEqual({ status: 0, said: '' })
})

test('holds what every part tells', () => {
  const samples = readExposition(page)
  const names = new Set(samples.map(({ name }) => name))
  for (const name of [
    'plinth_jobs_oldest_seconds',
    'plinth_job_workers',
    'plinth_audit_waiting',
    'plinth_audit_oldest_seconds',
    'plinth_outbox_waiting',
    'plinth_database_waiting',
    'plinth_http_request_duration_seconds_bucket',
  ])
    expect(names).toContain(name)
  const of = (metric: string, label: string): readonly (string | undefined)[] =>
    samples.filter(({ name }) => name === metric).map(({ labels }) => labels[label])
  for (const target of ['redis', 'smtp']) {
    expect(of('plinth_circuit_open', 'target')).toContain(target)
    expect(of('plinth_calls_total', 'target')).toContain(target)
  }
  expect(of('plinth_health_check', 'check')).toEqual(
    expect.arrayContaining(['database', 'schema', 'redis', 'smtp', 'job-workers', 'audit']),
  )
})

test.each([
  ['a counter without _total', '# HELP calls Calls.\n# TYPE calls counter\ncalls 1\n'],
  ['a gauge with _total', '# HELP calls_total Calls.\n# TYPE calls_total gauge\ncalls_total 1\n'],
  ['no help', '# HELP depth \n# TYPE depth gauge\ndepth 1\n'],
  ['another unit than the base one', '# HELP took_ms Took.\n# TYPE took_ms gauge\ntook_ms 1\n'],
  ['its type in its name', '# HELP depth_gauge Depth.\n# TYPE depth_gauge gauge\ndepth_gauge 1\n'],
  ['a label in capitals', '# HELP depth Depth.\n# TYPE depth gauge\ndepth{aB="1"} 1\n'],
])('the rules find %s', (_what, text) => {
  expect(lintExposition(text)).toHaveLength(1)
})
