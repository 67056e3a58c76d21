import type { z } from 'zod'
import type { Context, ReadingContext } from '../resource/context.ts'
import type { JobRun, JobSignals } from './job-run.ts'

/** When a run that failed is tried again. Each pause is the double of the one before, up to `most`, less a random part. */
export interface RetryFacts {
  /** Runs in all. Default 5; 1 says: never again. */
  readonly attempts?: number
  /** The first pause: `2s` (a number and `s`, `m`, `h` or `d`). Default `2s`. */
  readonly first?: string
  /** The longest pause. Default `1h`. */
  readonly most?: string
}

/** A job as its readers see it: what follows from the facts, whatever its types. */
export interface Job<I = unknown> {
  readonly name: string
  readonly description: string | undefined
  readonly input: z.ZodType
  readonly run: (context: Context, input: never, job: never) => unknown
  readonly outside: ((input: never, job: JobSignals, context: ReadingContext) => unknown) | undefined
  readonly retry: RetryFacts
  readonly timeout: string | undefined
  readonly concurrency: number | undefined
  readonly perTenant: number | undefined
  readonly together: number | undefined
  readonly key: ((input: never) => string | undefined) | undefined
  readonly cron: string | undefined
  readonly timeZone: string | undefined
  readonly requested: boolean
  /** Types only; never present at run time. */
  readonly takes?: I
}

/** What a user writes. Every key is a fact about the job. */
export interface JobFacts<Z extends z.ZodType, R> {
  /** `report.build`: unique, lower-case words with dots between. It is stored with every job, so it outlives the code. */
  readonly name: string
  /** Words for people: OpenAPI and lists. */
  readonly description?: string
  /** What it takes. Stored as JSON and read anew by this schema when the job runs; what does not parse then is dead at once. */
  readonly input: Z
  /**
   * The work, in one transaction of the tenant, in the name of whoever asked for it. The transaction also says that the job is
   * done: what it writes happens once, however often the job is handed out. What it returns is kept as the result.
   */
  readonly run: (context: Context, input: z.output<Z>, job: JobRun<R>) => unknown
  /**
   * Slow work (HTTP, mail, files), before the transaction of `run`, which finds its result in `job.outside`. It may happen more
   * than once: when the process dies between the two, it is done again.
   */
  readonly outside?: (input: z.output<Z>, job: JobSignals, context: ReadingContext) => R | Promise<R>
  readonly retry?: RetryFacts
  /** How long one run may take, `outside` included. Default `5m`. */
  readonly timeout?: string
  /** At most so many at once, in all processes together. */
  readonly concurrency?: number
  /** At most so many at once of one tenant. */
  readonly perTenant?: number
  /**
   * Up to so many that wait, of one tenant and of whoever asked, share one transaction: for many small jobs that do nothing but write by
   * `ctx`. Where one of them fails, all are rolled back and each runs again by itself, so what `run` does besides may happen twice.
   * Default 1. Not with `outside`.
   */
  readonly together?: number
  /** Jobs of one tenant with the same key run one after the other, in the order in which they came. */
  readonly key?: (input: z.output<Z>) => string | undefined
  /** Five fields (`0 3 * * *`), or a name (`@daily`): made at these times in every active tenant, as the platform itself, with `{}` as input. */
  readonly cron?: string
  /** The zone of `cron`: `Europe/Zurich`. Default UTC. */
  readonly timeZone?: string
  /** `POST /jobs` may ask for it, with the permission `job:create`. Default: only code may. */
  readonly requested?: boolean
}

/**
 * Declares work that happens later. Returns inert data: list it in `createPlinth({ jobs: [...] })` or in a feature, and ask for it
 * by `ctx.enqueue(job, input)`. Faults are found when `createPlinth` reads it.
 */
export function defineJob<Z extends z.ZodType, R = undefined>(facts: JobFacts<Z, R>): Job<z.input<Z>> {
  return {
    name: facts.name,
    description: facts.description,
    input: facts.input,
    run: facts.run,
    outside: facts.outside,
    retry: facts.retry ?? {},
    timeout: facts.timeout,
    concurrency: facts.concurrency,
    perTenant: facts.perTenant,
    together: facts.together,
    key: facts.key,
    cron: facts.cron,
    timeZone: facts.timeZone,
    requested: facts.requested ?? false,
  }
}
