import { type FeatureCommand, type Platform, type SweepWork } from '@plinth/core'
import { tenancyEvents } from '../log-events.ts'
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
 * call, or to the clock. Where one cannot be removed the others go all the same, and then the command fails: whoever runs it by a clock sees that.
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
      if (!step.progress) break
    }
    if (round.failed > 0)
      throw new Error(
        `${round.failed} could not be removed, ${rows} rows of others were; the log says why (${tenancyEvents.purgeFailed})`,
      )
    return { rows }
  },
}
