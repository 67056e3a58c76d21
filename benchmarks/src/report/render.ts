import { DISTURBED } from '../measure/machine-load.ts'
import type { Options } from '../options.ts'
import type { MicroResult } from '../micro.ts'
import type { WorkloadFigures } from './figures.ts'
import { verdicts, verdictTable } from './goals.ts'
import { spread } from './statistics.ts'
import { markdownTable } from './table.ts'
import { ranged, workloadTables } from './workload-tables.ts'

export interface ReportParts {
  readonly machine: string
  readonly options: Pick<Options, 'rounds' | 'seconds' | 'warmUpSeconds' | 'quick' | 'only'>
  readonly figures: readonly WorkloadFigures[]
  readonly micro: readonly MicroResult[]
  readonly connections: number
}

/** The whole report as Markdown: what is printed and what stands in docs/performance.md. */
export function renderReport({ machine, options, figures, micro, connections }: ReportParts): string {
  const { rounds, seconds, warmUpSeconds } = options
  const requests = figures.flatMap(({ rows }) => rows).reduce((sum, row) => sum + row.requests, 0)
  const parts = [
    `Measured on ${machine}. ${rounds} interleaved rounds of ${seconds} s after ${warmUpSeconds} s of warming up, ${connections} connections in a closed loop, 10 connections to PostgreSQL per server; ${requests.toLocaleString('en')} requests measured, every answer 2xx. Medians; range of the rounds in brackets. ${neighbours(figures)}`,
    ...(options.quick ? ['Quick run: one short round, for a look and not for comparing.'] : []),
    '### Goals',
    verdictTable(verdicts(figures, micro)),
    '### Requests',
    workloadTables(figures),
  ]
  if (micro.length > 0) parts.push('### Parts alone', microTable(micro))
  return parts.join('\n\n')
}

/** A machine that is not quiet makes everything dearer: said, so that nobody compares a busy day with a quiet one. */
function neighbours(figures: readonly WorkloadFigures[]): string {
  const shares = figures.flatMap(({ rows }) => rows.map((row) => row.foreign.median))
  if (shares.length === 0) return ''
  const { median, most } = spread(shares)
  const share = `Other work took ${(median * 100).toFixed(0)} % of the machine meanwhile (${(most * 100).toFixed(0)} % at worst).`
  if (median <= DISTURBED) return share
  return `${share} **The machine was not quiet: figures in µs, and the verdicts on them, are too high by much; ratios to the floors of the same round stand.**`
}

function microTable(micro: readonly MicroResult[]): string {
  return markdownTable(
    ['part', 'µs (min–max)'],
    micro.map(({ title, us }) => [title, ranged(us, (value) => value.toFixed(value < 0.1 ? 4 : 2))]),
  )
}
