import { beforeEach, expect, test, vi } from 'vitest'
import { Pace } from './pace.ts'

beforeEach(() => void vi.useFakeTimers())

/** What statements take of which a row adds `each` ms to the `once` ms of any. */
function tell(pace: Pace, once: number, each: number, statements = 20): readonly number[] {
  return Array.from({ length: statements }, () => {
    pace.took(1, once + each)
    const rows = pace.most
    pace.took(rows, once + rows * each)
    return rows
  })
}

test('rows that add little to a statement are many soon, and as many as may be', () => {
  expect(tell(new Pace(), 3, 0.1).slice(0, 5)).toEqual([8, 16, 32, 32, 32])
})

test('also where all is slow, for whatever other reason', () => {
  expect(tell(new Pace(), 400, 3).at(-1)).toBe(32)
})

test('as many as a statement has time for, where they are dearer', () => {
  expect(tell(new Pace(), 3, 1).at(-1)).toBe(11)
})

test('dear rows go by themselves, but for one look a second', () => {
  const pace = new Pace()
  const rows = tell(pace, 3, 40)
  expect(rows.slice(0, 2)).toEqual([8, 1])
  expect(rows.slice(1).every((one) => one === 1)).toBe(true)
  vi.advanceTimersByTime(1_000)
  expect(tell(pace, 3, 40, 3)).toEqual([2, 1, 1])
  vi.advanceTimersByTime(1_000)
  expect(tell(pace, 3, 0.1, 5)).toEqual([2, 4, 8, 16, 32])
})
