import { readExposition } from './read-exposition.ts'

/** Units that Prometheus has a base unit for: seconds, bytes, ratios. */
const otherUnits =
  /_(ms|milliseconds?|microseconds?|us|nanoseconds?|ns|minutes?|hours?|days?|kb|kilobytes?|mb|megabytes?|gb|gigabytes?|bits?|percent)(_|$)/

/**
 * What is wrong with the names and words of a page that {@link readExposition} can read. The rules of Prometheus' own linter
 * (https://prometheus.io/docs/practices/naming/), as far as they concern counters, gauges and histograms.
 */
export function lintExposition(text: string): readonly string[] {
  const help = new Map([...text.matchAll(/^# HELP (\S+) ?(.*)$/gm)].map(([, name = '', words = '']) => [name, words]))
  const families = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name = '', type = '']) => {
    const faults: string[] = []
    if (!help.get(name)) faults.push(`${name} has no help`)
    if ((type === 'counter') !== name.endsWith('_total')) faults.push(`${name} is a ${type}: _total is for counters`)
    if (otherUnits.test(name)) faults.push(`${name} is not in its base unit`)
    if (/_(counter|gauge|histogram|summary)(_|$)/.test(name)) faults.push(`${name} has its type in its name`)
    if (type !== 'histogram' && /_(bucket|count|sum|info)$/.test(name)) faults.push(`${name} ends as a part of another`)
    if (!/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name)) faults.push(`${name} is no name in small letters`)
    return faults
  })
  const labels = readExposition(text).flatMap(({ name, labels: of }) =>
    Object.keys(of)
      .filter((label) => !/^[a-z][a-z0-9_]*$/.test(label))
      .map((label) => `${name} has the label ${label}`),
  )
  return [...families, ...new Set(labels)]
}
