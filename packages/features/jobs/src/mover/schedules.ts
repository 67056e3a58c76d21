import { givenTime, statement, type Database, type Job, type Platform, type StartupFault } from '@plinth/core'
import { keyOf } from '../job-key.ts'
import { jobLogEvents } from '../log-events.ts'
import { timesAround } from './clock-times.ts'
import { refusedCron } from './refuse-cron.ts'

const DEFAULT_ATTEMPTS = 5
/** When one whose jobs could not be made is asked again, and how often it is told of. */
const AGAIN_MS = 5_000
const TOLD_EVERY_MS = 60_000
/** How long jobs that are due by the clock may not be there: whoever makes them looks four times a second. */
const LONGEST_WAIT_MS = 60_000

/** Jobs that run by the clock. */
export class Schedules {
  readonly #jobs: readonly Job[]
  /** When each is due next, as far as this process knows. */
  readonly #next = new Map<string, number>()
  /** Whose jobs could not be made. */
  readonly #broken = new Map<string, { readonly triedAt: number; readonly toldAt: number }>()

  constructor(jobs: Iterable<Job>) {
    this.#jobs = [...jobs].filter((job) => job.cron !== undefined)
  }

  /** What is wrong with the expressions and zones. */
  faults(): readonly StartupFault[] {
    return this.#jobs.flatMap((job) => {
      // Asked first: the reader of expressions says of a zone that it does not know only that some time cannot be handled.
      if (!isZone(zoneOf(job))) {
        const problem = `'${job.timeZone}' is no time zone`
        return [{ path: `job ${job.name}.timeZone`, problem, fix: "a name of the IANA database: 'Europe/Zurich'" }]
      }
      const reason = refusedCron(job.cron!) ?? unreadable(job)
      if (reason !== undefined) {
        const problem = `'${job.cron}' is no time by the clock (${reason})`
        const fix = "minute, hour, day, month, day of the week: '0 3 * * 1-5' is 3:00 from Monday to Friday"
        return [{ path: `job ${job.name}.cron`, problem, fix }]
      }
      return []
    })
  }

  /**
   * Makes what is due. Of times that were missed, while nothing ran, the last one alone. Where it cannot be made the others are all the same,
   * and nothing waits for it: what the mover does next it does for all jobs of all tenants.
   */
  async make(platform: Pick<Platform, 'database' | 'log'>, now: Date): Promise<void> {
    for (const job of this.#jobs) {
      const next = this.#next.get(job.name)
      if (next !== undefined && now.getTime() < next) continue
      const broken = this.#broken.get(job.name)
      if (broken && performance.now() - broken.triedAt < AGAIN_MS) continue
      try {
        const around = timesAround(job.cron!, zoneOf(job), now)
        await makeJobs(platform.database, job, around.last, now)
        this.#next.set(job.name, around.next.getTime())
        this.#broken.delete(job.name)
      } catch (error) {
        this.#tell(platform, job, error)
      }
    }
  }

  /** Those of which a time came more than a minute ago, and whose jobs nobody has made. */
  async missed(platform: Pick<Platform, 'database' | 'clock'>): Promise<readonly string[]> {
    if (this.#jobs.length === 0) return []
    const given = givenTime(platform)
    const rows = await platform.database.systemStatement(statement`
      select job, (extract(epoch from made_until) * 1000)::float8 as made,
        (extract(epoch from coalesce(${given}::text::timestamptz, statement_timestamp())) * 1000)::float8 as now
      from plinth.job_schedules`)
    const now = new Date(Number(rows[0]?.['now']))
    const made = new Map(rows.map((row) => [String(row['job']), new Date(Number(row['made']))]))
    const isMissed = (job: Job): boolean => {
      const until = made.get(job.name)
      // One that is new begins with its next time.
      if (!until || now.getTime() - until.getTime() < LONGEST_WAIT_MS) return false
      return now.getTime() - timesAround(job.cron!, zoneOf(job), until).next.getTime() > LONGEST_WAIT_MS
    }
    return this.#jobs.filter(isMissed).map(({ name }) => name)
  }

  #tell({ log }: Pick<Platform, 'log'>, { name }: Job, error: unknown): void {
    const triedAt = performance.now()
    const { toldAt = -Infinity } = this.#broken.get(name) ?? {}
    const isTold = triedAt - toldAt > TOLD_EVERY_MS
    this.#broken.set(name, { triedAt, toldAt: isTold ? triedAt : toldAt })
    if (isTold) log.error(jobLogEvents.scheduleFailed, { job: name, error })
  }
}

/**
 * One for each active tenant, in one transaction with the note that they were made: the update finds the row of this time once,
 * however many processes ask. A job that is new begins with its next time, not with one that was before it. What was made for a time that
 * has not come (by the clock of a process that was ahead) is no reason to make nothing until then.
 */
async function makeJobs(database: Database, job: Job, slot: Date, now: Date): Promise<void> {
  await database.system(async (system) => {
    const [known] = await system.run(statement`
      insert into plinth.job_schedules as s (job, made_until) values (${job.name}::text, ${slot}::text::timestamptz)
      on conflict (job) do update set made_until = excluded.made_until where s.made_until < excluded.made_until
        or s.made_until > ${now}::text::timestamptz + interval '1 minute'
      returning (xmax = 0) as fresh`)
    if (!known || known['fresh'] === true) return
    await system.run(statement`
      insert into plinth.background_jobs (tenant_id, id, type, payload, key, status, max_attempts, run_at, idempotency_key,
        principal_kind, principal_id, second_factor, request_id)
      select t.id, gen_random_uuid(), ${job.name}::text, '{}', ${keyOf(job, job.input.safeParse({}).data)}::text, 'waiting', ${job.retry.attempts ?? DEFAULT_ATTEMPTS}::int,
        ${slot}::text::timestamptz, 'cron ' || ${slot}::text, 'system', 'system', true, gen_random_uuid()::text
      from plinth.tenants t where t.status = 'active'
      on conflict (tenant_id, type, idempotency_key) where idempotency_key is not null do nothing`)
  })
}

const zoneOf = (job: Job): string => job.timeZone ?? 'UTC'

function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

/** In the words of its reader. */
function unreadable(job: Job): string | undefined {
  try {
    timesAround(job.cron!, zoneOf(job), new Date())
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
