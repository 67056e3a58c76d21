import { PgBoss } from 'pg-boss'
import { postgresJsDriver, type Connection, type Driver } from '@plinth/postgres/driver'
import { loginUrl } from '@plinth/testing'
import { countCpu } from '../cpu.ts'
import { AT_ONCE, BATCH, openJobs } from '../platform.ts'
import { atOnce, warmUp, type JobsRound } from '../plinth.ts'

export const QUEUE = 'effects'

export interface Effect {
  readonly number: number
}

export interface Bare {
  readonly boss: PgBoss
  /** Of the login that Plinth uses. */
  readonly app: Driver
  /** Of one that may write to the queue's tables as well. */
  readonly owner: Driver
  /** The same row into the same table, in a transaction that sets the tenant. */
  readonly write: (connection: Connection, effect: Effect) => Promise<void>
}

/**
 * pg-boss alone, with its own pool: so many jobs wait, then `work` does them all.
 * @param work does so many of them; resolves when the last one is done. Called to warm up, and to be measured
 */
export async function bareRound(
  url: string,
  count: number,
  work: (bare: Bare, count: number) => Promise<void>,
): Promise<JobsRound> {
  const { plinth, tenantId } = await openJobs(url, () => undefined)
  await plinth.close()
  const open = (at: string): Driver =>
    postgresJsDriver(at, {
      max: AT_ONCE,
      applicationName: 'bench',
      prepare: true,
      statementTimeoutMs: 60_000,
      connectTimeoutSeconds: 10,
    })
  const [app, owner] = [open(loginUrl(url, 'plinth_app')), open(url)]
  const boss = await startBoss(url)
  const ask = async (many: number): Promise<void> => {
    for (let from = 0; from < many; from += BATCH)
      await boss.insert(
        QUEUE,
        Array.from({ length: BATCH }, (_, at) => ({ data: { number: from + at } })),
      )
  }
  const write = async (connection: Connection, { number }: Effect): Promise<void> => {
    await connection.query(`select set_config('plinth.tenant', $1::text, true)`, [tenantId], { prepare: true })
    await connection.query(
      'insert into effects (tenant_id, id, number) values ($1::uuid, gen_random_uuid(), $2::int)',
      [tenantId, number],
      { prepare: true },
    )
  }
  const bare = { boss, app, owner, write }
  await ask(warmUp(count))
  await work(bare, warmUp(count))
  const asking = performance.now()
  await ask(count)
  const asked = performance.now()
  const counted = await countCpu(url)
  const from = performance.now()
  await work(bare, count)
  const ended = performance.now()
  const { node, postgres } = counted()
  await boss.stop({ graceful: false })
  await app.close()
  await owner.close()
  return {
    asked: (count / (asked - asking)) * 1_000,
    done: (count / (ended - from)) * 1_000,
    cpu: { node: node / count, postgres: postgres / count },
  }
}

async function startBoss(url: string): Promise<PgBoss> {
  const boss = new PgBoss({ connectionString: url, max: AT_ONCE, supervise: false, schedule: false })
  await boss.start()
  await boss.createQueue(QUEUE)
  return boss
}

/** As `plinthAsked`, by `send`. */
export async function bareAsked(url: string, count: number): Promise<number> {
  const boss = await startBoss(url)
  const rate = await atOnce(count, (number) => boss.send(QUEUE, { number }))
  await boss.stop({ graceful: false })
  return rate
}
