import { statement, type Database, type LibraryRunner, type LibraryValue } from '@plinth/core'
import { PgBoss, type Db } from 'pg-boss'
import type { Delivery } from './deliveries.ts'
import { QUEUE_NAME, QUEUE_SCHEMA } from './queue-tables.ts'

/** A job on its way, and what goes before it (less is later). */
export interface Parcel extends Delivery {
  readonly priority: number
}

const NO_DELIVERY = '00000000-0000-0000-0000-000000000000'

/**
 * The queue between the mover and the workers: pg-boss, which holds ids and nothing else. Its statements run on the connections of
 * `plinth_system`; of its own maintenance nothing is needed, since every row is deleted by whoever took it, and what a worker that
 * died had taken is found by the mover.
 */
export class Queue {
  readonly #database: Database
  #boss: Promise<PgBoss> | undefined

  constructor(database: Database) {
    this.#database = database
  }

  /** To be awaited before the transaction of {@link hand}: what pg-boss asks first, it asks on a connection of its own. */
  async ready(): Promise<void> {
    await this.#started()
  }

  /** In the transaction that marks them. Once each, however often: an id that is there already is left as it is. */
  async hand(system: LibraryRunner, parcels: readonly Parcel[]): Promise<void> {
    const boss = await this.#started()
    await boss.insert(
      QUEUE_NAME,
      // With it the job's key: to find rows by their delivery would take an index that every change of a job writes to.
      parcels.map(({ delivery, priority, tenantId, id }) => ({ id: delivery, priority, data: { tenantId, id } })),
      { db: adapted(system) },
    )
  }

  /** At most so many deliveries, each given to nobody else. */
  async take(most: number): Promise<readonly Delivery[]> {
    const boss = await this.#started()
    // The drivers leave json as the text that PostgreSQL printed.
    const jobs = await boss.fetch<string>(QUEUE_NAME, { batchSize: most, db: adapted(this.#database, 'anew') })
    return jobs.map(({ id: delivery, data }) => ({ ...(JSON.parse(data) as Omit<Delivery, 'delivery'>), delivery }))
  }

  async drop(deliveries: readonly string[]): Promise<void> {
    if (deliveries.length === 0) return
    const boss = await this.#started()
    await boss.deleteJob(QUEUE_NAME, [...deliveries])
  }

  /** Whether nothing waits in it to be taken. */
  async isEmpty(): Promise<boolean> {
    const [row] = await this.#database.systemStatement(statement`
        select not exists (select from plinth_queue.job where name = 'jobs' and state < 'active') as empty`)
    return row?.['empty'] === true
  }

  /** What workers had taken that died before they could drop it. Whether its jobs were done was asked long before. */
  async forget(): Promise<void> {
    await this.#database.systemStatement(statement`
        delete from plinth_queue.job
        where name = 'jobs' and state >= 'active' and started_on < clock_timestamp() - interval '1 hour'`)
  }

  async close(): Promise<void> {
    const boss = await this.#boss?.catch(() => undefined)
    await boss?.stop({ close: false, graceful: false })
  }

  #started(): Promise<PgBoss> {
    this.#boss ??= this.#start().catch((error: unknown) => {
      this.#boss = undefined
      throw error
    })
    return this.#boss
  }

  async #start(): Promise<PgBoss> {
    const boss = new PgBoss({
      db: adapted(this.#database),
      schema: QUEUE_SCHEMA,
      migrate: false,
      createSchema: false,
      supervise: false,
      schedule: false,
      // Whoever looks the queue up asks for a table that never changes.
      queueCacheIntervalSeconds: 3_600,
    })
    // What its timers find out is found out again by the next statement, whose caller is told.
    boss.on('error', () => undefined)
    try {
      await boss.start()
      // It looks the queue up when it is first asked for, and inside a transaction that would wait for the transaction's own connection.
      await boss.deleteJob(QUEUE_NAME, [NO_DELIVERY])
      return boss
    } catch (error) {
      // Its timers go on, and keep the process alive; the next look begins with another one.
      await boss.stop({ close: false, graceful: false }).catch(() => undefined)
      throw error
    }
  }
}

/**
 * @param plan `anew` for what looks for the first rows: planned while the queue was empty, it read the whole of a table that thousands of
 * rows had passed through (12 ms instead of half of one)
 */
function adapted(runner: LibraryRunner, plan: 'kept' | 'anew' = 'kept'): Db {
  return {
    executeSql: async (text, values) => ({
      rows: [...(await runner.library(text, values as readonly LibraryValue[] | undefined, plan))],
    }),
  }
}
