import type { Platform, RawRow } from '@plinth/core'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { JobWatch } from './job-watch.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A table that the test writes, and how often it was looked at. */
function table() {
  const stamps = new Map<string, string>()
  const state = { looks: 0, isAway: false, isServing: true }
  const systemStatement = (): Promise<readonly RawRow[]> => {
    state.looks += 1
    if (state.isAway) return Promise.reject(new Error('away'))
    return Promise.resolve([...stamps].map(([id, stamp]) => ({ tenant_id: 't', id, stamp })))
  }
  const load = {
    get isServing() {
      return state.isServing
    },
  }
  const watch = new JobWatch({ database: { systemStatement }, load } as unknown as Platform)
  return { stamps, state, watch }
}

test('one look serves all, whoever watches another one is not woken, and nobody looks for nobody', async () => {
  const { stamps, state, watch } = table()
  stamps.set('1', 'a').set('2', 'a')
  const [one, same, other] = [watch.join('t', '1'), watch.join('t', '1'), watch.join('t', '2')]
  await vi.advanceTimersByTimeAsync(250)
  expect(await Promise.all([one, same, other].map((each) => each.next(1)))).toEqual(['changed', 'changed', 'changed'])
  stamps.set('1', 'b')
  const seen = Promise.all([one, same, other].map((each) => each.next(1_000)))
  await vi.advanceTimersByTimeAsync(1_000)
  expect(await seen).toEqual(['changed', 'changed', 'quiet'])
  expect(state.looks).toBe(5)
  for (const each of [one, same, other]) each.leave()
  await vi.advanceTimersByTimeAsync(10_000)
  expect(state.looks).toBe(5)
  const late = watch.join('t', '1')
  await vi.advanceTimersByTimeAsync(250)
  expect(state.looks).toBe(6)
  late.leave()
})

test('what is written while nobody waits is told at the next call, once', async () => {
  const { stamps, watch } = table()
  const watcher = watch.join('t', '1')
  stamps.set('1', 'a')
  await vi.advanceTimersByTimeAsync(250)
  stamps.set('1', 'b')
  await vi.advanceTimersByTimeAsync(250)
  expect(await watcher.next(1)).toBe('changed')
  const quiet = watcher.next(100)
  await vi.advanceTimersByTimeAsync(100)
  expect(await quiet).toBe('quiet')
  watcher.leave()
  expect(await watcher.next(1_000)).toBe('over')
})

test('with the database away it looks again, and a row that goes is a change', async () => {
  const { stamps, state, watch } = table()
  stamps.set('1', 'a')
  const watcher = watch.join('t', '1')
  await vi.advanceTimersByTimeAsync(250)
  expect(await watcher.next(1)).toBe('changed')
  state.isAway = true
  await vi.advanceTimersByTimeAsync(1_000)
  state.isAway = false
  stamps.delete('1')
  await vi.advanceTimersByTimeAsync(250)
  expect(await watcher.next(1)).toBe('changed')
  watcher.leave()
})

test('a process that serves no more ends them, and who comes then is told at once', async () => {
  const { state, watch } = table()
  const watcher = watch.join('t', '1')
  const seen = watcher.next(60_000)
  state.isServing = false
  await vi.advanceTimersByTimeAsync(250)
  expect(await seen).toBe('over')
  const stopping = watch.join('t', '1').next(60_000)
  await watch.stop()
  expect(await stopping).toBe('over')
  expect(await watch.join('t', '1').next(60_000)).toBe('over')
})
