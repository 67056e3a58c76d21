import type { Sample } from '../measure/measure.ts'
import { cpuOf } from '../report/figures.ts'
import { spread, type Spread } from '../report/statistics.ts'
import { markdownTable } from '../report/table.ts'
import type { TimingFigures } from './timing.ts'
import type { IdentityWorkload } from './workloads.ts'

/** One run, and what was written ahead for it. */
export interface IdentitySample extends Sample {
  readonly walBytes: number
}

const range = ({ median, least, most }: Spread): string =>
  `${median.toFixed(0)} (${least.toFixed(0)}–${most.toFixed(0)})`

export function costTable(samples: ReadonlyMap<IdentityWorkload, readonly IdentitySample[]>): string {
  return markdownTable(
    ['workload', 'requests/s', 'node, CPU µs', 'PostgreSQL, CPU µs', 'together', 'written, bytes', 'goal'],
    [...samples].map(([{ title, goal }, runs]) => {
      const of = (read: (sample: IdentitySample) => number): Spread => spread(runs.map(read))
      const together = of(cpuOf)
      const verdict = goal === undefined ? '–' : `≤ ${goal}: ${together.median <= goal ? 'reached' : '**missed**'}`
      return [
        title,
        range(of((sample) => sample.perSecond)),
        range(of((sample) => sample.nodeUs)),
        range(of((sample) => sample.postgresUs)),
        range(together),
        of((sample) => sample.walBytes).median.toFixed(0),
        verdict,
      ]
    }),
  )
}

const MOST_AREA = 0.55

export function timingTable(figures: readonly TimingFigures[]): string {
  return markdownTable(
    ['question', 'pairs', 'with an account, ms', 'without, ms', 'difference, ms', 'AUC', 'goal'],
    figures.map(({ title, pairs, knownMs, unknownMs, differenceMs, area }) => [
      title,
      String(pairs),
      knownMs.toFixed(3),
      unknownMs.toFixed(3),
      differenceMs.toFixed(3),
      area.toFixed(3),
      `≤ ${MOST_AREA}: ${area <= MOST_AREA ? 'reached' : '**missed**'}`,
    ]),
  )
}
