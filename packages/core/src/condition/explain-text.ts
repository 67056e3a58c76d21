import type { ComparableKind } from './comparable.ts'
import type { Comparison } from './condition.ts'

type Words = Readonly<Record<Comparison, string>>
const equal = { eq: 'is', ne: 'is not' } as const
const ofNumbers: Words = { ...equal, lt: 'is less than', lte: 'is at most', gt: 'is more than', gte: 'is at least' }
const ofTimes: Words = { ...equal, lt: 'is before', lte: 'is at or before', gt: 'is after', gte: 'is at or after' }
const ofTexts: Words = {
  ...equal,
  lt: 'sorts before',
  lte: 'sorts before or is',
  gt: 'sorts after',
  gte: 'sorts after or is',
}

export function wordsOf(kind: ComparableKind): Words {
  return kind === 'number' || kind === 'decimal' ? ofNumbers : kind === 'time' ? ofTimes : ofTexts
}

export function asAdjective(words: string): string {
  return words.replace(/^sorts /, 'sorted ')
}

const SHOWN_CHARACTERS = 80

/** Characters that turn the text of a terminal or a page around, or are not seen. JSON leaves them as they are. */
// eslint-disable-next-line no-control-regex
const unseen = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g

/** A value in words that stay on one line, say what they are and cannot be taken for the sentence around them. */
export function quoted(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  const text = value instanceof Date ? value.toISOString() : typeof value === 'string' ? value : JSON.stringify(value)
  const points = Array.from(text)
  const short = points.length > SHOWN_CHARACTERS ? `${points.slice(0, SHOWN_CHARACTERS).join('')}…` : text
  return JSON.stringify(short).replace(unseen, (point) => `\\u${point.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
