import { randomBytes } from 'node:crypto'
import { createServer, type AddressInfo } from 'node:net'
import { text } from 'drizzle-orm/pg-core'
import {
  auditDenial,
  createPlinth,
  defineResource,
  problem,
  resourceTable,
  serviceTokens,
  type Feature,
  type Platform,
  type Plinth,
  type PublicRoute,
} from '@plinth/core'
import { audit } from '@plinth/audit'
import { auth } from '@plinth/auth'
import { events } from '@plinth/events'
import { jobs } from '@plinth/jobs'
import { rbac } from '@plinth/rbac'
import { tenants } from '@plinth/tenants'
import { embedded, postgres } from '@plinth/postgres'
import { postgresJsDriver, type Driver } from '@plinth/postgres/driver'
import { redisLimits } from '@plinth/redis'
import { smtp } from '@plinth/smtp'
import {
  capturedLog,
  createDatabase,
  launchRedis,
  loginUrl,
  testClock,
  type CapturedLog,
  type TestDatabase,
  type TestRedis,
} from '@plinth/testing'
import { closeMsOf } from '../../packages/core/src/platform/end-platform.ts'
import { defaultLimits } from '../../packages/core/src/platform/platform.ts'
import { read } from '../files.ts'
import { respServer } from './resp-server.ts'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test, vi } from 'vitest'

/* What docs/reliability.md says of each dependency that is away; each of these tests is named there. */

const notes = resourceTable('notes', { name: text().notNull() })
const token = 'a-token-of-forty-characters-0123456789abc'
const env = { ENVIRONMENT: 'test', SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}` }
const sender = { address: '203.0.113.5' }
let database: TestDatabase
let superuser: Driver
const opened: Plinth[] = []

/** `/guess` is an attempt, `/mail` sends one behind its answer; `heard` are the events that came. */
function product(heard: string[]): Feature {
  const route = {
    method: 'POST',
    public: true,
    origin: 'platform',
    tag: 'x',
    summary: 'x',
    errors: [],
    answers: [],
  } as const
  const done = { status: 204, headers: {}, body: null }
  return {
    name: 'product',
    on: { 'note.created': (_context, event) => Promise.resolve(void heard.push(event.key)) },
    routes: (): readonly PublicRoute[] => [
      {
        ...route,
        path: '/guess',
        operationId: 'guess',
        handle: async ({ platform, client }) => {
          await platform.rates.attempt([
            { name: 'guess', by: [client.key ?? 'unknown'], capacity: 100, windowSeconds: 3_600 },
          ])
          throw problem('invalid_credential')
        },
      },
      {
        ...route,
        path: '/mail',
        operationId: 'mail',
        handle: ({ platform }) => {
          const mail = { to: 'ada@example.com', subject: 'Hello', text: 'Hello.', html: '<p>Hello.</p>' }
          platform.after.start('mail', () => platform.mailer.send(mail))
          return done
        },
      },
    ],
  }
}

type Options = Partial<Parameters<typeof createPlinth>[0]> & { readonly heard?: string[]; readonly max?: number }

function open({ heard = [], max = 4, ...options }: Options = {}): Plinth {
  const plinth = createPlinth({
    database: postgres(loginUrl(database.url, 'plinth_app'), { ownerUrl: database.url, max, statementTimeoutMs: 400 }),
    resources: [defineResource({ table: notes })],
    features: [serviceTokens([{ name: 'acme', token, tenant: 'acme', permissions: ['*'] }]), product(heard)],
    rateLimits: { requests: false },
    log: capturedLog({ least: 'warn' }),
    env,
    ...options,
  })
  opened.push(plinth)
  return plinth
}

beforeAll(async () => {
  database = await createDatabase(inject('postgresUrl'))
  superuser = postgresJsDriver(database.url, {
    max: 2,
    applicationName: 'tests',
    prepare: false,
    statementTimeoutMs: 0,
    connectTimeoutSeconds: 10,
  })
  const plinth = open()
  await plinth.migrate()
  await plinth.foundTenant({ slug: 'acme', name: 'Acme' })
  await plinth.close()
})
afterEach(async () => {
  for (const plinth of opened.splice(0)) await plinth.close()
})
afterAll(async () => {
  await superuser.close()
  await database.drop()
})

interface Answered {
  readonly status: number
  readonly retryAfter: string | null
  readonly json: Readonly<Record<string, unknown>>
}

async function ask(plinth: Plinth, method: string, path: string, body?: unknown): Promise<Answered> {
  const headers = {
    authorization: `Bearer ${token}`,
    ...(body !== undefined && { 'content-type': 'application/json' }),
  }
  const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) }
  const answer = await plinth.fetch(new Request(`http://test${path}`, init), sender)
  const printed = await answer.text()
  return {
    status: answer.status,
    retryAfter: answer.headers.get('retry-after'),
    json: printed === '' ? {} : (JSON.parse(printed) as Record<string, unknown>),
  }
}

const checksOf = async (plinth: Plinth): Promise<Record<string, string>> =>
  Object.fromEntries(Object.entries((await plinth.health()).checks).map(([name, { status }]) => [name, status]))
const readyOf = async (plinth: Plinth): Promise<number> => (await ask(plinth, 'GET', '/health/ready')).status

async function closedPort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => probe.once('listening', resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}

describe('Redis is down', () => {
  let redis: TestRedis
  beforeAll(async () => {
    redis = await launchRedis({ own: true })
  }, 300_000)
  afterAll(() => redis?.stop())

  test('requests are answered and limited in this process, attempts are refused, the process stays ready', async () => {
    const store = redisLimits(redis.url, { timeoutMs: 300 })
    const plinth = open({ rateLimits: { store, requests: { ip: { capacity: 50, windowSeconds: 3_600 } } } })
    expect((await ask(plinth, 'GET', '/api/v1/notes')).status).toBe(200)
    expect((await ask(plinth, 'POST', '/guess')).status).toBe(401)
    expect((await checksOf(plinth))['redis']).toBe('healthy')
    await redis.kill()
    for (let at = 0; at < 10; at += 1) expect((await ask(plinth, 'GET', '/api/v1/notes')).status).toBe(200)
    // A guess that nobody counts is a guess for free.
    expect(await ask(plinth, 'POST', '/guess')).toMatchObject({ status: 503, json: { code: 'unavailable' } })
    await expect.poll(async () => (await checksOf(plinth))['redis'], { timeout: 20_000 }).toBe('unhealthy')
    expect(await readyOf(plinth)).toBe(200)
    await redis.restart()
    await expect.poll(async () => (await ask(plinth, 'POST', '/guess')).status, { timeout: 20_000 }).toBe(401)
    await expect.poll(async () => (await checksOf(plinth))['redis'], { timeout: 20_000 }).toBe('healthy')
  })
})

test('Redis answers and refuses every call: requests are limited in this process, and its health is that of its calls', async () => {
  const well: Readonly<Record<string, string>> = { PING: '+PONG\r\n', HELLO: '%1\r\n$5\r\nproto\r\n:3\r\n' }
  const full = "-OOM command not allowed when used memory > 'maxmemory'.\r\n"
  const redis = await respServer((name) => well[name] ?? (name.startsWith('EVAL') ? full : '+OK\r\n'))
  const store = redisLimits(redis.url)
  const log = capturedLog({ least: 'warn' })
  const rateLimits = { store, requests: { ip: { capacity: 1_000, windowSeconds: 3_600 } } } as const
  const plinth = open({ rateLimits, log })
  try {
    expect((await checksOf(plinth))['redis']).toBe('healthy')
    for (let at = 0; at < 5; at += 1) {
      expect((await ask(plinth, 'GET', '/api/v1/notes')).status).toBe(200)
      expect(await ask(plinth, 'POST', '/guess')).toMatchObject({ status: 503, json: { code: 'unavailable' } })
    }
    await expect.poll(async () => (await checksOf(plinth))['redis'], { timeout: 20_000 }).toBe('unhealthy')
    const told = log.of('health_check_failed').map(({ fields }) => String(fields['error']))
    expect(told.join()).toContain('the circuit of redis is open')
    expect(await readyOf(plinth)).toBe(200)
  } finally {
    await plinth.close()
    await redis.close()
  }
})

test('the mail server is down: answers are as ever, the failure is in log and health, the process stays ready', async () => {
  const mailer = smtp({ url: `smtp://127.0.0.1:${await closedPort()}`, from: 'no-reply@acme.example', env: {} })
  const log: CapturedLog = capturedLog({ least: 'warn' })
  const plinth = open({ mailer, log })
  expect((await ask(plinth, 'POST', '/mail')).status).toBe(204)
  expect((await checksOf(plinth))['smtp']).toBe('unhealthy')
  expect((await ask(plinth, 'GET', '/health')).status).toBe(503)
  expect(await readyOf(plinth)).toBe(200)
  expect((await ask(plinth, 'POST', '/api/v1/notes', { name: 'a note' })).status).toBe(201)
  await expect.poll(() => log.of('after_answer_failed'), { timeout: 10_000 }).toHaveLength(1)
})

describe('PostgreSQL is slow', () => {
  /** Nobody reads the table until it is let go, as behind a migration that locks it. */
  async function locked(work: () => Promise<void>): Promise<void> {
    await superuser.transaction(async (connection) => {
      await connection.query('lock table notes in access exclusive mode')
      await work()
    })
  }

  test('a statement that takes too long is 503, the next one is answered', async () => {
    const plinth = open()
    expect((await ask(plinth, 'GET', '/api/v1/notes')).status).toBe(200)
    await locked(async () => {
      expect(await ask(plinth, 'GET', '/api/v1/notes')).toMatchObject({ status: 503, json: { code: 'unavailable' } })
    })
    expect((await ask(plinth, 'GET', '/api/v1/notes')).status).toBe(200)
  })

  test('with all connections busy, health and readiness are answered, and those who wait are served or 503', async () => {
    const plinth = open({ max: 2 })
    expect((await ask(plinth, 'GET', '/api/v1/notes')).status).toBe(200)
    await locked(async () => {
      const waiting = Array.from({ length: 30 }, () => ask(plinth, 'GET', '/api/v1/notes'))
      await new Promise((resolve) => setImmediate(resolve))
      expect(await readyOf(plinth)).toBe(200)
      expect(new Set((await Promise.all(waiting)).map(({ status }) => status))).toEqual(new Set([503]))
    })
    const after = await Promise.all(Array.from({ length: 30 }, () => ask(plinth, 'GET', '/api/v1/notes')))
    expect(new Set(after.map(({ status }) => status))).toEqual(new Set([200]))
  })
})

describe('PostgreSQL takes no writes', () => {
  /** As after a failover: what connects from now on finds a server that takes no writes, and the old connections are cut. */
  async function demoted(work: () => Promise<void>): Promise<void> {
    const name = new URL(database.url).pathname.slice(1)
    await superuser.script(`alter database "${name}" set default_transaction_read_only = on`)
    try {
      await superuser.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and application_name like 'plinth%'`,
        [name],
      )
      await work()
    } finally {
      // Nothing is cut now: whoever is connected to the old server stays so until he leaves by himself.
      await superuser.script(`begin read write; alter database "${name}" reset default_transaction_read_only; commit`)
    }
  }

  test('writes are 503 with Retry-After, reads are answered, the process is not ready, and it goes on by itself', async () => {
    const plinth = open()
    expect((await ask(plinth, 'POST', '/api/v1/notes', { name: 'before' })).status).toBe(201)
    await demoted(async () => {
      // The first may still find its connection cut.
      await expect.poll(async () => (await ask(plinth, 'GET', '/api/v1/notes')).status).toBe(200)
      for (let at = 0; at < 6; at += 1) {
        const refused = await ask(plinth, 'POST', '/api/v1/notes', { name: 'refused' })
        expect(refused).toMatchObject({ status: 503, json: { code: 'unavailable' }, retryAfter: '2' })
      }
      expect((await ask(plinth, 'GET', '/api/v1/notes')).status).toBe(200)
      await expect.poll(async () => (await checksOf(plinth))['database'], { timeout: 20_000 }).toBe('unhealthy')
      expect(await readyOf(plinth)).toBe(503)
    })
    const write = async (): Promise<number> => (await ask(plinth, 'POST', '/api/v1/notes', { name: 'after' })).status
    await expect.poll(write, { timeout: 20_000 }).toBe(201)
    await expect.poll(async () => readyOf(plinth), { timeout: 20_000 }).toBe(200)
  })
})

test('what PostgreSQL has no disk or memory for is 503 with Retry-After; reads and the next write are answered', async () => {
  const plinth = open()
  expect((await ask(plinth, 'GET', '/api/v1/notes')).status).toBe(200)
  for (const state of ['53100', '53200']) {
    // The server's own error, where a disk of its own cannot be filled.
    await superuser.script(`
      create function public.no_room() returns trigger language plpgsql as
        $$ begin raise exception 'could not extend file' using errcode = '${state}'; end $$;
      create trigger no_room before insert on notes for each row execute function public.no_room()`)
    expect(await ask(plinth, 'POST', '/api/v1/notes', { name: 'x' })).toMatchObject({
      status: 503,
      json: { code: 'unavailable' },
      retryAfter: '2',
    })
    expect((await ask(plinth, 'GET', '/api/v1/notes')).status).toBe(200)
    await superuser.script('drop function public.no_room() cascade')
    expect((await ask(plinth, 'POST', '/api/v1/notes', { name: 'x' })).status).toBe(201)
  }
})

describe('row-level security is switched off beside a process that serves', () => {
  afterEach(() => void vi.useRealTimers())

  test('within a minute requests are 503 not_ready and the log names the table; it goes on when that is mended', async () => {
    // The minute alone: what else waits, waits.
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const log = capturedLog({ least: 'error' })
    const plinth = open({ log })
    expect((await ask(plinth, 'GET', '/api/v1/notes')).status).toBe(200)
    await superuser.script('alter table notes disable row level security')
    vi.advanceTimersByTime(60_000)
    await expect.poll(() => log.of('startup_fault').length, { timeout: 20_000 }).toBeGreaterThan(0)
    expect(await ask(plinth, 'GET', '/api/v1/notes')).toMatchObject({ status: 503, json: { code: 'not_ready' } })
    expect(await readyOf(plinth)).toBe(503)
    expect((await checksOf(plinth))['schema']).toBe('unhealthy')
    expect(
      log
        .of('startup_fault')
        .map(({ fields }) => String(fields['error']))
        .join(),
    ).toContain('public.notes')
    await superuser.script('alter table notes enable row level security')
    await expect.poll(() => readyOf(plinth), { timeout: 20_000 }).toBe(200)
    expect((await ask(plinth, 'GET', '/api/v1/notes')).status).toBe(200)
  })
})

test('clocks that are days apart: events are handed on and limits counted by the clock of the database', async () => {
  const rateLimits = { requests: { ip: { capacity: 10, windowSeconds: 86_400 } } } as const
  const heard: string[] = []
  const [behind, ahead] = [-3, 3].map((days) => {
    const clock = testClock()
    clock.set(new Date(Date.now() + days * 86_400_000))
    return open({ clock, heard, rateLimits })
  }) as [Plinth, Plinth]
  const statuses: number[] = []
  const made: string[] = []
  for (let at = 0; at < 10; at += 1)
    for (const plinth of [behind, ahead]) {
      const { status, json } = await ask(plinth, 'POST', '/api/v1/notes', { name: 'x' })
      statuses.push(status)
      if (status === 201) made.push(String(json['id']))
    }
  expect(statuses.filter((status) => status === 201)).toHaveLength(10)
  expect(statuses.filter((status) => status === 429)).toHaveLength(10)
  await expect.poll(() => made.filter((id) => !heard.some((key) => key.includes(id))), { timeout: 20_000 }).toEqual([])
})

test('a feature that cannot stop keeps nothing else from being closed, and the process is told', async () => {
  const closed: string[] = []
  const log = capturedLog({ least: 'warn' })
  const broken: Feature = { name: 'broken', stop: () => Promise.reject(new Error('will not')) }
  const other: Feature = { name: 'other', stop: () => Promise.resolve(void closed.push('other')) }
  const plinth = createPlinth({
    database: embedded('memory://'),
    resources: [],
    features: [broken, other],
    mailer: { name: 'post', send: () => Promise.resolve(), close: () => Promise.resolve(void closed.push('mailer')) },
    log,
    env,
  })
  const [first, second] = [plinth.close(), plinth.close()]
  expect(second).toBe(first)
  await expect(first).rejects.toThrow('Not everything could be closed')
  expect(closed).toEqual(['other', 'mailer'])
  expect(log.of('close_failed')).toHaveLength(1)
})

test('who keeps the audit log ends behind the other features: what is denied to work in its grace is told to somebody', async () => {
  const closed: string[] = []
  const keeper: Feature = {
    name: 'keeper',
    slots: { audit: () => ({ record: () => Promise.resolve(), refused: () => void closed.push('refused') }) },
    stop: () => Promise.resolve(void closed.push('keeper')),
  }
  let platform: Platform | undefined
  const worker: Feature = {
    name: 'worker',
    start: (given) => void (platform = given),
    async stop() {
      await new Promise((resolve) => setImmediate(resolve))
      const who = { kind: 'user', id: 'x', userId: 'x' } as const
      auditDenial(platform!, { who, tenantId: null, requestId: 'r', action: 'job.run' }, problem('permission_denied'))
    },
  }
  await createPlinth({
    database: embedded('memory://'),
    resources: [],
    features: [keeper, worker],
    log: capturedLog(),
    env,
  }).close()
  expect(closed).toEqual(['refused', 'keeper'])
})

test('a part that hangs at the end is left after its time, everything behind it is closed, and the process is told', async () => {
  const closed: string[] = []
  const log = capturedLog({ least: 'warn' })
  const hanging: Feature = { name: 'hanging', stopMs: 50, stop: () => new Promise(() => undefined) }
  const other: Feature = { name: 'other', stop: () => Promise.resolve(void closed.push('other')) }
  const plinth = createPlinth({
    database: embedded('memory://'),
    resources: [],
    features: [hanging, other],
    mailer: { name: 'post', send: () => Promise.resolve(), close: () => Promise.resolve(void closed.push('mailer')) },
    log,
    env,
  })
  await expect(plinth.close()).rejects.toThrow('Not everything could be closed')
  expect(closed).toEqual(['other', 'mailer'])
  expect(log.of('close_failed').map(({ fields }) => fields['part'])).toEqual(['hanging'])
})

test('the time that the document says is enough for all parts of a process that serves', () => {
  const [, delay = '', seconds = ''] =
    /`delayMs` of (\d+)\s+seconds, give it (\d+) seconds/.exec(read('docs/reliability.md')) ?? []
  const features = [audit(), auth(), events(), jobs(), rbac(), tenants()]
  // 10: `graceMs` of gracefulServer.
  expect(Number(seconds)).toBe(Number(delay) + 10 + closeMsOf(features, defaultLimits) / 1_000)
})
