import { expect, test } from 'vitest'
import { testClock } from './test-clock.ts'

test('stands still until it is moved', () => {
  const clock = testClock('2026-01-31T12:00:00Z')
  expect(clock.now()).toEqual(clock.now())
  clock.advance(1_500)
  expect(clock.now().toISOString()).toBe('2026-01-31T12:00:01.500Z')
  clock.set('2020-02-29T00:00:00Z')
  expect(clock.now().toISOString()).toBe('2020-02-29T00:00:00.000Z')
})

test('cannot be moved through a Date that it gave, backwards, or to no time', () => {
  const clock = testClock()
  const before = clock.now().getTime()
  clock.now().setFullYear(1999)
  expect(clock.now().getTime()).toBe(before)
  expect(() => clock.advance(-1)).toThrow(RangeError)
  expect(() => clock.advance(Number.NaN)).toThrow(RangeError)
  expect(() => testClock('nonsense')).toThrow('is no time')
})
