import type { Row, WorkloadFigures } from './figures.ts'
import type { Spread } from './statistics.ts'
import { markdownTable } from './table.ts'

const head = [
  'server',
  'req/s (min–max)',
  'node µs',
  'PostgreSQL µs',
  'CPU µs (min–max)',
  '× floor',
  '× floor RLS',
  'p50 / p99 ms',
  'MB',
]

/** One table per workload: medians of the rounds, the range in brackets. */
export function workloadTables(figures: readonly WorkloadFigures[]): string {
  return figures
    .filter(({ rows }) => rows.length > 0)
    .map(({ workload, rows }) => `**${workload.title}**\n\n${markdownTable(head, rows.map(cells))}`)
    .join('\n\n')
}

function cells(row: Row): readonly string[] {
  return [
    row.server.title,
    ranged(row.perSecond, whole),
    whole(row.nodeUs.median),
    whole(row.postgresUs.median),
    ranged(row.cpuUs, whole),
    times(row.toFloor),
    times(row.toSecuredFloor),
    `${row.p50Ms.median.toFixed(1)} / ${row.p99Ms.median.toFixed(0)}`,
    whole(row.rssMb),
  ]
}

export function ranged({ median, least, most }: Spread, print: (value: number) => string): string {
  return `${print(median)} (${print(least)}–${print(most)})`
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString('en')
}

function times(ratio: Spread | undefined): string {
  return ratio === undefined ? '–' : ratio.median.toFixed(2)
}
