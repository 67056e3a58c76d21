/** One series of a scrape. */
export interface ScrapedSample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/**
 * Reads the text format of Prometheus 0.0.4 strictly: HELP and TYPE once before each metric, its samples together and of its names
 * alone, no series twice, buckets rising to +Inf and as many as `_count`. https://prometheus.io/docs/instrumenting/exposition_formats/
 * @throws Error with the line that breaks a rule
 */
export function readExposition(text: string): readonly ScrapedSample[] {
  if (!text.endsWith('\n')) throw new Error('the last line does not end')
  const samples: ScrapedSample[] = []
  const seen = new Set<string>()
  const finished = new Set<string>()
  let family: { readonly name: string; type: string | undefined } | undefined
  for (const line of text.slice(0, -1).split('\n')) {
    const help = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (?:[^\\]|\\[\\n])*$/.exec(line)
    const type = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)$/.exec(line)
    if (help) {
      const name = help[1]!
      if (finished.has(name)) throw new Error(`${name} is described twice`)
      finished.add(name)
      family = { name, type: undefined }
    } else if (type) {
      if (!family || family.name !== type[1] || family.type !== undefined)
        throw new Error(`TYPE without its HELP: ${line}`)
      family.type = type[2]
    } else {
      const sample = readSample(line)
      const names =
        family?.type === 'histogram'
          ? ['_bucket', '_sum', '_count'].map((end) => `${family?.name ?? ''}${end}`)
          : [family?.name]
      if (family?.type === undefined || !names.includes(sample.name))
        throw new Error(`a sample outside of its metric: ${line}`)
      const key = `${sample.name}${JSON.stringify(Object.entries(sample.labels))}`
      if (seen.has(key)) throw new Error(`a series twice: ${line}`)
      seen.add(key)
      samples.push(sample)
    }
  }
  refuseBrokenBuckets(samples)
  return samples
}

function readSample(line: string): ScrapedSample {
  const match = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?[0-9.]+(?:e[+-]?[0-9]+)?|NaN|[+-]Inf)$/.exec(line)
  if (!match) throw new Error(`no sample: ${line}`)
  const [, name, inside = '', number] = match
  const labels: Record<string, string> = {}
  const one = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y
  while (one.lastIndex < inside.length) {
    const found = one.exec(inside)
    if (!found || found[1]! in labels) throw new Error(`broken labels: ${line}`)
    labels[found[1]!] = found[2]!.replaceAll(/\\(.)/g, (_, mark: string) => (mark === 'n' ? '\n' : mark))
  }
  const value = number === '+Inf' ? Infinity : number === '-Inf' ? -Infinity : Number(number)
  return { name: name!, labels, value }
}

function refuseBrokenBuckets(samples: readonly ScrapedSample[]): void {
  const last = new Map<string, { bound: number; value: number }>()
  const keyOf = (name: string, labels: Readonly<Record<string, string>>): string =>
    `${name}${JSON.stringify(Object.entries(labels).filter(([label]) => label !== 'le'))}`
  for (const { name, labels, value } of samples) {
    if (name.endsWith('_bucket')) {
      const key = keyOf(name.slice(0, -'_bucket'.length), labels)
      const bound = labels['le'] === '+Inf' ? Infinity : Number(labels['le'])
      const before = last.get(key)
      if (before && (bound <= before.bound || value < before.value)) throw new Error(`buckets of ${key} do not rise`)
      last.set(key, { bound, value })
    } else if (name.endsWith('_count')) {
      const end = last.get(keyOf(name.slice(0, -'_count'.length), labels))
      if (end && (end.bound !== Infinity || end.value !== value)) throw new Error(`${name} is not what its buckets say`)
    }
  }
}
