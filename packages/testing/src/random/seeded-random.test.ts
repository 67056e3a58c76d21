import { expect, test } from 'vitest'
import { seededRandom } from './seeded-random.ts'

const draws = (seed: string | number): number[] => {
  const random = seededRandom(seed)
  return Array.from({ length: 1_000 }, () => random.next())
}

test('the same seed gives the same choices, a neighbour others', () => {
  expect(draws('7/1')).toEqual(draws('7/1'))
  expect(draws('7/1').filter((draw, at) => draw === draws('7/2')[at])).toEqual([])
})

test('choices are spread evenly', () => {
  const random = seededRandom('even')
  const counts = Array.from({ length: 10 }, () => 0)
  for (let at = 0; at < 100_000; at += 1) counts[random.below(10)]! += 1
  // Ten standard deviations of 95.
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(950)
})

test('a UUID looks like one of version 7, and no two are alike', () => {
  const random = seededRandom('ids')
  const ids = Array.from({ length: 10_000 }, () => random.uuid())
  expect(new Set(ids).size).toBe(10_000)
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
})

test('nothing can be picked from nothing', () => {
  expect(() => seededRandom(1).pick([])).toThrow(RangeError)
})
