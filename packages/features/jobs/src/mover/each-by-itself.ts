import type { Platform } from '@plinth/core'
import { jobLogEvents } from '../log-events.ts'

/** After so many that failed the others wait for the next look: it is the database, and not they. */
const MOST_FAILURES = 3
/** Whoever waits to be handed over waits for this, too. */
const LONGEST_MS = 1_000

export type GoesOn = () => Promise<boolean>

/**
 * Does work for each of some jobs, by itself: one that fails is told of in the log and holds up no other. What is left when the time is up is
 * found again by the next look.
 * @param goesOn false where the process ends. Rejects where it leads no longer
 */
export async function eachByItself<T extends { readonly id: string }>(
  platform: Pick<Platform, 'log'>,
  jobs: readonly T[],
  work: (job: T) => Promise<void>,
  goesOn: GoesOn,
): Promise<void> {
  const until = performance.now() + LONGEST_MS
  let failures = 0
  for (const job of jobs) {
    if (performance.now() > until || !(await goesOn())) return
    try {
      await work(job)
    } catch (error) {
      failures += 1
      platform.log.warn(jobLogEvents.moverInterrupted, { jobId: job.id, error })
      if (failures === MOST_FAILURES) return
    }
  }
}
