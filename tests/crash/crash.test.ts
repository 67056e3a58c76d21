import { setTimeout as sleep } from 'node:timers/promises'
import type { Context, Principal } from '@plinth/core'
import { postgresJsDriver } from '@plinth/postgres/driver'
import { createDatabase, launchServer, seededRandom, type TestDatabase, type TestServer } from '@plinth/testing'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type * as Config from './plinth.config.ts'
import { restoreDrill } from './restore-drill.ts'
import { Victims } from './victims.ts'

/*
 * Workers are killed by kill -9 and PostgreSQL is restarted at once, with crash recovery, while jobs run. Short here; `npm run test:crash`
 * is the long run.
 */
const scale = Number(process.env['PLINTH_CRASH'] ?? 0)
const long = scale > 0
const JOBS = long ? 20_000 * scale : 200
const KILLS = long ? 200 * scale : 3
const RESTARTS = long ? 50 * scale : 1
/** Of a worker that is the only one. */
const [LONE_JOBS, LONE_KILLS, LONE_RESTARTS] = long ? [4_000 * scale, 40 * scale, 10 * scale] : [100, 2, 1]
const KEYS = long ? 500 * scale : 20
const AT_ONCE = long ? 100 : 20
const CUTS = long ? 200 * scale : 1
const MINUTE = 60_000

vi.setConfig({ testTimeout: long ? 40 * MINUTE : 2 * MINUTE, hookTimeout: 2 * MINUTE })

let server: TestServer
let database: TestDatabase
let config: typeof Config
let victims: Victims

/** On a connection of its own each time: the server comes and goes. */
async function stored(text: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const driver = postgresJsDriver(database.url, {
    max: 1,
    applicationName: 'crash test',
    prepare: false,
    statementTimeoutMs: 60_000,
    connectTimeoutSeconds: 10,
  })
  try {
    return await driver.query(text)
  } finally {
    await driver.close()
  }
}

const say = (text: string): void => {
  if (long) process.stderr.write(`${text}\n`)
}

beforeAll(async () => {
  server = await launchServer({ own: true, fullPageWrites: true })
  database = await createDatabase(server.url)
  vi.stubEnv('CRASH_URL', database.url)
  config = await import('./plinth.config.ts')
  await config.plinth.migrate()
  await config.plinth.foundTenant({ slug: 'acme', name: 'Acme' })
  victims = new Victims(database.url)
  // What hands jobs out is killed as well, and is where a worker is.
  await config.plinth.registry.features.find(({ name }) => name === 'jobs')?.stop?.()
})
afterAll(async () => {
  await victims.end()
  await config.plinth.close()
  await server.stop()
})

const request = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}, base?: string) => {
  const asked = new Request(`${base ?? 'http://crash.test'}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${config.TOKEN}`, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return base === undefined ? config.plinth.fetch(asked) : fetch(asked)
}

async function robot(): Promise<Principal> {
  const source = config.plinth.registry.features
    .flatMap((feature) => feature.slots?.principals ?? [])
    .find(({ kind }) => kind === 'service')
  return (await source?.find('crash'))!
}

/** Until it is done, however often the server is away: the keys make each job one. */
async function insist(work: (ctx: Context) => Promise<void>): Promise<void> {
  const principal = await robot()
  for (;;) {
    try {
      await config.plinth.as(principal, 'acme', work)
      return
    } catch {
      await sleep(100)
    }
  }
}

interface Storm {
  readonly workers: number
  /** The number of the first job: each is the number of an effect. */
  readonly first: number
  readonly jobs: number
  readonly kills: number
  readonly restarts: number
}

/** Asks for jobs while workers are killed and the server crashes, and waits until all of them are done. */
async function storm({ workers, first, jobs, kills: killed, restarts: crashed }: Storm): Promise<void> {
  const random = seededRandom(`crash ${workers}`)
  for (let at = 0; at < workers; at += 1) victims.startWorker()
  let [kills, restarts] = [0, 0]
  const asking = (async () => {
    for (let from = 0; from < jobs; from += 50) {
      // No faster than workers are killed: there is always something to be killed at.
      while (kills < killed && from / jobs > (kills + 1) / killed) await sleep(20)
      await insist(async (ctx) => {
        for (let number = first + from; number < first + Math.min(jobs, from + 50); number += 1)
          await ctx.enqueue(config.effect(number), { number }, { idempotencyKey: String(number) })
      })
    }
  })()
  const begun = Date.now()
  while (kills < killed || restarts < crashed) {
    await sleep(100 + random.next() * 400)
    // One that is in the middle of a job: a kill of a process that starts shows nothing.
    const [busy] = await stored(
      `select worker from plinth.background_jobs where status = 'running' order by random() limit 1`,
    )
    if (kills < killed && victims.kill(Number(String(busy?.['worker']).split('/')[1]))) kills += 1
    // As if ten seconds had gone: whoever comes is the only one, and needs no queue.
    if (workers === 1) await stored(`delete from plinth.job_workers where worker = '${String(busy?.['worker'])}'`)
    if (restarts < crashed && restarts / crashed <= kills / killed) {
      await server.restart('immediate')
      restarts += 1
    }
    if (kills % 20 === 0) say(`${kills} kills, ${restarts} restarts, ${Math.round((Date.now() - begun) / 1_000)} s`)
  }
  await asking
  const mine = `type like 'effect%' and (payload->>'number')::int between ${first} and ${first + jobs - 1}`
  await vi.waitFor(
    async () => {
      const [row] = await stored(
        `select count(*)::int as n from plinth.background_jobs where status not in ('completed', 'dead')`,
      )
      say(`${String(row?.['n'])} jobs left`)
      expect(row).toEqual({ n: 0 })
    },
    { timeout: (long ? 20 : 1) * MINUTE, interval: long ? 2_000 : 200 },
  )
  const [counted] = await stored(
    `select count(*)::int as effects, count(distinct number)::int as numbers, min(number)::int as least from effects where number >= ${first}`,
  )
  expect(counted).toEqual({ effects: jobs, numbers: jobs, least: first })
  const rows = await stored(
    `select status, count(*)::int as n from plinth.background_jobs where ${mine} group by status`,
  )
  expect(rows).toEqual([{ status: 'completed', n: jobs }])
  const [repeated] = await stored(
    `select count(*)::int as begun from plinth.background_jobs where attempts > 1 and ${mine}`,
  )
  say(`${jobs} effects once each; ${String(repeated?.['begun'])} jobs were begun more than once`)
  if (long) expect(Number(repeated?.['begun']), 'no kill fell into a job, so nothing was shown').toBeGreaterThan(0)
}

test(`${JOBS} jobs of three workers, ${KILLS} times kill -9 of one, ${RESTARTS} crashes of the server: none lost, none done twice`, async () => {
  await insist(async (ctx) => void (await ctx.enqueue(config.poison, {}, { idempotencyKey: 'poison' })))
  await storm({ workers: 3, first: 0, jobs: JOBS, kills: KILLS, restarts: RESTARTS })
})

test('the poison is a dead letter once; redriven and failing again it is there again', async () => {
  const letters = async (): Promise<readonly { readonly id: string; readonly attempts: number }[]> => {
    const page = (await (await request('GET', '/dead-letters')).json()) as { readonly data: [] }
    return page.data
  }
  // A crash counts as an attempt too: it may have been begun and not failed.
  const [letter, ...others] = await letters()
  expect(others).toEqual([])
  expect(letter?.attempts).toBe(3)
  expect((await request('POST', `/dead-letters/${letter?.id}/redrive`)).status).toBe(200)
  expect(await letters()).toEqual([])
  await vi.waitFor(async () => expect(await letters()).toMatchObject([{ id: letter?.id, attempts: 3 }]), {
    timeout: 30_000,
    interval: 100,
  })
  expect(await stored('select 1 from effects where number = -1')).toEqual([])
})

test(`${LONE_JOBS} jobs of one worker, killed ${LONE_KILLS} times: the same without a queue`, async () => {
  await victims.end()
  victims = new Victims(database.url)
  await stored('delete from plinth.job_workers')
  await storm({ workers: 1, first: 500_000, jobs: LONE_JOBS, kills: LONE_KILLS, restarts: LONE_RESTARTS })
})

test(`${KEYS} idempotency keys, ${AT_ONCE} equal requests at once for each: one effect each`, async () => {
  for (let key = 0; key < KEYS; key += 1) {
    const answers = await Promise.all(
      Array.from({ length: AT_ONCE }, () =>
        request('POST', '/effects', { number: 1_000_000 + key }, { 'idempotency-key': `key-${key}-0000000` }),
      ),
    )
    const statuses = new Set(answers.map(({ status }) => status))
    expect([...statuses].every((status) => status === 201 || status === 409)).toBe(true)
    expect(statuses.has(201)).toBe(true)
    if (key % 100 === 99) say(`${key + 1} keys`)
  }
  const [row] = await stored(
    'select count(*)::int as n, count(distinct number)::int as numbers from effects where number between 1000000 and 1999999',
  )
  expect(row).toEqual({ n: KEYS, numbers: KEYS })
})

test(`a process that is killed at ${CUTS} random points of a request, which is sent again: one effect each`, async () => {
  const random = seededRandom('cuts')
  let cut = 0
  for (let at = 0; at < CUTS; at += 1) {
    const victim = await victims.serve()
    const body = { number: 2_000_000 + at }
    const headers = { 'idempotency-key': `cut-${at}-00000000` }
    // Warm, so that the kill falls into the request and not into the start.
    await request('GET', '/effects?pageSize=1', undefined, {}, victim.url)
    const first = request('POST', '/effects', body, headers, victim.url).then(
      ({ status }) => status,
      () => undefined,
    )
    await sleep(random.next() * 12)
    victim.kill()
    if ((await first) === undefined) cut += 1
    let again = await request('POST', '/effects', body, headers)
    // PostgreSQL may not have noticed yet that whoever holds the key is gone: a client is told to come again.
    for (let tries = 0; again.status === 409 && tries < 50; tries += 1) {
      expect(again.headers.get('retry-after')).toBe('1')
      await sleep(200)
      again = await request('POST', '/effects', body, headers)
    }
    expect(again.status).toBe(201)
    if (at % 20 === 19) say(`${at + 1} requests, ${cut} of them cut off`)
  }
  const [row] = await stored(
    'select count(*)::int as n, count(distinct number)::int as numbers from effects where number >= 2000000',
  )
  expect(row).toEqual({ n: CUTS, numbers: CUTS })
})

restoreDrill(long)
