import { expect, test } from 'vitest'
import { Pace } from './pace.ts'

test('what goes on at one pace is told by it, whatever ends beside it, and is forgotten when it stops', () => {
  let now = 0
  const pace = new Pace(() => now)
  expect(pace.within(1_000)).toBe(0)
  // Two a millisecond, for half a second; and one that took a minute.
  for (; now < 500; now += 1) pace.ended(2)
  pace.ended(1)
  expect(pace.within(10)).toBeGreaterThan(19)
  expect(pace.within(10)).toBeLessThan(21)
  now += 1_000
  expect(pace.within(1_000)).toBeLessThan(1)
})
