import type { Db } from 'pg-boss'
import type { Connection, Parameter } from '@plinth/postgres/driver'
import { AT_ONCE } from '../platform.ts'
import type { JobsRound } from '../plinth.ts'
import { bareRound, QUEUE, type Bare, type Effect } from './bare.ts'

/** Of one look: with fewer the looks are what takes the time, with more the last ones wait for each other. */
const TAKEN = 100

/** Takes them by the hundred until all are gone, ten at work. */
async function byTheHundred(
  { boss }: Bare,
  count: number,
  one: (id: string, effect: Effect) => Promise<void>,
  after?: (ids: readonly string[]) => Promise<void>,
): Promise<void> {
  for (let left = count; left > 0;) {
    const taken = await boss.fetch<Effect>(QUEUE, { batchSize: TAKEN })
    const waiting = taken.values()
    const worker = async (): Promise<void> => {
      for (const { id, data } of waiting) await one(id, data)
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
    await after?.(taken.map(({ id }) => id))
    left -= taken.length
  }
}

/** By a loop that is written for it: taken and completed by the hundred. A process that dies does up to a hundred jobs again. */
export const inHundreds = (url: string, jobs: number): Promise<JobsRound> =>
  bareRound(url, jobs, (bare, count) =>
    byTheHundred(
      bare,
      count,
      (_id, effect) => bare.app.transaction((connection) => bare.write(connection, effect)),
      async (ids) => {
        await bare.boss.complete(QUEUE, [...ids])
      },
    ),
  )

/** As it is used: ten workers of its own that take ten at a time. One that dies does up to ten again, and there are ten. */
export const byWorkers = (url: string, jobs: number): Promise<JobsRound> =>
  bareRound(url, jobs, async ({ boss, app, write }, count) => {
    let left = count
    const { promise: done, resolve } = Promise.withResolvers<void>()
    const options = { batchSize: 10, localConcurrency: AT_ONCE, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5 }
    await boss.work<Effect>(QUEUE, options, async (taken) => {
      for (const { data } of taken) {
        await app.transaction((connection) => write(connection, data))
        if (--left === 0) resolve()
      }
    })
    await done
    await boss.offWork(QUEUE)
  })

/** With what Plinth promises: completed in the transaction of its row, so that it is done once whatever dies. */
export const inItsTransaction = (url: string, jobs: number): Promise<JobsRound> =>
  bareRound(url, jobs, (bare, count) =>
    byTheHundred(bare, count, (id, effect) =>
      bare.owner.transaction(async (connection) => {
        await bare.write(connection, effect)
        await bare.boss.complete(QUEUE, id, undefined, { db: adapted(connection) })
      }),
    ),
  )

function adapted(connection: Connection): Db {
  const text = (value: unknown): Parameter =>
    Array.isArray(value) ? `{${value.join(',')}}` : ((value ?? null) as Parameter)
  return {
    executeSql: async (sql, values) => ({
      rows: [...(await connection.query(sql, values?.map(text) ?? [], { prepare: true }))],
    }),
  }
}
