import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Principal } from '@plinth/core'
import { postgresJsDriver, type Driver } from '@plinth/postgres/driver'
import { createDatabase, type TestDatabase } from '@plinth/testing'
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test, vi } from 'vitest'
import type * as Config from './plinth.config.ts'

/* `plinth worker` as it is started: a process of its own, which is told to end while it works. */

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const root = join(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'plinth-worker-'))
const gate = join(folder, 'gate')
const env = { ENVIRONMENT: 'test', SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}` }
let database: TestDatabase
let superuser: Driver
let config: typeof Config
const started: ChildProcess[] = []

beforeAll(async () => {
  database = await createDatabase(inject('postgresUrl'))
  superuser = postgresJsDriver(database.url, {
    max: 1,
    applicationName: 'tests',
    prepare: false,
    statementTimeoutMs: 0,
    connectTimeoutSeconds: 10,
  })
  for (const [name, value] of Object.entries({ ...env, WORKER_URL: database.url, LOG_LEVEL: 'error' }))
    vi.stubEnv(name, value)
  config = await import('./plinth.config.ts')
  await config.plinth.migrate()
  await config.plinth.foundTenant({ slug: 'acme', name: 'Acme' })
})
beforeEach(async () => {
  rmSync(gate, { force: true })
  await superuser.script('delete from plinth.background_jobs; delete from effects')
})
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL')
})
afterAll(async () => {
  await config.plinth.close()
  await superuser.close()
  await database.drop()
  rmSync(folder, { recursive: true })
})

interface Started {
  readonly child: ChildProcess
  readonly origin: string
  readonly said: () => string
  readonly ended: Promise<number | null>
}

/** With these variables and no others, in a folder whose `.env` says the rest. */
async function start(variables: Readonly<Record<string, string>> = {}): Promise<Started> {
  writeFileSync(join(folder, '.env'), 'LOG_LEVEL=info\n')
  const { PATH, NODE_COMPILE_CACHE } = process.env
  const bin = join(root, 'packages/surfaces/cli/src/bin.ts')
  const args = ['worker', '--config', join(import.meta.dirname, 'plinth.config.ts'), '--listen', '127.0.0.1:0']
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: folder,
    env: {
      PATH,
      NODE_COMPILE_CACHE,
      ...env,
      METRICS_TOKEN: config.METRICS_TOKEN,
      WORKER_URL: database.url,
      WORKER_GATE: gate,
      ...variables,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  started.push(child)
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += String(chunk)))
  const ended = new Promise<number | null>((resolve) => void child.once('close', resolve))
  await until(() => said.includes('job_worker_started') || child.exitCode !== null)
  expect(said).toContain('job_worker_started')
  return { child, said: () => said, ended, origin: /Health and metrics at (\S+)\.\n/.exec(said)?.[1] ?? '' }
}

const until = (holds: () => boolean | Promise<boolean>): Promise<void> =>
  expect.poll(async () => holds(), { timeout: 60_000, interval: 20 }).toBe(true)

async function enqueue(...asked: readonly (readonly [Parameters<Ctx['enqueue']>[0], number])[]): Promise<void> {
  const source = config.plinth.registry.features
    .flatMap((feature) => feature.slots?.principals ?? [])
    .find(({ kind }) => kind === 'service')
  const robot = (await source?.find('robot')) as Principal
  await config.plinth.as(robot, 'acme', async (ctx) => {
    for (const [job, number] of asked) await ctx.enqueue(job, { number } as never)
  })
}
type Ctx = Parameters<Parameters<typeof Config.plinth.as>[2]>[0]

const numbers = (from: number, count: number): readonly number[] => Array.from({ length: count }, (_, at) => from + at)
const rows = (text: string): Promise<readonly Readonly<Record<string, unknown>>[]> => superuser.query(text)
async function running(): Promise<number> {
  const [row] = await rows(
    `select count(*)::int as n from plinth.background_jobs where type = 'slow.write' and status = 'running'`,
  )
  return Number(row?.['n'])
}
async function written(from: number): Promise<readonly number[]> {
  return (await rows(`select number from effects where number >= ${from} order by number`)).map(({ number }) =>
    Number(number),
  )
}
const statusOf = (origin: string, path: string, headers: Record<string, string> = {}): Promise<number> =>
  fetch(`${origin}${path}`, { headers }).then(
    ({ status }) => status,
    () => 0,
  )

test('SIGTERM with jobs running: they end, once, nothing more is begun, what was claimed ahead is given back with its attempt not counted, and the process ends with 0', async () => {
  const { child, origin, ended, said } = await start()
  // A process of quick jobs takes some ahead.
  await enqueue(
    ...numbers(0, 300).map((number) => [config.quick, number] as const),
    ...numbers(1_000, 60).map((number) => [config.slow, number] as const),
  )
  await until(async () => (await running()) > config.CONCURRENCY)
  expect(await statusOf(origin, '/health/ready')).toBe(200)
  child.kill('SIGTERM')
  await until(async () => (await statusOf(origin, '/health/ready')) === 503)
  expect(await statusOf(origin, '/health/live')).toBe(200)
  // Given back at once, for others to take, while what runs has its time.
  await until(async () => (await running()) === config.CONCURRENCY)
  expect(await written(1_000)).toEqual([])
  writeFileSync(gate, '')
  expect(await ended).toBe(0)
  const done = await written(1_000)
  expect(done).toHaveLength(config.CONCURRENCY)
  expect(new Set(done).size).toBe(config.CONCURRENCY)
  const jobs = await rows(
    `select case when status = 'completed' then 'completed' else 'waits' end as state, attempts, worker is null as free, count(*)::int as n
     from plinth.background_jobs where type = 'slow.write' group by 1, 2, 3 order by 1`,
  )
  expect(jobs).toEqual([
    { state: 'completed', attempts: 1, free: expect.any(Boolean), n: config.CONCURRENCY },
    { state: 'waits', attempts: 0, free: true, n: 60 - config.CONCURRENCY },
  ])
  expect(said()).toContain('job_worker_stopped')
})

test('a second signal does not wait, and what ran has no effect', async () => {
  const { child, origin, ended } = await start()
  await enqueue([config.slow, 1])
  await until(async () => (await running()) === 1)
  child.kill('SIGTERM')
  await until(async () => (await statusOf(origin, '/health/ready')) === 503)
  child.kill('SIGTERM')
  expect(await ended).toBe(130)
  expect(await written(0)).toEqual([])
})

test('what its connections still have to do is waited for', async () => {
  // Longer than what an interrupted command is given.
  const { child, ended, said } = await start({ WORKER_CLOSE_MS: '3000' })
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
  expect(said()).toContain('the mail is away')
})

test('it logs as a process that serves, and shows its health and its circuits, and nothing else', async () => {
  const { child, origin, ended, said } = await start()
  await enqueue([config.calling, 1])
  await until(() => said().includes('job_dead'))
  for (const event of ['job_worker_started', 'circuit_opened']) expect(said()).toContain(event)
  const report = (await (await fetch(`${origin}/health`)).json()) as { checks: Record<string, { status: string }> }
  expect(report.checks['database']?.status).toBe('healthy')
  expect(report.checks['depot']?.status).toBe('unhealthy')
  // Not needed: it goes on working.
  expect(await statusOf(origin, '/health/ready')).toBe(200)
  expect(await statusOf(origin, '/metrics')).toBe(401)
  const page = await fetch(`${origin}/metrics`, { headers: { authorization: `Bearer ${config.METRICS_TOKEN}` } })
  expect(await page.text()).toContain('plinth_circuit_open{target="depot"} 1\n')
  for (const path of ['/', '/api/v1/health', '/api/v1/effects', '/openapi.json', '/health/..', '//health'])
    expect(await statusOf(origin, path, { authorization: `Bearer ${config.TOKEN}` }), path).toBe(404)
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
})
