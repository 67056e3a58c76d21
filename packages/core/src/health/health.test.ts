import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { silentLogger } from '../logging/silent-logger.ts'
import { Metrics } from '../metrics/metrics.ts'
import type { HealthCheck } from './health-check.ts'
import { Health } from './health.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function metricsOf(checks: readonly HealthCheck[]): Metrics {
  const metrics = new Metrics()
  const clock = { now: () => new Date() }
  new Health({ checks, environment: 'test', clock, log: silentLogger, metrics, isServing: () => true })
  return metrics
}

async function linesOf(metrics: Metrics): Promise<readonly string[]> {
  const printed = metrics.print()
  await vi.advanceTimersByTimeAsync(2_999)
  return (await printed).split('\n').filter((line) => /^plinth_(health|ready|metric_failures)/.test(line))
}

const hangs = (): Promise<void> => new Promise(() => undefined)

test('while a check hangs for longer than a metric may take, the page has a line for each', async () => {
  const metrics = metricsOf([
    { name: 'database', needed: true, check: () => Promise.resolve() },
    { name: 'smtp', timeoutMs: 5_000, freshMs: 15_000, check: hangs },
  ])
  const lines = ['plinth_health_check{check="database"} 1', 'plinth_health_check{check="smtp"} 0', 'plinth_ready 1']
  expect(await linesOf(metrics)).toEqual(lines)
  expect(await linesOf(metrics)).toEqual(lines)
})

test('while one that is needed hangs, it is not ready', async () => {
  const metrics = metricsOf([{ name: 'schema', needed: true, timeoutMs: 10_000, check: hangs }])
  expect(await linesOf(metrics)).toEqual(['plinth_health_check{check="schema"} 0', 'plinth_ready 0'])
})
