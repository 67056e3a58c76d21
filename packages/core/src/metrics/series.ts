import type { Labels, MetricDefinition } from './metric.ts'

/**
 * Series of one metric beyond which new ones go into one whose labels say `other`: a label whose values turn out to be unbounded must
 * not fill memory.
 */
export const MOST_SERIES = 5_000
const OTHER = 'other'

/** The series of one metric by the values of its labels. */
export class SeriesMap<Value> {
  readonly #names: readonly string[]
  readonly #made: () => Value
  readonly #series = new Map<string, { readonly values: readonly string[]; readonly value: Value }>()

  constructor(names: readonly string[], made: () => Value) {
    this.#names = names
    this.#made = made
    // Known beforehand: a counter that is missing and one that is 0 are not the same to an alert.
    if (names.length === 0) this.of({})
  }

  of(labels: Readonly<Record<string, string>>): Value {
    const values = this.#names.map((name) => labels[name] ?? '')
    const key = values.join('\0')
    const found = this.#series.get(key)
    if (found) return found.value
    if (this.#series.size >= MOST_SERIES && !values.every((value) => value === OTHER))
      return this.of(Object.fromEntries(this.#names.map((name) => [name, OTHER])))
    const value = this.#made()
    this.#series.set(key, { values, value })
    return value
  }

  entries(): Iterable<{ readonly values: readonly string[]; readonly value: Value }> {
    return this.#series.values()
  }
}

/** One number. Kept by whoever changes it often, so that nothing is looked up. */
export interface Cell {
  value: number
}

/** Counts up from 0 since the process began. */
export class Counter<Label extends string = never> {
  readonly type = 'counter'
  readonly definition: MetricDefinition
  readonly series: SeriesMap<Cell>

  constructor(definition: MetricDefinition<Label>) {
    this.definition = definition
    this.series = new SeriesMap(definition.labels ?? [], () => ({ value: 0 }))
  }

  add(labels: Labels<Label>, by = 1): void {
    this.series.of(labels).value += by
  }
}

/** A number that goes up and down. */
export class Gauge<Label extends string = never> {
  readonly type = 'gauge'
  readonly definition: MetricDefinition
  readonly series: SeriesMap<Cell>

  constructor(definition: MetricDefinition<Label>) {
    this.definition = definition
    this.series = new SeriesMap(definition.labels ?? [], () => ({ value: 0 }))
  }

  set(labels: Labels<Label>, value: number): void {
    this.series.of(labels).value = value
  }
}

/** Counts how many values there were up to each bound. */
export class Distribution {
  readonly bounds: readonly number[]
  readonly counts: number[]
  sum = 0
  count = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = bounds.map(() => 0)
  }

  observe(value: number): void {
    this.sum += value
    this.count += 1
    // Most values are small, and there are few bounds: shorter than a search by halves.
    for (let at = 0; at < this.bounds.length; at += 1) {
      if (value > this.bounds[at]!) continue
      this.counts[at]! += 1
      return
    }
  }
}

/** In seconds: from what memory answers to what nobody waits for. */
export const durationBounds: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]

/** How values are spread, in buckets with fixed bounds. */
export class Histogram<Label extends string = never> {
  readonly type = 'histogram'
  readonly definition: MetricDefinition
  readonly series: SeriesMap<Distribution>

  constructor(definition: MetricDefinition<Label>, bounds: readonly number[] = durationBounds) {
    this.definition = definition
    this.series = new SeriesMap(definition.labels ?? [], () => new Distribution(bounds))
  }

  observe(labels: Labels<Label>, value: number): void {
    this.series.of(labels).observe(value)
  }
}
