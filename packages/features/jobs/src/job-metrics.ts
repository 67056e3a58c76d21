import type { Platform } from '@plinth/core'

/**
 * `failed` is tried again, `held` waits for its tenant, `returned` was given back by a process that ends; `lost` is one whose process is gone,
 * or that was cancelled or given to another worker while it ran.
 */
export type JobOutcome = 'completed' | 'failed' | 'dead' | 'cancelled' | 'held' | 'returned' | 'lost'

/** In seconds: from a row that is written to what takes as long as a job may, where it says nothing else. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 300]
/** Names of jobs that this release does not know are anybody's words: all of them are one series. */
const OTHER = 'other'

/** How runs ended, and how long they took. */
export class JobMetrics {
  readonly #ended
  readonly #duration
  readonly #known: Pick<Platform, 'registry'>['registry']['jobs']

  constructor({ metrics, registry }: Pick<Platform, 'metrics' | 'registry'>) {
    this.#known = registry.jobs
    this.#ended = metrics.counter({
      name: 'plinth_job_runs_total',
      help: 'How jobs ended in this process, by their name: of one that is cancelled while it runs, its run is lost besides.',
      labels: ['type', 'outcome'],
    })
    this.#duration = metrics.histogram(
      {
        name: 'plinth_job_run_duration_seconds',
        help: 'How long runs of jobs took that were completed or failed, from the worker that has a place for it to its end.',
        labels: ['type'],
      },
      bounds,
    )
    // Known beforehand: what has not happened yet is 0.
    for (const type of registry.jobs.keys())
      for (const outcome of ['completed', 'failed', 'dead'] as const) this.#ended.add({ type, outcome }, 0)
  }

  ended(name: string, outcome: JobOutcome, seconds?: number): void {
    const type = this.#known.has(name) ? name : OTHER
    this.#ended.add({ type, outcome })
    if (seconds !== undefined) this.#duration.observe({ type }, seconds)
  }
}

const kept = new WeakMap<Platform['metrics'], JobMetrics>()

/** Those of a platform: its names are there once. */
export function jobMetrics(platform: Pick<Platform, 'metrics' | 'registry'>): JobMetrics {
  const found = kept.get(platform.metrics) ?? new JobMetrics(platform)
  kept.set(platform.metrics, found)
  return found
}
