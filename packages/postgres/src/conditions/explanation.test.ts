import { expect, test } from 'vitest'
import { explain, holds, type ComparableKind, type Condition, type ExplainedPart, type Facts } from '@plinth/core'
import { randomCondition, randomFacts, seeded, storedValues, type Random } from '../../tests/random-conditions.ts'

/* The fourth reader, against the one in memory, which the differential test holds against PostgreSQL. */

const kinds: Readonly<Record<string, ComparableKind>> = {
  small: 'number',
  whole: 'number',
  big: 'number',
  huge: 'decimal',
  thin: 'number',
  wide: 'number',
  amount: 'decimal',
  flag: 'boolean',
  at: 'time',
  plain: 'time',
  data: 'json',
}
const kind = (field: string): ComparableKind => kinds[field] ?? 'text'

type Row = Readonly<Record<string, string | null>>

function randomRow(random: Random): Row {
  return Object.fromEntries(
    Object.entries(storedValues).map(([key, values]) => [key, random.below(4) === 0 ? null : random.pick(values)]),
  )
}

const names = { true: true, false: false, unknown: null } as const

/** Every part of the tree with the condition that it explains. */
function pairs(condition: Condition, part: ExplainedPart): readonly (readonly [Condition, ExplainedPart])[] {
  const inner =
    condition.kind === 'and' || condition.kind === 'or' ? condition.of : condition.kind === 'not' ? [condition.of] : []
  expect(part.parts).toHaveLength(inner.length)
  return [[condition, part], ...inner.flatMap((one, at) => pairs(one, part.parts[at]!))]
}

const CONDITIONS = 1_500
const ROWS = 12

test(`${CONDITIONS} random conditions over ${ROWS} rows: every part of an explanation says what holds`, () => {
  const random = seeded(31)
  const counted = { true: 0, false: 0, unknown: 0 }
  for (let at = 0; at < CONDITIONS; at += 1) {
    const condition = randomCondition(random)
    const facts = randomFacts(random)
    const field = (name: string) => ({ kind: kind(name), confidential: at % 2 === 0 })
    const unread = explain(condition, { field, facts })
    const unasked = explain(condition, { field })
    for (let index = 0; index < ROWS; index += 1) {
      const row = randomRow(random)
      const value = (name: string): unknown => row[name]
      const found = explain(condition, { field, facts, value })
      expect(found.verdict).toBe(found.tree.truth)
      for (const [part, explained] of pairs(condition, found.tree)) {
        const words = JSON.stringify({ part, facts, row })
        if (explained.truth === 'depends') throw new Error(`left open: ${words}`)
        expect(names[explained.truth], words).toBe(holds(part, { value, kind }, facts))
        if (part.kind !== 'and' && part.kind !== 'or' && part.kind !== 'not') {
          expect(explained.reason, words).toBeTypeOf('string')
          counted[explained.truth] += 1
        }
      }
      // What is decided without a row, or without knowing who asks, is so for every one.
      for (const early of [unread, unasked])
        for (const [at, [, explained]] of pairs(condition, early.tree).entries())
          if (explained.truth !== 'depends') expect(pairs(condition, found.tree)[at]![1].truth).toBe(explained.truth)
    }
  }
  for (const truth of ['true', 'false', 'unknown'] as const) expect(counted[truth]).toBeGreaterThan(2_000)
})

test('the same words every time', () => {
  const words = (): readonly string[] => {
    const random = seeded(5)
    return Array.from({ length: 200 }, () => {
      const condition = randomCondition(random)
      const facts: Facts = randomFacts(random)
      const row = randomRow(random)
      return JSON.stringify(
        explain(condition, {
          facts,
          value: (name) => row[name],
          field: (name) => ({ kind: kind(name), confidential: false }),
        }),
      )
    })
  }
  expect(words()).toEqual(words())
})
