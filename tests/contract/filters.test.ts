import { defineResource, resourceTable } from '@plinth/core'
import { testPlatform, type TestPlatform } from '@plinth/testing'
import {
  bigint,
  boolean,
  char,
  date,
  doublePrecision,
  integer,
  numeric,
  pgEnum,
  real,
  smallint,
  text,
  time,
  timestamp,
  uuid,
  varchar,
} from 'drizzle-orm/pg-core'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/*
 * Every operator on every kind of column, compared with an oracle that knows neither SQL nor the code under test: rows are plain
 * values, and an operator is a comparison of them.
 */
const filterMood = pgEnum('filter_mood', ['zen', 'calm', 'busy'])
const things = resourceTable('things', {
  words: text(),
  short: varchar({ length: 40 }),
  code: char({ length: 6 }),
  state: text({ enum: ['open', 'sealed', 'lost'] }),
  mood: filterMood(),
  key: uuid(),
  tiny: smallint(),
  whole: integer(),
  big: bigint({ mode: 'number' }),
  huge: bigint({ mode: 'bigint' }),
  price: numeric({ precision: 20, scale: 4 }),
  double: doublePrecision(),
  single: real(),
  flag: boolean(),
  at: timestamp({ withTimezone: true }),
  atText: timestamp({ withTimezone: true, mode: 'string' }),
  local: timestamp(),
  day: date({ mode: 'string' }),
  clock: time(),
})
const columns = Object.keys({ ...kinds() })
const found = { filter: true } as const
const thing = defineResource({
  table: things,
  fields: Object.fromEntries(
    columns.map((key) => [key, { ...found, ...(['words', 'short'].includes(key) ? { search: true } : {}) }]),
  ) as never,
})

type Value = string | number | boolean | null
interface Kind {
  readonly values: readonly Exclude<Value, null>[]
  /** Sorts as the wire says: text by code point, numbers by size, times by instant. */
  readonly order: (value: Exclude<Value, null>) => string | number | bigint
  readonly operators: readonly string[]
}

function kinds(): Record<string, Kind> {
  const all = ['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'in', 'isNull']
  const own = (value: unknown): never => value as never
  const decimal = (value: unknown): bigint => {
    const [, sign, units, part = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(String(value))!
    return BigInt(`${sign}${units}${part.padEnd(4, '0')}`)
  }
  const instant = (value: unknown): number => Date.parse(String(value))
  const texts = ['', 'a', 'A', 'b,c', 'b\\,c', '\\', 'ß', 'é', '%', '_', "o'k", 'null', 'true', '1', ' x', '😀', '=1']
  const times = [
    '2026-01-31T12:00:00.123Z',
    '2026-01-31T12:00:00.124Z',
    '2025-12-31T23:59:59.999Z',
    '2001-02-03T04:05:06Z',
  ]
  return {
    words: { values: texts, order: own, operators: [...all, 'contains'] },
    short: { values: texts, order: own, operators: [...all, 'contains'] },
    code: { values: ['AB', 'ab', 'b,c', 'zz9999'], order: own, operators: [...all, 'contains'] },
    state: { values: ['open', 'sealed', 'lost'], order: own, operators: [...all, 'contains'] },
    mood: { values: ['zen', 'calm', 'busy'], order: own, operators: [...all, 'contains'] },
    key: {
      values: ['01941f29-7c00-7aaa-8bbb-0123456789ab', '01941f29-7c00-7aaa-8bbb-0123456789ac'],
      order: own,
      operators: ['eq', 'ne', 'in', 'isNull'],
    },
    tiny: { values: [0, 1, -1, 32_767, -32_768], order: own, operators: all },
    whole: { values: [0, 7, -7, 2_147_483_647, -2_147_483_648], order: own, operators: all },
    big: { values: [0, 9_007_199_254_740_991, -9_007_199_254_740_991], order: own, operators: all },
    huge: {
      values: ['0', '9223372036854775807', '-9223372036854775808', '12'],
      order: (value) => BigInt(value as string),
      operators: all,
    },
    price: { values: ['0.0000', '12.5000', '-0.0001', '9007199254740993.0001'], order: decimal, operators: all },
    double: { values: [0, 0.1, 1e300, -1.5, 0.30000000000000004], order: own, operators: all },
    single: { values: [0, 0.1, -1.5, 16_777_216], order: own, operators: all },
    flag: { values: [true, false], order: Number, operators: ['eq', 'ne', 'isNull'] },
    at: { values: times, order: instant, operators: all },
    atText: { values: times, order: instant, operators: all },
    local: { values: times, order: instant, operators: all },
    day: { values: ['2026-01-31', '2024-02-29', '1999-12-31'], order: own, operators: all },
    clock: { values: ['00:00:00', '12:30:00', '23:59:59'], order: own, operators: all },
  }
}
const matrix = kinds()

let platform: TestPlatform
const stored: Record<string, Value>[] = []
beforeAll(async () => {
  platform = await testPlatform({ resources: [thing] })
  const most = Math.max(...Object.values(matrix).map((kind) => kind.values.length))
  for (let at = 0; at <= most; at += 1) {
    const row = Object.fromEntries(
      // One value after the other, then NULL.
      Object.entries(matrix).map(([key, { values }]): [string, Value] => [key, values[at] ?? null]),
    )
    const reply = await platform.request(platform.a.actors.full, 'POST', '/api/v1/things', row)
    if (reply.status !== 201) throw new Error(reply.body)
    stored.push({ ...row, id: (reply.json as { id: string }).id })
  }
})
afterAll(() => platform.close())

const ask = async (query: string): Promise<readonly string[]> => {
  const reply = await platform.request(platform.a.actors.full, 'GET', `/api/v1/things?pageSize=100&fields=id&${query}`)
  expect(reply.status, `${query}: ${reply.body}`).toBe(200)
  return (reply.json as { data: { id: string }[] }).data.map((row) => row.id).sort()
}
const expected = (holds: (row: Record<string, Value>) => boolean): readonly string[] =>
  stored
    .filter(holds)
    .map((row) => String(row['id']))
    .sort()
const escaped = (value: Value): string => String(value).replaceAll('\\', '\\\\').replaceAll(',', '\\,')
/** Text orders by code point; JavaScript's `<` compares halves of astral characters. */
function sign(left: string | number | bigint, right: string | number | bigint): number {
  if (typeof left === 'string' && typeof right === 'string')
    return Buffer.compare(Buffer.from(left), Buffer.from(right))
  return left < right ? -1 : left > right ? 1 : 0
}
const comparisons: Record<string, (sign: number) => boolean> = {
  eq: (is) => is === 0,
  ne: (is) => is !== 0,
  gt: (is) => is > 0,
  gte: (is) => is >= 0,
  lt: (is) => is < 0,
  lte: (is) => is <= 0,
}

describe.each(Object.entries(matrix))('%s', (key, { values, order, operators }) => {
  test.each(operators)('%s', async (operator) => {
    if (operator === 'isNull') {
      expect(await ask(`${key}[isNull]=true`)).toEqual(expected((row) => row[key] === null))
      expect(await ask(`${key}[isNull]=false`)).toEqual(expected((row) => row[key] !== null))
      return
    }
    for (const value of values) {
      if (operator === 'in') {
        for (const list of [[value], [value, values[0]!], values]) {
          const query = `${key}[in]=${encodeURIComponent(list.map(escaped).join(','))}`
          expect(await ask(query), query).toEqual(expected((row) => row[key] !== null && list.includes(row[key]!)))
        }
      } else if (operator === 'contains') {
        for (const part of new Set([String(value), [...String(value)][0] ?? '', String(value).toUpperCase()])) {
          if (part === 'SS') continue // ß in capitals is another word
          const query = `${key}[contains]=${encodeURIComponent(part)}`
          const fold = part.toLowerCase()
          expect(await ask(query), query).toEqual(
            expected((row) => row[key] !== null && String(row[key]).toLowerCase().includes(fold)),
          )
        }
      } else {
        const query = `${key}${operator === 'eq' ? '' : `[${operator}]`}=${encodeURIComponent(String(value))}`
        expect(await ask(query), query).toEqual(
          // NULL compares with nothing.
          expected((row) => row[key] !== null && comparisons[operator]!(sign(order(row[key]!), order(value)))),
        )
      }
    }
  })

  test('no other operator', async () => {
    const others = [
      'eq',
      'ne',
      'gt',
      'gte',
      'lt',
      'lte',
      'in',
      'contains',
      'isNull',
      'like',
      'not',
      'EQ',
      'constructor',
    ]
    for (const operator of others.filter((each) => !operators.includes(each))) {
      const reply = await platform.request(
        platform.a.actors.full,
        'GET',
        `/api/v1/things?${key}[${operator}]=${encodeURIComponent(String(values[0]))}`,
      )
      expect(reply.status, operator).toBe(400)
    }
  })
})

test('search looks into every searched field, in any case', async () => {
  for (const word of ['A', 'B,C', 'ß', '%', '_', '\\', '😀']) {
    expect(await ask(`search=${encodeURIComponent(word)}`), word).toEqual(
      expected((row) =>
        ['words', 'short'].some(
          (key) => row[key] !== null && String(row[key]).toLowerCase().includes(word.toLowerCase()),
        ),
      ),
    )
  }
})

test('several filters hold together', { timeout: 60_000 }, async () => {
  const one = fc.constantFrom(...Object.keys(matrix)).chain((key) =>
    fc
      .record({
        value: fc.constantFrom(...matrix[key]!.values),
        operator: fc.constantFrom(...matrix[key]!.operators.filter((each) => each in comparisons)),
      })
      .map((part) => ({ key, ...part })),
  )
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(one, { selector: (part) => part.key, minLength: 2, maxLength: 4 }),
      async (parts) => {
        const query = parts.map(
          ({ key, operator, value }) => `${key}[${operator}]=${encodeURIComponent(String(value))}`,
        )
        expect(await ask(query.join('&'))).toEqual(
          expected((row) =>
            parts.every(({ key, operator, value }) => {
              const { order } = matrix[key]!
              return row[key] !== null && comparisons[operator]!(sign(order(row[key]!), order(value)))
            }),
          ),
        )
      },
    ),
    { numRuns: 60 },
  )
})
