import { withinTime } from '../limits/within-time.ts'
import { PATIENCE_MS, type Metrics } from '../metrics/metrics.ts'
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { HealthCheck, HealthReport } from './health-check.ts'
import { WatchedCheck } from './watched.ts'

/** Less than a metric may take. */
const SOON_MS = PATIENCE_MS - 500

interface HealthParts {
  readonly checks: readonly HealthCheck[]
  readonly environment: string
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
  /** False once the process has begun to end. */
  readonly isServing: () => boolean
}

/**
 * Whether the service and what it depends on are well. It says which dependency is down, never why: the cause (host names, logins)
 * goes into the log.
 */
export class Health {
  readonly #parts: HealthParts
  readonly #checks: readonly WatchedCheck[]

  constructor(parts: HealthParts) {
    this.#parts = parts
    this.#checks = parts.checks.map((check) => new WatchedCheck(check, parts.log))
    parts.metrics.add({
      name: 'plinth_health_check',
      help: 'Whether what the service depends on was well at the last look: 1 or 0.',
      type: 'gauge',
      labels: ['check'],
      // Looked at anew: nobody else may be asking.
      read: () =>
        Promise.all(
          this.#checks.map(async (check) => ({
            labels: { check: check.name },
            value: (await isWellSoon(check)) ? 1 : 0,
          })),
        ),
    })
    parts.metrics.add({
      name: 'plinth_ready',
      help: 'Whether requests should be sent to this process: 1 or 0.',
      type: 'gauge',
      read: async () => [{ value: (await this.#ready(isWellSoon)) ? 1 : 0 }],
    })
  }

  /** All checks side by side. Never rejects. */
  async report(): Promise<HealthReport> {
    const startedAt = performance.now()
    const results = await Promise.all(this.#checks.map(async (check) => [check.name, await check.result()] as const))
    const isWell = this.#parts.isServing() && results.every(([, { status }]) => status === 'healthy')
    return {
      status: isWell ? 'healthy' : 'degraded',
      timestamp: this.#parts.clock.now().toISOString(),
      environment: this.#parts.environment,
      checks: Object.fromEntries(results),
      response_time_ms: Math.round((performance.now() - startedAt) * 10) / 10,
    }
  }

  /** Whether requests can be answered here: what is needed is well, and the process is not ending. Never rejects. */
  ready(): Promise<boolean> {
    return this.#ready(async (check) => (await check.result()).status === 'healthy')
  }

  async #ready(isWell: (check: WatchedCheck) => Promise<boolean>): Promise<boolean> {
    if (!this.#parts.isServing()) return false
    const needed = await Promise.all(this.#checks.filter(({ needed }) => needed).map(isWell))
    return this.#parts.isServing() && !needed.includes(false)
  }
}

/**
 * What is not answered yet counts as not well. A metric that is late is left out of its page, all of its series: just while something hangs,
 * nobody would be told of it.
 */
async function isWellSoon(check: WatchedCheck): Promise<boolean> {
  try {
    return (await withinTime(check.result(), SOON_MS)).status === 'healthy'
  } catch {
    return false
  }
}
