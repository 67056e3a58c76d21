import { logEvents } from '../logging/events.ts'
import type { MetricSource } from '../metrics/metric.ts'
import type { Logger } from '../ports/logger.ts'
import type { HealthCheck } from '../health/health-check.ts'
import type { CallCounts, Resilience } from './resilience.ts'

const endings = [
  'succeeded',
  'failed',
  'timeout',
  'open',
  'full',
  'retried',
] as const satisfies readonly (keyof CallCounts)[]

/** What metrics tell of the ways to the outside. */
export function resilienceMetrics(all: readonly Resilience[]): readonly MetricSource[] {
  if (all.length === 0) return []
  return [
    {
      name: 'plinth_circuit_open',
      help: 'Whether something is not called because it failed too often: 1 open, 0.5 being tried, 0 closed.',
      type: 'gauge',
      labels: ['target'],
      read: () =>
        all.map(({ name, circuit }) => ({
          labels: { target: name },
          value: circuit === 'closed' ? 0 : circuit === 'open' ? 1 : 0.5,
        })),
    },
    {
      name: 'plinth_calls_total',
      help: 'Calls to something outside of this process, by how they ended; retried counts further attempts.',
      type: 'counter',
      labels: ['target', 'outcome'],
      read: () =>
        all.flatMap(({ name, counts }) =>
          endings.map((outcome) => ({ labels: { target: name, outcome }, value: counts[outcome] })),
        ),
    },
  ]
}

/** An open circuit is unwell, where no check of that name says so by itself. */
export function circuitChecks(all: readonly Resilience[], others: readonly HealthCheck[]): readonly HealthCheck[] {
  const taken = new Set(others.map(({ name }) => name))
  return all
    .filter(({ name }) => !taken.has(name))
    .map((one) => ({
      name: one.name,
      check: () =>
        one.circuit === 'open' ? Promise.reject(new Error(`the circuit of ${one.name} is open`)) : Promise.resolve(),
    }))
}

export function logCircuits(all: readonly Resilience[], log: Logger): void {
  for (const one of all) {
    one.onCircuit((circuit) => {
      if (circuit === 'open') log.warn(logEvents.circuitOpened, { target: one.name })
      if (circuit === 'closed') log.info(logEvents.circuitClosed, { target: one.name })
    })
  }
}
