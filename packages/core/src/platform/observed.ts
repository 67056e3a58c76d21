import type { HealthCheck } from '../health/health-check.ts'
import type { MetricSource } from '../metrics/metric.ts'
import type { Resilience } from '../resilience/resilience.ts'

/** What a connector (a mailer, a store, a database) may tell of itself; all of it is shown in `/health` and `/metrics`. */
export interface Observed {
  readonly checks?: readonly HealthCheck[]
  readonly metrics?: readonly MetricSource[]
  /** The ways by which it calls the other side. */
  readonly resilience?: readonly Resilience[]
}
