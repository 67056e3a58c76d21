import { type FeatureCommand, type Platform, type SweepWork } from '@plinth/core'
import { purgeStep } from './purge-step.ts'

/** Steps a round. A tenant of a hundred thousand rows is gone after one or two rounds. */
const STEPS = 20

/** What removes tenants whose days of grace are over; where there is none, each step is one look at an index. */
export function purgeSteps(platform: Platform | undefined): readonly SweepWork[] {
  return platform ? Array.from({ length: STEPS }, () => (system) => purgeStep(platform, system)) : []
}

/** `plinth tenants:purge`: the same, now and to the end. */
export const purgeCommand: FeatureCommand = {
  name: 'tenants:purge',
  summary: 'remove tenants whose days of grace are over, with all their rows',
  options: {},
  async run(platform) {
    let rows = 0
    for (;;) {
      const gone = await platform.database.system((system) => purgeStep(platform, system))
      if (gone === 0) return { rows }
      rows += gone
    }
  },
}
