/** What a metric is: the same for all of its series. */
export interface MetricDefinition<Label extends string = string> {
  /** `plinth_jobs_waiting`; a counter ends in `_total`, a unit is a base unit (`_seconds`, `_bytes`). */
  readonly name: string
  /** One line, for whoever reads the page of metrics. */
  readonly help: string
  /**
   * Names of its labels. Their values are of a small known set (a state, a route's pattern): each combination is a series that is kept.
   * Never a tenant, a person or an id: see {@link refusedLabel}.
   */
  readonly labels?: readonly Label[]
}

export type Labels<Label extends string> = Readonly<Record<Label, string>>

/** One number of a metric that is read when it is asked for. */
export interface Sample {
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
}

/** A metric whose numbers are read when somebody asks for them: the length of a queue, the age of the oldest event. */
export interface MetricSource extends MetricDefinition {
  readonly type: 'counter' | 'gauge'
  /** Asked at most once a second, for three seconds at most: what fails or is late is left out of the page, the rest is served. */
  readonly read: () => readonly Sample[] | Promise<readonly Sample[]>
}

/** What is wrong with a name; undefined where nothing is. https://prometheus.io/docs/practices/naming/ */
export function refusedName({
  name,
  labels = [],
  type,
}: MetricDefinition & { readonly type: string }): string | undefined {
  if (!/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name)) return 'is no name of a metric: small letters, digits and _'
  if ((type === 'counter') !== name.endsWith('_total')) return 'ends in _total where it is a counter, and only there'
  if (/_(bucket|count|sum|info)$/.test(name)) return 'ends in a word that Prometheus has a use of its own for'
  const label = labels.find((one) => refusedLabel(one))
  return label === undefined ? undefined : `has the label '${label}': metrics tell of no tenant and of nobody`
}

/** Whoever may read metrics may not therefore read who the customers are; and a series for each of them would fill memory. */
export function refusedLabel(label: string): boolean {
  return (
    !/^[a-z][a-z0-9_]*$/.test(label) ||
    /tenant|customer|user|person|principal|email|address|(^|_)(id|ip)$|^(le|quantile)$/.test(label)
  )
}
