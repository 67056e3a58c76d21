import { PgBoss } from 'pg-boss'
import { postgresJsDriver } from '@plinth/postgres/driver'
import { AT_ONCE, BATCH, type JobsRound } from './plinth.ts'

/** Of one look: with fewer the looks are what takes the time, with more the last ones wait for each other. */
const TAKEN = 100

/** The same by pg-boss alone, with its own pool: taken in hundreds, ten at work, done in hundreds. */
export async function bareRound(url: string, count: number): Promise<JobsRound> {
  const driver = postgresJsDriver(url, {
    max: AT_ONCE,
    applicationName: 'bench',
    prepare: true,
    statementTimeoutMs: 60_000,
    connectTimeoutSeconds: 10,
  })
  await driver.script(
    'create table effects (id uuid primary key default gen_random_uuid(), tenant_id uuid not null, number int not null)',
  )
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
  for (let left = count; left > 0;) {
    const taken = await boss.fetch<{ readonly number: number }>('effects', { batchSize: TAKEN })
    const waiting = taken.values()
    const worker = async (): Promise<void> => {
      for (const { data } of waiting)
        await driver.transaction(async (connection) => {
          await connection.query(`select set_config('plinth.tenant', $1::text, true)`, [TENANT], { prepare: true })
          await connection.query(
            'insert into effects (tenant_id, number) values ($1::uuid, $2::int)',
            [TENANT, data.number],
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
  await boss.stop({ graceful: false })
  await driver.close()
  return { asked: (count / (asked - begun)) * 1_000, done: (count / (ended - asked)) * 1_000 }
}

const TENANT = '0190a000-0000-7000-8000-00000000000a'
