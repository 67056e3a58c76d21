import { expect, test } from 'vitest'
import { Trust } from './trust.ts'

/** For how many milliseconds everybody goes by himself now. */
function aloneFor(trust: Trust, clock: { now: number }): number {
  const from = clock.now
  while (!trust.holds) clock.now += 1
  return clock.now - from
}

test('what is refused again and again is tried less and less, and never given up', () => {
  const clock = { now: 0 }
  const trust = new Trust(() => clock.now)
  expect(trust.holds).toBe(true)
  const pauses = Array.from({ length: 13 }, () => {
    trust.refused()
    return aloneFor(trust, clock)
  })
  expect(pauses).toEqual([50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 51_200, 51_200, 51_200])
})

test('what is refused now and then goes on together', () => {
  const clock = { now: 0 }
  const trust = new Trust(() => clock.now)
  for (let at = 0; at < 20; at += 1) {
    trust.refused()
    expect(aloneFor(trust, clock)).toBe(50)
    for (let done = 0; done < 5; done += 1) trust.done()
  }
})
