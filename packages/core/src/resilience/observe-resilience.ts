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

/** For so long a circuit that nobody tries again counts as open where a check of its own finds the other side well. */
const REMEMBERED_MS = 60_000

/**
 * The checks, and an open circuit is unwell: as a check of its own, or within the one that has its name. Such a check goes past the
 * circuit, and may find well (a PING) what fails every call (a store that is full).
 */
export function withCircuits(checks: readonly HealthCheck[], all: readonly Resilience[]): readonly HealthCheck[] {
  const ways = new Map(all.map((one) => [one.name, one]))
  const taken = new Set(checks.map(({ name }) => name))
  return [
    ...checks.map((check) => {
      const way = ways.get(check.name)
      return way ? beside(check, way) : check
    }),
    ...all.filter(({ name }) => !taken.has(name)).map(alone),
  ]
}

function alone(way: Resilience): HealthCheck {
  return {
    name: way.name,
    check: () => (way.circuit === 'open' ? Promise.reject(isOpen(way)) : Promise.resolve()),
  }
}

function beside(check: HealthCheck, way: Resilience): HealthCheck {
  let openedAt = performance.now()
  way.onCircuit((circuit) => {
    if (circuit === 'open') openedAt = performance.now()
  })
  return {
    ...check,
    async check(signal) {
      // First, since it tells more where it fails.
      await check.check(signal)
      // Also while it is being tried: whether that goes well is not known yet.
      if (way.circuit !== 'closed' && performance.now() - openedAt < REMEMBERED_MS) throw isOpen(way)
    },
  }
}

function isOpen({ name }: Resilience): Error {
  return new Error(`the circuit of ${name} is open: calls failed one after the other`)
}

export function logCircuits(all: readonly Resilience[], log: Logger): void {
  for (const one of all) {
    one.onCircuit((circuit) => {
      if (circuit === 'open') log.warn(logEvents.circuitOpened, { target: one.name })
      if (circuit === 'closed') log.info(logEvents.circuitClosed, { target: one.name })
    })
  }
}
