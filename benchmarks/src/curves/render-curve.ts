import type { Sample } from '../measure/measure.ts'
import { spread } from '../report/statistics.ts'
import { markdownTable } from '../report/table.ts'
import { ranged, whole } from '../report/workload-tables.ts'
import { labelOf, type Curve, type Point } from './curve.ts'

/** In the order of `curveWorkloads`. */
export const WORKLOADS = ['read one', 'page of 20', 'create'] as const

/** Samples by point, one list per workload. */
export type CurveSamples = Map<Point, Sample[][]>

/** A table, and below it the same as bars: a curve is seen, not read. */
export function renderCurve(curve: Curve, samples: CurveSamples): string {
  const rows = curve.points.map((point) => {
    const own = samples.get(point)!
    return [labelOf(curve, point), ...own.map((list) => ranged(spread(list.map(cpuOf)), whole))]
  })
  const table = markdownTable(
    [curve.name === 'isolation' ? 'tenants' : curve.name, ...WORKLOADS.map((name) => `${name}, CPU µs`)],
    rows,
  )
  return [
    `### ${curve.title}`,
    table,
    `\`\`\`text\n${WORKLOADS.map((_, at) => bars(curve, samples, at)).join('\n\n')}\n\`\`\``,
  ].join('\n\n')
}

function cpuOf(sample: Sample): number {
  return sample.nodeUs + sample.postgresUs
}

/** `#` is the server's process, `=` is PostgreSQL; all workloads of a curve in one scale. */
function bars(curve: Curve, samples: CurveSamples, at: number): string {
  const medians = (point: Point): { readonly node: number; readonly postgres: number } => {
    const list = samples.get(point)![at]!
    return {
      node: spread(list.map((one) => one.nodeUs)).median,
      postgres: spread(list.map((one) => one.postgresUs)).median,
    }
  }
  const perSign = 10
  const width = Math.max(7, ...curve.points.map((point) => labelOf(curve, point).length))
  const lines = curve.points.map((point) => {
    const { node, postgres } = medians(point)
    const signs = (us: number, sign: string): string => sign.repeat(Math.round(us / perSign))
    return `${labelOf(curve, point).padStart(width)} ${signs(node, '#')}${signs(postgres, '=')} ${whole(node + postgres)}`
  })
  return [`${WORKLOADS[at]} (# server, = PostgreSQL; ${perSign} µs each)`, ...lines].join('\n')
}
