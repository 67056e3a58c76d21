import { expect, test } from 'vitest'
import { storedText } from './stored-text.ts'

test('words that are kept hold no secret, no NUL and no half of a character', () => {
  expect(storedText('a\0b', 10)).toBe('a\uFFFDb')
  expect(storedText('aa😀', 3)).toBe('aa\uFFFD')
  expect(storedText('\uDE00', 3)).toBe('\uFFFD')
  expect(storedText('password=hunter22', 100)).not.toContain('hunter22')
  expect(storedText('long', 2)).toBe('lo')
})
