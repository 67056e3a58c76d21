import type { Comparison, Condition, Facts, Scalar } from '@plinth/core'

/** A small seeded generator: a failure names its seed and comes again. */
export interface Random {
  below(limit: number): number
  pick<T>(from: readonly T[]): T
}

export function seeded(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number): number => Math.floor(next() * limit)
  return { below, pick: (from) => from[below(from.length)] as never }
}

const words = [
  '',
  ' ',
  'a',
  'A',
  'b',
  'B',
  'z',
  'Z',
  'ab',
  'aB',
  'AB',
  'abc',
  'ä',
  'Ä',
  'é',
  'e\u0301',
  'É',
  'ß',
  'ẞ',
  'ss',
  'SS',
  's',
  'S',
  'ſ',
  'k',
  'K',
  '\u212a',
  'σ',
  'ς',
  'Σ',
  'ΟΔΟΣ',
  'οδος',
  'i',
  'I',
  'İ',
  'ı',
  'ǆ',
  'ǅ',
  'Ǆ',
  'ﬁ',
  'fi',
  '😀',
  '😀a',
  'a😀',
  '👩‍💻',
  '𐐀',
  '𐐨',
  '\uffee',
  '\uff21',
  '\uff41',
  '\ufffd',
  'Я',
  'я',
  'ж',
  '中',
  'ｱ',
  'ア',
  '10',
  '9',
  '010',
  '%',
  '_',
  'a%b',
  'a_b',
  '\\',
  'a\\b',
  '.',
  'a.b',
  '[a]',
  '(',
  ')',
  '$',
  '^',
  '*',
  '+',
  '?',
  '{1}',
  '|',
  "O'Hara",
  '"',
  'null',
  'NULL',
  '\n',
  '-',
  '\u200b',
]
const uuids = [
  '00000000-0000-0000-0000-000000000000',
  '0190a000-0000-7000-8000-0000000000aa',
  '0190a000-0000-7000-8000-0000000000ab',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
  '7fffffff-0000-4000-8000-000000000000',
]
const times = [
  '2026-11-20T20:54:57.107123Z',
  '2026-11-20T20:54:57.107124Z',
  '2026-11-20T20:54:57.107Z',
  '2026-11-20T20:54:57Z',
  '2026-01-01T00:00:00Z',
  '1969-12-31T23:59:59.999999Z',
  '2026-11-20T22:54:57.107123+02:00',
]
const decimals = ['0', '1', '1.000', '-0.5', '123.456', '999999999.999', '-999999999.999', '10', '9']

/** Values that are stored, by field, as JSON forms in text; NULL is added by the caller. */
export const storedValues: Readonly<Record<string, readonly string[]>> = {
  label: words,
  caption: words,
  title: words,
  fixed: ['', 'a', 'A', 'ab', 'abc', 'ä', '😀', 'abcdef', 'b'],
  mood: ['sad', 'glad', 'angry'],
  other: uuids,
  ownerUserId: uuids,
  ownerGroupId: uuids,
  small: ['0', '1', '-1', '32767', '-32768'],
  whole: ['0', '1', '-1', '2', '2147483647', '-2147483648'],
  big: ['0', '1', '-1', '9007199254740991', '-9007199254740991'],
  huge: ['0', '1', '-1', '9223372036854775807', '-9223372036854775808'],
  thin: ['0', '0.1', '0.25', '-0.1', '1e20', '3', '16777216'],
  wide: ['0', '0.1', '0.30000000000000004', '-1.5', '1e300', '3', '5e-324'],
  amount: decimals,
  flag: ['true', 'false'],
  at: times,
  plain: times,
  day: ['2026-02-28', '2026-11-20', '0001-01-01', '9999-12-31', '1999-12-31'],
  hour: ['12:30:00', '12:30:00.5', '00:00:00', '23:59:59.999999', '09:00:00'],
  data: ['{"a":1}', '[]', 'null', '"a"', '1', '{"a": {"b": [1, 2]}}'],
}

/** What a condition compares with, more than what is stored: other spellings, other types, what the column cannot hold. */
const operands: Readonly<Record<string, readonly Scalar[]>> = {
  label: [...words, 1, true],
  caption: words,
  title: words,
  fixed: ['', 'a', 'a ', 'ab', 'abcdef', 'abcdefg', 'B', '😀'],
  mood: ['sad', 'glad', 'angry', 'calm', '', 'GLAD', 'h'],
  other: [...uuids, 'ci-bot', '', uuids[1]?.toUpperCase() ?? '', 'f', '0190a000'],
  ownerUserId: [...uuids, 'ci-bot'],
  ownerGroupId: uuids,
  small: [0, 1, -1, 1.5, 32767, 32768, 1e10, '1', true],
  whole: [0, 1, -1, 0.5, 2147483647, 2147483648, -0, '2', 'many', false],
  big: [0, 1, 9007199254740991, 1.5, '1', -9007199254740991],
  huge: ['0', '1', '1.0', '1.5', '9223372036854775807', '9223372036854775808', '-9223372036854775808', 1],
  thin: [0, 0.1, 0.25, 0.10000000149011612, 1e20, 3, 16777217, '0.1'],
  wide: [0, 0.1, 0.3, 0.30000000000000004, -1.5, 1e300, 5e-324, '3'],
  amount: [...decimals, '1.0000', '123.4561', '0.0', 1, 1.5, -0.5],
  flag: [true, false, 'true', 'false', 't'],
  at: [...times, '2026-11-20T20:54:57.1071239Z'],
  plain: times,
  day: ['2026-02-28', '2026-11-20', '0001-01-01', '2026-02-30', '2026-1-1', 'soon', '9999-12-31'],
  hour: ['12:30:00', '12:30', '12:30:00.50', '12:30:00.5', '00:00:00', '25:00:00', '23:59:59.999999'],
  data: ['{"a": 1}', '{"a":1}', '[]', 'null', '"a"', '1'],
}

const fields = Object.keys(operands)
const textFields = ['label', 'caption', 'title', 'fixed', 'mood', 'other', 'day', 'hour', 'data', 'amount']
const factFields = ['label', 'other', 'ownerUserId', 'ownerGroupId', 'title', 'mood', 'fixed']
const comparisons: readonly Comparison[] = ['eq', 'ne', 'lt', 'lte', 'gt', 'gte']

export function randomFacts(random: Random): Facts {
  const ids: readonly (string | null)[] = [...uuids, 'ci-bot', 'a', null]
  return {
    principalId: random.pick(ids),
    userId: random.pick(ids),
    groupIds: Array.from({ length: random.below(4) }, () => random.pick([...uuids, 'a', 'not-a-group', '"{,}\\'])),
  }
}

/** @param other conditions of another kind, for an eighth of the leaves */
export function randomCondition(random: Random, depth = 3, other?: (random: Random) => Condition): Condition {
  if (other && random.below(8) === 0) return other(random)
  const kind = random.below(depth > 0 ? 14 : 10)
  const field = random.pick(fields)
  const value = (): Scalar => (random.below(12) === 0 ? null : random.pick(operands[field] ?? []))
  if (kind < 4) return { kind: 'compare', field, op: random.pick(comparisons), with: { value: value() } }
  if (kind < 6) return { kind: 'in', field, values: Array.from({ length: random.below(5) }, value) }
  if (kind === 6) return { kind: 'isNull', field }
  if (kind === 7)
    return {
      kind: 'contains',
      field: random.pick(textFields),
      text: random.pick(words) + (random.below(3) === 0 ? random.pick(words) : ''),
    }
  if (kind === 8)
    return {
      kind: 'compare',
      field: random.pick(factFields),
      op: random.pick(comparisons),
      with: { fact: random.pick(['principalId', 'userId'] as const) },
    }
  if (kind === 9)
    return random.below(6) === 0
      ? random.pick([{ kind: 'always' }, { kind: 'never' }] as const)
      : { kind: 'inGroups', field: random.pick(factFields) }
  if (kind < 12) {
    return {
      kind: random.pick(['and', 'or'] as const),
      of: Array.from({ length: random.below(4) }, () => randomCondition(random, depth - 1, other)),
    }
  }
  return { kind: 'not', of: randomCondition(random, depth - 1, other) }
}
