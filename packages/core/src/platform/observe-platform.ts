import type { StartupFault } from '../errors/startup-error.ts'
import { Health } from '../health/health.ts'
import type { HealthCheck } from '../health/health-check.ts'
import { Load } from '../load/load.ts'
import { Metrics } from '../metrics/metrics.ts'
import { addProcessMetrics } from '../metrics/process-metrics.ts'
import { RequestMetrics } from '../metrics/request-metrics.ts'
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import { logCircuits, resilienceMetrics, withCircuits } from '../resilience/observe-resilience.ts'
import type { Observed } from './observed.ts'
import type { Limits, Platform } from './platform.ts'
import type { Runtime } from './runtime.ts'

type Watched = Pick<Platform, 'metrics' | 'requests' | 'load'>

/** What counts from the first request on. */
export function beginMetrics(limits: Limits, log: Logger, database: Platform['database']): Watched {
  const metrics = new Metrics()
  return {
    metrics,
    requests: new RequestMetrics(metrics),
    load: new Load({ limits, log, metrics, waitedMs: () => database.waitedMs?.() ?? 0 }),
  }
}

interface HealthParts extends Watched {
  readonly database: Platform['database']
  readonly ready: Platform['ready']
  readonly observed: readonly Observed[]
  readonly runtime: Pick<Runtime, 'environment' | 'log'>
  readonly clock: Clock
  readonly version: string
}

/**
 * The health of all that was composed, and its metrics.
 * @param faults gets a name of a check or a metric that is taken or none
 */
export function beginHealth(parts: HealthParts, faults: StartupFault[]): Health {
  const { metrics, load, database, observed, runtime } = parts
  const resilience = [...new Set(observed.flatMap((one) => one.resilience ?? []))]
  const own = [...databaseChecks(database, parts.ready), ...observed.flatMap((one) => one.checks ?? [])]
  const checks = withCircuits(own, resilience)
  faults.push(...nameFaults(checks))
  logCircuits(resilience, runtime.log)
  addProcessMetrics(metrics)
  const version = metrics.gauge({
    name: 'plinth_build',
    help: 'The version that runs here; always 1.',
    labels: ['version', 'environment'],
  })
  version.set({ version: parts.version, environment: runtime.environment }, 1)
  for (const source of [...resilienceMetrics(resilience), ...observed.flatMap((one) => one.metrics ?? [])]) {
    try {
      metrics.add(source)
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      faults.push({ path: 'metrics', problem: error.message, fix: 'plinth_jobs_waiting, with labels of few values' })
    }
  }
  const { environment, log } = runtime
  return new Health({ checks, environment, clock: parts.clock, log, metrics, isServing: () => load.isServing })
}

/** It answers; and it is as declared, without which nothing is served. */
function databaseChecks(database: Platform['database'], ready: Platform['ready']): readonly HealthCheck[] {
  return [
    { name: 'database', needed: true, check: () => database.ping() },
    { name: 'schema', needed: true, timeoutMs: 10_000, check: async () => ready() },
  ]
}

function nameFaults(checks: readonly HealthCheck[]): readonly StartupFault[] {
  return checks.flatMap(({ name }, at): readonly StartupFault[] => {
    const path = `health check '${name}'`
    if (!/^[a-z][a-z0-9-]{0,39}$/.test(name))
      return [{ path, problem: 'is no name', fix: 'small letters, digits and hyphens: job-workers' }]
    return checks.findIndex((one) => one.name === name) === at
      ? []
      : [{ path, problem: 'is there already', fix: 'give one of the two another name' }]
  })
}
