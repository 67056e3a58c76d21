import { readFileSync } from 'node:fs'

/**
 * Strings that software trips over, by kind; collected for this test. Every one of them is a valid text: it is stored and
 * read back to the byte, or refused with words.
 */
const byKind = JSON.parse(readFileSync(new URL('./strings.json', import.meta.url), 'utf8')) as Record<string, string[]>

const long = [
  `a${'\u0300'.repeat(200)}`,
  '\u{1f600}'.repeat(50),
  'x'.repeat(200),
  'x'.repeat(201),
  'x'.repeat(10_000),
  '\u{1f600}'.repeat(20_000),
  'a '.repeat(5_000),
  '('.repeat(2_000),
  '\\'.repeat(2_000),
  '"'.repeat(2_000),
  'a'.repeat(300_000),
]

export const allNaughtyStrings: readonly string[] = [...new Set([...Object.values(byKind).flat(), ...long])]
