import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Silence } from './silence.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function silence(limitMs = 100) {
  const told: number[] = []
  const awaited = { now: true }
  const from = performance.now()
  return {
    told,
    awaited,
    silence: new Silence(
      limitMs,
      () => awaited.now,
      () => told.push(performance.now() - from),
    ),
  }
}

test('tells once, so long after the last thing that was heard', () => {
  const { silence: given, told } = silence()
  given.heard()
  vi.advanceTimersByTime(60)
  given.heard()
  vi.advanceTimersByTime(99)
  expect(told).toEqual([])
  vi.advanceTimersByTime(2)
  expect(told).toEqual([160])
  vi.advanceTimersByTime(1_000)
  given.heard()
  vi.advanceTimersByTime(1_000)
  expect(told).toHaveLength(1)
})

test('is no silence while nobody waits, and begins with whoever waits next', () => {
  const { silence: given, told, awaited } = silence()
  given.heard()
  awaited.now = false
  vi.advanceTimersByTime(1_000)
  awaited.now = true
  vi.advanceTimersByTime(1_000)
  given.heard()
  vi.advanceTimersByTime(99)
  expect(told).toEqual([])
  vi.advanceTimersByTime(1)
  expect(told).toEqual([2_100])
})

test('is for ever where there is no limit, and over when it is ended', () => {
  const { silence: endless, told } = silence(0)
  endless.heard()
  const { silence: ended, told: others } = silence()
  ended.heard()
  ended.end()
  ended.heard()
  vi.advanceTimersByTime(1_000_000)
  expect([told, others, vi.getTimerCount()]).toEqual([[], [], 0])
})
