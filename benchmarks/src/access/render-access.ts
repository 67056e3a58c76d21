import type { Sample } from '../measure/measure.ts'
import { cpuOf } from '../report/figures.ts'
import { spread } from '../report/statistics.ts'
import { markdownTable } from '../report/table.ts'
import type { AccessWorkload } from './workloads.ts'

/** What each costs, and how much more than the same work of which nobody asks who may. */
export function accessTable(samples: ReadonlyMap<AccessWorkload, readonly Sample[]>): string {
  const medianOf = (title: string): number => {
    const [, found] = [...samples].find(([workload]) => workload.title === title)!
    return spread(found.map(cpuOf)).median
  }
  return markdownTable(
    ['workload', 'node, CPU µs', 'PostgreSQL, CPU µs', 'together (range)', 'who may, µs'],
    [...samples].map(([{ title, beside }, found]) => {
      const together = spread(found.map(cpuOf))
      return [
        title,
        spread(found.map(({ nodeUs }) => nodeUs)).median.toFixed(0),
        spread(found.map(({ postgresUs }) => postgresUs)).median.toFixed(0),
        `${together.median.toFixed(0)} (${together.least.toFixed(0)}–${together.most.toFixed(0)})`,
        beside === undefined ? '–' : (together.median - medianOf(beside)).toFixed(0),
      ]
    }),
  )
}
