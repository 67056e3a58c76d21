import { PgBoss } from 'pg-boss'
import { postgresJsDriver } from '@plinth/postgres/driver'
import { loginUrl } from '@plinth/testing'
import { countCpu } from './cpu.ts'
import type { JobsRound } from './plinth.ts'
import { AT_ONCE, BATCH, openJobs } from './platform.ts'

/** Of one look: with fewer the looks are what takes the time, with more the last ones wait for each other. */
const TAKEN = 100

/**
 * The same by pg-boss alone, with its own pool: taken in hundreds, ten at work, done in hundreds. The same row into the same table as the
 * same login, in a transaction that sets the tenant. It promises less: a process that dies does up to a hundred jobs again.
 */
export async function bareRound(url: string, count: number): Promise<JobsRound> {
  const { plinth, tenantId } = await openJobs(url, () => undefined)
  await plinth.close()
  const driver = postgresJsDriver(loginUrl(url, 'plinth_app'), {
    max: AT_ONCE,
    applicationName: 'bench',
    prepare: true,
    statementTimeoutMs: 60_000,
    connectTimeoutSeconds: 10,
  })
  const boss = new PgBoss({ connectionString: url, max: AT_ONCE, supervise: false, schedule: false })
  await boss.start()
  await boss.createQueue('effects')
  const begun = performance.now()
  for (let from = 0; from < count; from += BATCH)
    await boss.insert(
      'effects',
      Array.from({ length: BATCH }, (_, at) => ({ data: { number: from + at } })),
    )
  const asked = performance.now()
  const counted = await countCpu(url)
  const from = performance.now()
  for (let left = count; left > 0;) {
    const taken = await boss.fetch<{ readonly number: number }>('effects', { batchSize: TAKEN })
    const waiting = taken.values()
    const worker = async (): Promise<void> => {
      for (const { data } of waiting)
        await driver.transaction(async (connection) => {
          await connection.query(`select set_config('plinth.tenant', $1::text, true)`, [tenantId], { prepare: true })
          await connection.query(
            'insert into effects (tenant_id, id, number) values ($1::uuid, gen_random_uuid(), $2::int)',
            [tenantId, data.number],
            { prepare: true },
          )
        })
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
    await boss.complete(
      'effects',
      taken.map(({ id }) => id),
    )
    left -= taken.length
  }
  const ended = performance.now()
  const { node, postgres } = counted()
  await boss.stop({ graceful: false })
  await driver.close()
  return {
    asked: (count / (asked - begun)) * 1_000,
    done: (count / (ended - from)) * 1_000,
    cpu: { node: node / count, postgres: postgres / count },
  }
}
