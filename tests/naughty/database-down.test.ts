import { setTimeout as sleep } from 'node:timers/promises'
import {
  depot,
  launchServer,
  testJournal,
  testPlatform,
  type TestPlatform,
  type TestReply,
  type TestServer,
} from '@plinth/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/*
 * PostgreSQL goes away in the middle of requests, in each way it can: stopped, crashed, killed, frozen. What was asked for
 * either happened whole and was said so, or is 503 with Retry-After; never 401 (the login in DATABASE_URL is not the caller's)
 * and never 500. Nothing is half written, and it goes on by itself when the server is back.
 */
let server: TestServer
let platform: TestPlatform
const heard = { events: 0 }

beforeAll(async () => {
  // Its own, and with the disk behind it: what was acknowledged must be there after kill -9.
  server = await launchServer({ own: true, fsync: true, fullPageWrites: true })
  platform = await testPlatform({
    resources: depot,
    features: [testJournal({ listen: () => void (heard.events += 1) })],
    serverUrl: server.url,
    pool: 4,
  })
}, 120_000)

afterAll(async () => {
  await platform.close()
  await server.stop()
})

function asked(
  method: string,
  path: string,
  body?: unknown,
  headers?: Readonly<Record<string, string>>,
): Promise<TestReply> {
  return platform.request(platform.a.actors.full, method, path, body, headers)
}

interface Tally {
  readonly statuses: Map<number, number>
  readonly wrong: string[]
  /** Ids that were acknowledged with 201. */
  readonly created: Set<string>
  /** Names under an idempotency key, each repeated until it was acknowledged. */
  readonly keyed: Set<string>
  slowest: number
}

function newTally(): Tally {
  return { statuses: new Map(), wrong: [], created: new Set(), keyed: new Set(), slowest: 0 }
}

/** One request; judged. Resolves with undefined where it was 503. */
async function judged(
  tally: Tally,
  method: string,
  path: string,
  body?: unknown,
  headers?: Readonly<Record<string, string>>,
): Promise<TestReply | undefined> {
  const startedAt = performance.now()
  const reply = await asked(method, path, body, headers)
  tally.slowest = Math.max(tally.slowest, performance.now() - startedAt)
  tally.statuses.set(reply.status, (tally.statuses.get(reply.status) ?? 0) + 1)
  if (reply.status < 300) return reply
  const sound =
    reply.status === 503 &&
    Number(reply.headers['retry-after']) > 0 &&
    reply.headers['content-type'] === 'application/problem+json'
  if (!sound) tally.wrong.push(`${method} ${path}: ${reply.status} ${reply.body}`)
  return undefined
}

const idOf = (reply: TestReply | undefined): string | undefined =>
  (reply?.json as { readonly id?: string } | undefined)?.id

/** Reads, creates, changes, deletes and runs actions of several writes, on rows of its own, until told to stop. */
async function worker(tally: Tally, number: string, running: { on: boolean }): Promise<void> {
  let folder: string | undefined
  let document: string | undefined
  for (let turn = 0; running.on; turn += 1) {
    await judged(tally, 'GET', '/api/v1/folders?pageSize=5&count=exact')
    const made = idOf(await judged(tally, 'POST', '/api/v1/folders', { name: `${number} ${turn}` }))
    if (made) tally.created.add(made)
    folder ??= made
    if (folder) await judged(tally, 'PATCH', `/api/v1/folders/${folder}`, { name: `${number} changed ${turn}` })
    if (folder && !document)
      document = idOf(
        await judged(tally, 'POST', '/api/v1/documents', { title: 'first', docKey: number, folderId: folder }),
      )
    if (document) {
      const reply = await asked('POST', `/api/v1/documents/${document}/supersede`, { title: `${number} ${turn}` })
      // A follower whose acknowledgement was lost: then this one is gone (404), and the next is found by its key.
      if (reply.status === 404) document = undefined
      else {
        if (reply.status !== 200 && reply.status !== 503) tally.wrong.push(`supersede: ${reply.status} ${reply.body}`)
        tally.statuses.set(reply.status, (tally.statuses.get(reply.status) ?? 0) + 1)
        document = reply.status === 200 ? idOf(reply) : document
      }
    }
    const name = `keyed ${number} ${turn}`
    for (let attempt = 0; attempt < 200; attempt += 1) {
      const kept = await asked('POST', '/api/v1/folders', { name }, { 'idempotency-key': name.replaceAll(' ', '-') })
      tally.statuses.set(kept.status, (tally.statuses.get(kept.status) ?? 0) + 1)
      if (kept.status === 201) {
        tally.keyed.add(name)
        break
      }
      // 409: the lost attempt is still running over there.
      if (kept.status !== 503 && kept.status !== 409) tally.wrong.push(`keyed: ${kept.status} ${kept.body}`)
      await sleep(50)
    }
  }
}

/** As the superuser, over connections that may have died with the server. */
async function look(text: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await platform.superuser.query(text)
    } catch (error) {
      if (attempt === 10) throw error
      await sleep(200)
    }
  }
}

/** Rows whose journal does not tell of exactly what they went through, and journals without a row. */
async function halfWritten(): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const tables = ['folders', 'documents'].map(
    (table) =>
      `select id::text as id, version, '${table.slice(0, -1)}' as resource, to_jsonb(t) as content from public.${table} t`,
  )
  return look(`
    with stored as (${tables.join(' union all ')}),
    told as (select resource, row_id, count(*) as entries, max(version) as version, (array_agg(after order by version desc))[1] as after
             from plinth.test_journal group by 1, 2)
    select coalesce(s.id, t.row_id) as id, s.version, t.entries, t.version as told
    from stored s full join told t on t.resource = s.resource and t.row_id = s.id
    where s.id is null or t.row_id is null or t.entries <> s.version or t.version <> s.version
       or (t.after is not null and t.after ->> 'name' is distinct from s.content ->> 'name')`)
}

const trouble: readonly (readonly [name: string, happen: () => Promise<void>])[] = [
  ['stopped politely and started again', () => server.restart('fast')],
  ['crashed and started again', () => server.restart('immediate')],
  [
    'killed with -9, away for a second',
    async () => {
      await server.kill()
      await sleep(1_000)
      await server.restart('immediate')
    },
  ],
  [
    'frozen for a second',
    async () => {
      server.pause()
      await sleep(1_000)
      server.resume()
    },
  ],
]

describe.each(trouble)('PostgreSQL %s', (name, happen) => {
  test(
    '2xx or 503 with Retry-After, nothing half written, nothing acknowledged lost, goes on by itself',
    { timeout: 120_000 },
    async () => {
      const tally = newTally()
      const running = { on: true }
      const workers = Array.from({ length: 8 }, (_, at) => worker(tally, `${name} ${at}`, running))
      // By what was done and not by time: on a busy machine half a second is nothing.
      const moreCreated = async (count: number): Promise<void> => {
        const wanted = tally.created.size + count
        while (tally.created.size < wanted) await sleep(10)
      }
      for (let round = 0; round < 2; round += 1) {
        await moreCreated(15)
        await happen()
        const backAt = performance.now()
        while ((await asked('GET', '/api/v1/folders?pageSize=1')).status !== 200) await sleep(20)
        expect(performance.now() - backAt, 'milliseconds until it serves again').toBeLessThan(20_000)
        await moreCreated(15)
      }
      running.on = false
      await Promise.all(workers)
      const statuses = [...tally.statuses].sort(([a], [b]) => a - b).map(([status, count]) => `${status}×${count}`)
      console.info(
        `PostgreSQL ${name}: ${statuses.join(' ')}, ${tally.created.size} created, ${tally.keyed.size} under a key, slowest answer ${Math.round(tally.slowest)} ms`,
      )

      expect(tally.wrong.slice(0, 10)).toEqual([])
      expect(tally.created.size).toBeGreaterThanOrEqual(60)
      expect(await halfWritten()).toEqual([])
      const rows = await look('select id::text, name from public.folders')
      const ids = new Set(rows.map((row) => row['id']))
      expect(
        [...tally.created].filter((id) => !ids.has(id)),
        'acknowledged and not there',
      ).toEqual([])
      const times = new Map<unknown, number>()
      for (const row of rows) times.set(row['name'], (times.get(row['name']) ?? 0) + 1)
      expect(
        [...tally.keyed].filter((one) => times.get(one) !== 1),
        'not exactly once under their key',
      ).toEqual([])
      // One living document in each chain: a follower is never there without its predecessor being gone.
      const chains = `select doc_key from public.documents group by 1
      having count(*) filter (where deleted_at is null) <> count(*) filter (where title = 'first')`
      expect(await look(chains)).toEqual([])
    },
  )
})

test(
  'while it is away, health says so and liveness does not; the log has the cause, the answer has not',
  { timeout: 60_000 },
  async () => {
    await server.kill()
    const tally = newTally()
    const startedAt = performance.now()
    for (let at = 0; at < 20; at += 1)
      await judged(tally, at % 2 ? 'GET' : 'POST', '/api/v1/folders', at % 2 ? undefined : { name: 'x' })
    expect(tally.wrong).toEqual([])
    expect([...tally.statuses.keys()]).toEqual([503])
    expect((performance.now() - startedAt) / 20, 'milliseconds an answer').toBeLessThan(3_000)
    const down = await asked('GET', '/api/v1/folders')
    expect(down.json).toMatchObject({ code: 'unavailable' })
    expect(down.body).not.toMatch(/ECONN|127\.0\.0\.1|postgres|plinth_app/i)
    expect(platform.log.text()).toMatch(/ECONNREFUSED|unreachable/)
    expect(await platform.request(undefined, 'GET', '/health')).toMatchObject({
      status: 503,
      json: { status: 'degraded' },
    })
    expect((await platform.request(undefined, 'GET', '/health/ready')).status).toBe(503)
    expect((await platform.request(undefined, 'GET', '/health/live')).status).toBe(200)
    await server.restart('immediate')
    await expect
      .poll(async () => (await platform.request(undefined, 'GET', '/health')).status, { timeout: 20_000 })
      .toBe(200)
    expect((await asked('POST', '/api/v1/folders', { name: 'after' })).status).toBe(201)
  },
)

test('events that were committed are handed on all the same', { timeout: 60_000 }, async () => {
  await expect
    .poll(
      async () =>
        (await look('select count(*)::int as left_over from plinth.events where delivered_at is null'))[0]?.[
          'left_over'
        ],
      { timeout: 40_000, interval: 500 },
    )
    .toBe(0)
  const [count] = await look('select count(*)::int as events from plinth.events')
  expect(heard.events).toBeGreaterThanOrEqual(Number(count?.['events']))
})

test('a planted half of a write is found', async () => {
  await platform.superuser.query(
    `insert into public.folders (tenant_id, id, name) values ($1::uuid, gen_random_uuid(), 'without a journal')`,
    [platform.a.id],
  )
  expect(await halfWritten()).toHaveLength(1)
})
