import { scopeOf, statement, systemPrincipal, type Database, type Feature, type FixedStatement } from '@plinth/core'
import type { Platform, StatementRunner, SystemTransaction, Transaction } from '@plinth/core'
import { testPlatform, type TestPlatform } from '@plinth/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { jobs } from '../src/index.ts'
import { giveBackLost } from '../src/mover/give-back-lost.ts'
import { giveBackMissing } from '../src/mover/give-back.ts'
import { chooseNext, markQueued, promoteDue, releaseHeld } from '../src/mover/hand-over.ts'
import { Line } from '../src/queue/line.ts'
import { Queue } from '../src/queue/queue.ts'
import { claim, renew } from '../src/worker/claim.ts'
import { completeAll, giveBack } from '../src/worker/settle.ts'
import { note, writeNote } from './job-platform.ts'

/*
 * PostgreSQL keeps the plan of a prepared statement once it has been run five times. One that was made while the table was empty must not
 * read the whole table later on. Nothing runs here but what the tests run: no request was made, so no mover began.
 */

let platform: TestPlatform
let inner: Platform
beforeAll(async () => {
  const inside: Feature = { name: 'test-inside', start: (given) => void (inner = given) }
  const features = [jobs(), inside]
  platform = await testPlatform({ resources: [note], features, plinth: { jobs: [writeNote] } })
  await platform.superuser.script('alter table plinth.background_jobs set (autovacuum_enabled = false)')
}, 60_000)
afterAll(() => platform.close())

const emptied = async (): Promise<void> => {
  await platform.superuser.script('delete from plinth.background_jobs')
  await platform.superuser.query('vacuum analyze plinth.background_jobs')
}

/** Five thousand that are done, and some of each that is not. */
const filled = (): Promise<unknown> =>
  platform.superuser.query(`
    insert into plinth.background_jobs (tenant_id, id, type, payload, status, max_attempts, run_at, principal_kind, principal_id,
      second_factor, request_id, key, finished_at, queued_at, attempts)
    select '${platform.a.id}', gen_random_uuid(), 'note.write', '{"title":"x"}',
      case when n <= 5000 then 'completed' when n <= 5050 then 'waiting' when n <= 5100 then 'queued' when n <= 5150 then 'running'
        when n <= 5200 then 'scheduled' else 'held' end,
      5, now(), 'service', 'x', false, 'r', case when n % 2 = 0 then 'k' || n end, case when n <= 5000 then now() end, now(), 1
    from generate_series(1, 5210) n`)

async function readWhole(runner: StatementRunner): Promise<number> {
  const [row] = await runner.run(statement`
    select coalesce(sum(seq_tup_read), 0)::int as n from pg_stat_xact_user_tables
    where schemaname = 'plinth' and relname = 'background_jobs'`)
  return Number(row?.['n'])
}

const isEnough = 8

/** Runs it until its plans are kept, of an empty table, and then of a full one. Rows that were read from end to end. */
async function measured(runner: StatementRunner, work: () => Promise<unknown>): Promise<number> {
  for (let round = 0; round < isEnough; round += 1) await work()
  await filled()
  const before = await readWhole(runner)
  await work()
  return (await readWhole(runner)) - before
}

const job = (at: number) => ({
  tenantId: platform.a.id,
  id: `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`,
  delivery: `00000000-0000-4000-9000-${String(at).padStart(12, '0')}`,
})
const some = () => Array.from({ length: 20 }, (_, at) => job(at))

const ofPlatform: readonly [string, (system: SystemTransaction, database: Database) => Promise<unknown>][] = [
  ['promoting what is due', (system) => promoteDue(system, new Date())],
  ['choosing what goes next', (system) => chooseNext(system, inner.registry.jobs, 250)],
  [
    'choosing what goes next beside a line',
    (system) => chooseNext(system, inner.registry.jobs, 250, { served: [platform.b.id], unmarked: some() }),
  ],
  ['marking it', (system) => markQueued(system, some())],
  ['releasing what was held', (system) => releaseHeld(system)],
  ['claiming', (_system, database) => claim({ ...inner, database }, some(), { worker: 'w', leaseMs: 1_000 })],
  [
    'renewing',
    (_system, database) =>
      renew(
        database,
        some().map((one) => ({ ...one, progress: 1, note: null })),
        1_000,
      ),
  ],
  ['giving back what was lost', () => giveBackLost(inner, () => Promise.resolve(true))],
  [
    'giving back what is missing',
    (_system, database) =>
      giveBackMissing(database, { queue: new Queue(inner.database), line: new Line() }, new Date()),
  ],
  ['giving back', (_system, database) => giveBack({ ...inner, database }, some() as never)],
]

test.each(ofPlatform)('%s', async (_name, work) => {
  await emptied()
  await inner.database.system(async (system) => {
    const database = {
      ...inner.database,
      system: <T>(run: (given: SystemTransaction) => Promise<T>) => run(system),
      systemStatement: (given: FixedStatement) => system.run(given),
    } as Database
    expect(await measured(system, () => work(system, database))).toBe(0)
  })
})

const ofTenant: readonly [string, (transaction: Transaction) => Promise<unknown>][] = [
  [
    'completing several',
    (transaction) => {
      let done: Promise<unknown> | undefined
      const watched = {
        emit: () => Promise.resolve(),
        run: (given: FixedStatement) => transaction.run(given),
        finish: (last: FixedStatement) => (done = transaction.run(last)),
      }
      return completeAll(
        some().map((one) => ({ job: { ...one, attempt: 1 } as never, transaction: watched as never, result: null })),
        new Date(),
      ).then(() => done)
    },
  ],
]
const scope = (): ReturnType<typeof scopeOf> =>
  scopeOf(inner, {
    principal: systemPrincipal(inner.registry.permissions, 'job'),
    tenant: { ...platform.a, status: 'active' } as never,
    requestId: 'r',
  })

test.each(ofTenant)('%s', async (_name, work) => {
  await emptied()
  await inner.database.transaction(scope(), async (transaction) => {
    expect(await measured(transaction, () => work(transaction))).toBe(0)
  })
})
