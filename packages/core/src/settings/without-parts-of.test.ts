import { expect, test } from 'vitest'
import { withoutPartsOf } from './without-parts-of.ts'

test('removes the secret and its longer pieces, and leaves the sentence', () => {
  expect(withoutPartsOf("'hunter2-hunter2' is no key", 'hunter2-hunter2')).toBe("'[redacted]' is no key")
  expect(withoutPartsOf('begins with hunter2', 'xhunter2y')).toBe('begins with [redacted]')
  expect(withoutPartsOf('must start with https://', 'http://x')).toBe('must start with https://')
  expect(withoutPartsOf('"abc" is short', 'abc')).toBe('"[redacted]" is short')
  expect(withoutPartsOf('a is short', 'a')).toBe('is not valid')
})
