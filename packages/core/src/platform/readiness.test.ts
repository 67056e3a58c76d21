import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { StartupFault } from '../errors/startup-error.ts'
import { silentLogger } from '../logging/silent-logger.ts'
import type { Database } from '../ports/database.ts'
import { readinessOf } from './readiness.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const fault: StartupFault = { path: 'table public.sites', problem: 'row-level security is off', fix: 'migrate' }

function served() {
  const state = { faults: [] as readonly StartupFault[], isAway: false, checks: 0, looks: 0 }
  const database = {
    kind: 'postgres',
    startBackground: () => undefined,
    check: () => Promise.resolve(((state.checks += 1), state.faults)),
    recheck: () => (
      (state.looks += 1),
      state.isAway ? Promise.reject(new Error('away')) : Promise.resolve(state.faults)
    ),
  } as unknown as Database
  return { state, ...readinessOf(database, silentLogger) }
}

test('what is switched off beside it is noticed within a minute, and when it is mended it serves again', async () => {
  const { state, ready } = served()
  await ready()
  expect(ready()).toBeUndefined()
  state.faults = [fault]
  await vi.advanceTimersByTimeAsync(59_000)
  expect(ready()).toBeUndefined()
  await vi.advanceTimersByTimeAsync(1_000)
  for (let at = 0; at < 3; at += 1) {
    await expect(ready()).rejects.toMatchObject({ code: 'not_ready' })
    await vi.advanceTimersByTimeAsync(2_000)
  }
  state.faults = []
  await ready()
  expect(ready()).toBeUndefined()
})

test('no request waits for the look, there is one a minute, and none when it ends', async () => {
  const { state, ready, stop } = served()
  await ready()
  for (let at = 0; at < 100; at += 1) expect(ready()).toBeUndefined()
  await vi.advanceTimersByTimeAsync(180_000)
  expect(state).toMatchObject({ checks: 1, looks: 3 })
  stop()
  await vi.advanceTimersByTimeAsync(180_000)
  expect(state.looks).toBe(3)
})

test('a database that is away is no other schema', async () => {
  const { state, ready } = served()
  await ready()
  state.isAway = true
  await vi.advanceTimersByTimeAsync(120_000)
  expect(ready()).toBeUndefined()
})
