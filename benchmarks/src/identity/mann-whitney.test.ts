import { expect, test } from 'vitest'
import { areaUnderCurve } from './mann-whitney.ts'

test('tells what can be told, whichever is the larger', () => {
  expect(areaUnderCurve([1, 2, 3], [1, 2, 3])).toBe(0.5)
  expect(areaUnderCurve([1, 2, 3], [4, 5, 6])).toBe(1)
  expect(areaUnderCurve([4, 5, 6], [1, 2, 3])).toBe(1)
  expect(areaUnderCurve([1, 3], [2, 4])).toBe(0.75)
  expect(areaUnderCurve([7, 7], [7, 7])).toBe(0.5)
})
