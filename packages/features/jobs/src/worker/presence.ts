import { statement, type Database } from '@plinth/core'

/** How long a worker is believed to be there that has said nothing more, in seconds. It says so every two. */
const BELIEVED_S = 10

/** Says that this worker is there, and takes jobs from the queue. */
export async function announce(database: Database, worker: string): Promise<void> {
  await database.systemStatement(statement`
    insert into plinth.job_workers as w (worker) values (${worker}::text)
    on conflict (worker) do update set seen_at = clock_timestamp()`)
}

export async function takeLeave(database: Database, worker: string): Promise<void> {
  await database.systemStatement(statement`delete from plinth.job_workers where worker = ${worker}::text`)
}

/** How many workers are there, but for this one where one is named. */
export async function countWorkers(database: Database, but = ''): Promise<number> {
  const [row] = await database.systemStatement(statement`
    select count(*)::int as n from plinth.job_workers
    where worker <> ${but}::text and seen_at > clock_timestamp() - make_interval(secs => ${BELIEVED_S}::int)`)
  return Number(row?.['n'])
}

/** Forgets those that ended without taking their leave. */
export async function forgetGone(database: Database): Promise<void> {
  await database.systemStatement(statement`
    delete from plinth.job_workers where seen_at < clock_timestamp() - make_interval(secs => ${BELIEVED_S * 6}::int)`)
}
