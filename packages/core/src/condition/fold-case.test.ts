import { expect, test } from 'vitest'
import { caseVariants, foldCase } from './fold-case.ts'

test('one letter in any case is one letter, whatever the collation of the database would say', () => {
  for (const [left, right] of [
    ['MÜLLER', 'müller'],
    ['ΟΔΟΣ', 'οδος'],
    ['ΟΔΟΣ', 'οδοσ'],
    ['ǅ', 'ǆ'],
    ['K', 'k'],
    ['ſ', 'S'],
    ['ẞ', 'ß'],
    ['𐐀', '𐐨'],
  ] as const) {
    expect(foldCase(left), `${left} and ${right}`).toBe(foldCase(right))
  }
})

test('folding keeps the number of code points, so that a pattern of as many classes stands for a text', () => {
  for (const text of ['İstanbul', 'ﬁnal', 'Straße', '😀ABC', 'ŉ'])
    expect(Array.from(foldCase(text))).toHaveLength(Array.from(text).length)
  expect(foldCase('ß')).not.toBe(foldCase('SS'))
})

test('folding twice is folding once, and the variants of a code point are exactly those that fold alike: all of Unicode', () => {
  let cased = 0
  for (let code = 0; code <= 0x10_ffff; code += 1) {
    if (code >= 0xd800 && code < 0xe000) continue
    const point = String.fromCodePoint(code)
    const folded = foldCase(point)
    if (folded === point) continue
    cased += 1
    if (foldCase(folded) !== folded || !caseVariants(point).includes(point) || caseVariants(folded)[0] !== folded)
      throw new Error(`U+${code.toString(16)}`)
  }
  expect(cased).toBeGreaterThan(1_400)
})
