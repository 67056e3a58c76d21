/** Whether something that the service depends on is well. Brought by features, connectors and the product. */
export interface HealthCheck {
  /** Shown to everybody: `redis`, `job-workers`. Small letters, digits and hyphens; no host, no tenant. */
  readonly name: string
  /**
   * Rejects where it is not well; why goes into the log alone. Aborted when its time is over.
   * @throws anything
   */
  readonly check: (signal: AbortSignal) => Promise<void>
  /** Without it no request can be answered: while it is not well, no requests should be sent here. Default false. */
  readonly needed?: boolean
  /** Milliseconds that one look may take. Default 2,000. */
  readonly timeoutMs?: number
  /** Milliseconds for which a look serves all who ask. Default 1,000; more for what costs the other side something. */
  readonly freshMs?: number
}

/** What one look found. */
export interface CheckResult {
  readonly status: 'healthy' | 'unhealthy'
  readonly response_time_ms: number
}

/** The answer of `GET /health`. */
export interface HealthReport {
  /** `healthy` where everything is. */
  readonly status: 'healthy' | 'degraded'
  readonly timestamp: string
  readonly environment: string
  readonly checks: Readonly<Record<string, CheckResult>>
  readonly response_time_ms: number
}
