import { withinTime } from '../limits/within-time.ts'
import { printDistribution, printHead, printSample, printSamples } from './exposition.ts'
import { refusedName, type MetricDefinition, type MetricSource, type Sample } from './metric.ts'
import { Counter, durationBounds, Gauge, Histogram } from './series.ts'

type AnyMetric = Counter<string> | Gauge<string> | Histogram<string>

/** How long one source may take for its numbers, and how long they serve all who ask. */
export const PATIENCE_MS = 3_000
const FRESH_MS = 1_000

/**
 * The numbers of a platform, printed for Prometheus at `/metrics`. Counting is adding to a number in memory, and nothing of it can make
 * a request fail. What is counted elsewhere (rows of a queue) is read when somebody asks: {@link add}.
 */
export class Metrics {
  readonly #metrics: AnyMetric[] = []
  readonly #sources: MetricSource[] = []
  readonly #names = new Set<string>()
  readonly #failures: Counter<'metric'>
  #read: { readonly at: number; readonly text: Promise<string> } | undefined

  constructor() {
    this.#failures = this.counter({
      name: 'plinth_metric_failures_total',
      help: 'Times that the numbers of a metric could not be read.',
      labels: ['metric'],
    })
  }

  /** @throws TypeError for a name that is taken or none, or a label that would tell of somebody */
  counter<Label extends string = never>(definition: MetricDefinition<Label>): Counter<Label> {
    return this.#keep(new Counter(definition))
  }

  /** As {@link counter}. */
  gauge<Label extends string = never>(definition: MetricDefinition<Label>): Gauge<Label> {
    return this.#keep(new Gauge(definition))
  }

  /** As {@link counter}. @param bounds upper ends of the buckets, rising; by default those of durations in seconds */
  histogram<Label extends string = never>(
    definition: MetricDefinition<Label>,
    bounds: readonly number[] = durationBounds,
  ): Histogram<Label> {
    return this.#keep(new Histogram(definition, bounds))
  }

  /** Adds a metric whose numbers are read when they are asked for. @throws as {@link counter} */
  add(source: MetricSource): void {
    this.#name(source)
    this.#sources.push(source)
  }

  /** All of it as text. Never rejects. */
  async print(): Promise<string> {
    const now = performance.now()
    if (!this.#read || now - this.#read.at > FRESH_MS) this.#read = { at: now, text: this.#readAll() }
    // Read first, for what fails is counted.
    const read = await this.#read.text
    return [...this.#metrics.map(printMetric), read].join('')
  }

  #keep<Made extends AnyMetric>(made: Made): Made {
    this.#name({ ...made.definition, type: made.type })
    this.#metrics.push(made)
    return made
  }

  #name(definition: MetricDefinition & { readonly type: string }): void {
    const refused = this.#names.has(definition.name) ? 'is there already' : refusedName(definition)
    if (refused !== undefined) throw new TypeError(`The metric '${definition.name}' ${refused}`)
    this.#names.add(definition.name)
  }

  async #readAll(): Promise<string> {
    const read = await Promise.all(this.#sources.map((source) => this.#readOne(source)))
    return read.join('')
  }

  async #readOne(source: MetricSource): Promise<string> {
    try {
      const samples = source.read()
      const known = samples instanceof Promise ? await withinTime(samples, PATIENCE_MS) : samples
      return (
        printHead(source, source.type) +
        printSamples(
          source.name,
          known.map((one) => onlyDeclared(source, one)),
        )
      )
    } catch {
      this.#failures.add({ metric: source.name })
      return ''
    }
  }
}

/** A label that was not declared was not judged either. */
function onlyDeclared({ labels = [] }: MetricDefinition, { labels: given = {}, value }: Sample): Sample {
  return { labels: Object.fromEntries(labels.map((name) => [name, given[name] ?? ''])), value }
}

function printMetric(metric: AnyMetric): string {
  const { name, labels: names = [] } = metric.definition
  const of = (values: readonly string[]): Record<string, string> =>
    Object.fromEntries(names.map((label, at) => [label, values[at]!]))
  const head = printHead(metric.definition, metric.type)
  if (metric.type === 'histogram') {
    const printed = Array.from(metric.series.entries(), ({ values, value }) =>
      printDistribution(name, of(values), value),
    )
    return head + printed.join('')
  }
  return (
    head +
    Array.from(metric.series.entries(), ({ values, value }) => printSample(name, of(values), value.value)).join('')
  )
}
