import type { MetricDefinition, Sample } from './metric.ts'
import type { Distribution } from './series.ts'

/** Version 0.0.4 of the text format, which every scraper reads. */
export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** `# HELP` and `# TYPE`, once for each metric. */
export function printHead({ name, help }: MetricDefinition, type: string): string {
  return `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n`
}

export function printSample(name: string, labels: Readonly<Record<string, string>>, value: number): string {
  return `${name}${printLabels(labels)} ${printNumber(value)}\n`
}

export function printSamples(name: string, samples: readonly Sample[]): string {
  return samples.map(({ labels = {}, value }) => printSample(name, labels, value)).join('')
}

/** Buckets are cumulative: each counts what is below it too. */
export function printDistribution(
  name: string,
  labels: Readonly<Record<string, string>>,
  spread: Distribution,
): string {
  let below = 0
  const buckets = spread.bounds.map((bound, at) => {
    below += spread.counts[at]!
    return printSample(`${name}_bucket`, { ...labels, le: String(bound) }, below)
  })
  return [
    ...buckets,
    printSample(`${name}_bucket`, { ...labels, le: '+Inf' }, spread.count),
    printSample(`${name}_sum`, labels, spread.sum),
    printSample(`${name}_count`, labels, spread.count),
  ].join('')
}

function printLabels(labels: Readonly<Record<string, string>>): string {
  const printed = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return printed.length === 0 ? '' : `{${printed.join(',')}}`
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

function printNumber(value: number): string {
  if (Number.isFinite(value)) return String(value)
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}
