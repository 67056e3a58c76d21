import { afterEach, expect, test, vi } from 'vitest'
import type { HealthCheck } from '../health/health-check.ts'
import { withCircuits } from './observe-resilience.ts'
import { resilient } from './resilience.ts'

afterEach(() => void vi.useRealTimers())

const depotAway = () => {
  const depot = resilient('depot', { retry: false, breaker: { failures: 1, openMs: 5 } })
  const fail = (): Promise<unknown> => depot.run(() => Promise.reject(new Error('full'))).catch(() => undefined)
  return { depot, fail }
}
const look = ([check]: readonly HealthCheck[]): Promise<string> =>
  check!.check(new AbortController().signal).then(
    () => 'well',
    (error: unknown) => (error as Error).message,
  )

test('a check that has the name of a circuit is unwell where either is, and says which', async () => {
  const { depot, fail } = depotAway()
  let answers = true
  const own = { name: 'depot', check: () => (answers ? Promise.resolve() : Promise.reject(new Error('no answer'))) }
  const checks = withCircuits([own], [depot])
  expect(checks.map(({ name }) => name)).toEqual(['depot'])
  expect(await look(checks)).toBe('well')
  await fail()
  expect(await look(checks)).toContain('the circuit of depot is open')
  answers = false
  expect(await look(checks)).toBe('no answer')
  answers = true
  await vi.waitFor(() => depot.run(() => Promise.resolve()))
  expect(await look(checks)).toBe('well')
})

test('also while it is tried again, and for a minute where nobody tries it', async () => {
  vi.useFakeTimers()
  const { depot, fail } = depotAway()
  const checks = withCircuits([{ name: 'depot', check: () => Promise.resolve() }], [depot])
  await fail()
  await vi.advanceTimersByTimeAsync(50_000)
  let end = (): void => undefined
  const tried = depot.run(() => new Promise<void>((_, reject) => (end = () => reject(new Error('still')))))
  expect(depot.circuit).toBe('half-open')
  expect(await look(checks)).toContain('is open')
  end()
  await tried.catch(() => undefined)
  await vi.advanceTimersByTimeAsync(59_000)
  expect(await look(checks)).toContain('is open')
  await vi.advanceTimersByTimeAsync(2_000)
  expect(await look(checks)).toBe('well')
})

test('a circuit without a check of its name is one', async () => {
  const { depot, fail } = depotAway()
  const checks = withCircuits([], [depot])
  await fail()
  expect(await look(checks)).toContain('the circuit of depot is open')
})
