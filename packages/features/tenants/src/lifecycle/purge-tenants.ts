import { type FeatureCommand, type Platform, type SweepWork } from '@plinth/core'
import { PurgeRound } from './purge-round.ts'

/** Steps a round. A tenant of a hundred thousand rows is gone after one or two rounds. */
const STEPS = 20

/** What removes tenants whose days of grace are over; where there is none, each step is one look at an index. */
export function purgeSteps(platform: Platform | undefined): readonly SweepWork[] {
  if (!platform) return []
  const round = new PurgeRound(platform)
  return Array.from({ length: STEPS }, () => () => round.step())
}

/**
 * `plinth tenants:purge`: the same, now, until nothing is left that may go. What was announced and not heard of yet is left to the next
 * call, or to the clock; what cannot be removed is counted, and why is in the log.
 */
export const purgeCommand: FeatureCommand = {
  name: 'tenants:purge',
  summary: 'remove tenants whose days of grace are over, with all their rows',
  options: {},
  async run(platform) {
    const round = new PurgeRound(platform)
    let rows = 0
    for (;;) {
      const step = await round.step()
      rows += step.rows
      if (!step.progress) return { rows, failed: round.failed }
    }
  },
}
