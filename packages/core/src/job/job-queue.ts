import type { Principal } from '../auth/principal.ts'
import type { Platform } from '../platform/platform.ts'
import type { Scope, Transaction } from '../ports/database.ts'
import type { Job } from './define-job.ts'

export interface EnqueueOptions {
  /** Not before this time. */
  readonly at?: Date | undefined
  /** Not before so much time has gone: `10m` (a number and `s`, `m`, `h` or `d`). */
  readonly delay?: string | undefined
  /** The same key for the same job in the same tenant makes one job, as long as that one is kept. */
  readonly idempotencyKey?: string | undefined
  /** Of the tenant's own waiting jobs, higher ones go first; of other tenants' it goes before none. From -100 to 100. Default 0. */
  readonly priority?: number | undefined
  /**
   * The id of a service account of the tenant that it runs as, with the rights that this has then, instead of in the name of whoever asks:
   * work of a row that acts by one. Whoever asks needs no right to it; that is for the code to decide.
   */
  readonly as?: string | undefined
}

/** How many jobs of one key there are: what is to come (held and paused ones as well), what runs, and what is dead and on the list. */
export interface JobCounts {
  readonly waiting: number
  readonly running: number
  readonly dead: number
}

export interface EnqueuedJob {
  readonly id: string
  /** False where there was one with this idempotency key already, whose id it is. */
  readonly created: boolean
}

/** In which transaction, in whose name. */
export interface EnqueueParts {
  readonly transaction: Transaction
  readonly scope: Scope
  readonly principal: Principal
}

/** The port behind which jobs lie. `jobs()` of `@plinth/jobs` fills it. */
export interface JobQueue {
  /**
   * Writes the job into the transaction: no commit, no job.
   * @throws validation_failed, queue_full
   */
  enqueue(parts: EnqueueParts, job: Job, input: unknown, options: EnqueueOptions): Promise<EnqueuedJob>
  /** Runs `work` unless its result is kept under this key; keeps it in the transaction. The result is JSON. */
  once<T>(parts: EnqueueParts, key: string, work: () => Promise<T>): Promise<T>
  /** Jobs of the tenant with this key, as one statement finds them in the transaction. */
  count(parts: Pick<EnqueueParts, 'transaction' | 'scope'>, key: string): Promise<JobCounts>
  /** Hands out and runs jobs until the signal; resolves when what was begun has ended or was given back. */
  work(platform: Platform, signal: AbortSignal): Promise<void>
}
