import { describe, expect, test } from 'vitest'
import {
  always,
  and,
  compare,
  compareFact,
  contains,
  inGroups,
  isNull,
  never,
  not,
  oneOf,
  or,
  type Condition,
  type Facts,
} from './condition.ts'
import { explain, type ExplainedField, type ExplainedPart, type ExplainOptions } from './explain.ts'
import type { ComparableKind } from './comparable.ts'

const kinds: Readonly<Record<string, ComparableKind>> = { amount: 'decimal', count: 'number', dueAt: 'time' }
const confidential = new Set(['token', 'contactEmail', 'score'])
const field = (name: string): ExplainedField => ({ kind: kinds[name] ?? 'text', confidential: confidential.has(name) })
const facts: Facts = { principalId: 'ann', userId: 'ann', groupIds: ['red', 'blue'] }
const service: Facts = { principalId: 'ci-bot', userId: null, groupIds: [] }

type Row = Readonly<Record<string, unknown>>
const row: Row = {
  status: 'draft',
  archivedBy: null,
  ownerUserId: 'bob',
  ownerGroupId: 'red',
  count: 5,
  amount: '10.00',
  dueAt: '2026-11-20 20:54:57.107+00',
  token: 'sesame',
  contactEmail: 'ann@example.com',
}

function about(condition: Condition, given: Row | undefined = row, asker: Facts | undefined = facts): ExplainOptions {
  return { field, facts: asker, value: given && ((name) => given[name]) }
}

const sentence = (condition: Condition, given: Row | undefined = row, asker?: Facts): string =>
  explain(condition, about(condition, given, asker ?? facts)).sentence

describe('sentences', () => {
  test.each<readonly [Condition, string]>([
    [always, 'Admitted: every row is admitted.'],
    [never, 'Not admitted: no row is admitted.'],
    [compare('status', 'eq', 'draft'), 'Admitted: status is "draft".'],
    [compare('status', 'eq', 'live'), 'Not admitted: status is "draft", not "live".'],
    [compare('status', 'ne', 'live'), 'Admitted: status is "draft", not "live".'],
    [compare('status', 'ne', 'draft'), 'Not admitted: status is "draft".'],
    [compare('status', 'lt', 'live'), 'Admitted: status is "draft", which is sorted before "live".'],
    [compare('count', 'gt', 7), 'Not admitted: count is 5, which is not more than 7.'],
    [compare('amount', 'gte', '10'), 'Admitted: amount is "10.00", which is at least "10".'],
    [
      compare('dueAt', 'lt', '2026-01-01T00:00:00Z'),
      'Not admitted: dueAt is "2026-11-20 20:54:57.107+00", which is not before "2026-01-01T00:00:00Z".',
    ],
    [
      compare('archivedBy', 'ne', 'ann'),
      'Not admitted: archivedBy is null, so the comparison is unknown, and what is unknown admits nothing.',
    ],
    [
      not(compare('archivedBy', 'eq', 'ann')),
      'Not admitted: archivedBy is null, so the comparison is unknown, and what is unknown admits nothing.',
    ],
    [
      compare('status', 'eq', null),
      'Not admitted: status is compared with null, which is unknown, and what is unknown admits nothing.',
    ],
    [
      oneOf('status', ['live', null]),
      'Not admitted: status is none of the values listed, but null is among them, so the comparison is unknown, and what is unknown admits nothing.',
    ],
    [oneOf('status', ['live', 'draft']), 'Admitted: status is "draft", one of "live", "draft".'],
    [oneOf('count', [1, 2, 3, 4, 6, 7, 8]), 'Not admitted: count is 5, none of 1, 2, 3, 4, 6 and 2 more.'],
    [oneOf('status', []), 'Not admitted: status can be none of no values.'],
    [isNull('archivedBy'), 'Admitted: archivedBy is null.'],
    [isNull('status'), 'Not admitted: status is not null.'],
    [contains('status', 'RAF'), 'Admitted: status is "draft", which contains "RAF".'],
    [inGroups('ownerGroupId'), `Admitted: ownerGroupId is "red", one of the asker's groups.`],
    [compareFact('ownerUserId', 'eq', 'userId'), 'Not admitted: ownerUserId is "bob", not the asking user "ann".'],
    [
      or(inGroups('ownerGroupId'), compareFact('ownerUserId', 'eq', 'userId')),
      `Admitted: ownerGroupId is "red", one of the asker's groups.`,
    ],
    [
      and(compare('status', 'eq', 'draft'), compare('count', 'gt', 7), isNull('status')),
      'Not admitted: count is 5, which is not more than 7; status is not null.',
    ],
    [not(or(compare('status', 'eq', 'live'), compare('count', 'eq', 5))), 'Not admitted: count is 5.'],
    [{ kind: 'and', of: [] }, 'Admitted: every row.'],
    [{ kind: 'or', of: [] }, 'Not admitted: no row.'],
  ])('%j', (condition, words) => {
    expect(sentence(condition)).toBe(words)
  })

  test('a service has no user and is in no group', () => {
    expect(sentence(compareFact('ownerUserId', 'eq', 'userId'), row, service)).toBe(
      'Not admitted: whoever asks is no user, so the comparison with ownerUserId is unknown, and what is unknown admits nothing.',
    )
    expect(sentence(inGroups('ownerGroupId'), row, service)).toBe('Not admitted: whoever asks is in no group.')
  })

  test('without a row the rule is told, and what no row could change is decided', () => {
    const rule = or(inGroups('ownerGroupId'), and(compareFact('ownerUserId', 'eq', 'userId'), not(isNull('dueAt'))))
    expect(explain(rule, { field, facts }).sentence).toBe(
      "Admitted is a row where: ownerGroupId is one of the asker's groups or (ownerUserId is the asking user and not (dueAt is null)).",
    )
    expect(explain(compareFact('ownerUserId', 'eq', 'userId'), { field, facts: service }).verdict).toBe('unknown')
    expect(explain(and(isNull('dueAt'), inGroups('ownerGroupId')), { field, facts: service }).verdict).toBe('false')
    expect(explain(inGroups('ownerGroupId'), { field }).verdict).toBe('depends')
  })
})

test('the tree says of each part what is asked, whether it holds and why', () => {
  const rule = and(
    compare('status', 'eq', 'draft'),
    not(compare('archivedBy', 'eq', 'ann')),
    compare('token', 'eq', 'x'),
  )
  expect(explain(rule, about(rule))).toMatchInlineSnapshot(`
    {
      "sentence": "Not admitted: the value of token, which is withheld, does not fit.",
      "tree": {
        "kind": "and",
        "parts": [
          {
            "field": "status",
            "kind": "compare",
            "parts": [],
            "reason": "status is "draft"",
            "rule": "status is "draft"",
            "truth": "true",
          },
          {
            "kind": "not",
            "parts": [
              {
                "field": "archivedBy",
                "kind": "compare",
                "parts": [],
                "reason": "archivedBy is null, so the comparison is unknown",
                "rule": "archivedBy is "ann"",
                "truth": "unknown",
              },
            ],
            "rule": "not (archivedBy is "ann")",
            "truth": "unknown",
          },
          {
            "field": "token",
            "kind": "compare",
            "parts": [],
            "reason": "the value of token, which is withheld, does not fit",
            "rule": "token is a value that is withheld",
            "truth": "false",
            "withheld": true,
          },
        ],
        "rule": "(status is "draft" and not (archivedBy is "ann") and token is a value that is withheld)",
        "truth": "false",
      },
      "verdict": "false",
    }
  `)
})

test('long, odd and invisible text stays on one line and within its quotes', () => {
  const text = `\u202e"\n${'x'.repeat(200)}`
  expect(sentence(compare('status', 'eq', text), { status: text })).toBe(
    `Admitted: status is "\\u202e\\"\\n${'x'.repeat(77)}…".`,
  )
})

describe('what is confidential', () => {
  const rules: readonly Condition[] = [
    compare('token', 'eq', 'sesame'),
    compare('token', 'lt', 'sesame'),
    oneOf('token', ['sesame', 'ann']),
    oneOf('token', ['open', null]),
    contains('token', 'sesame'),
    inGroups('token'),
    compareFact('token', 'eq', 'userId'),
    and(not(compare('contactEmail', 'eq', 'sesame')), or(compare('token', 'ne', 'sesame'), never)),
  ]
  const values = ['sesame', 'sesame street', 'open', 'zoo', 'ann', 'red', null]
  const truths = (part: ExplainedPart): string => [part.truth, ...part.parts.map(truths)].join()

  test.each(rules)('%j: neither the value nor what it is compared with', (rule) => {
    const seen = new Map<string, string>()
    for (const token of values) {
      const found = explain(rule, about(rule, { token, contactEmail: token }))
      const printed = JSON.stringify(found)
      expect(printed).not.toMatch(/sesame|open|zoo/)
      expect(printed).toContain('"withheld":true')
      // Two values for which the same parts hold read the same, to the letter.
      const held = truths(found.tree)
      expect(printed).toBe(seen.get(held) ?? printed)
      seen.set(held, printed)
    }
    expect(seen.size).toBeGreaterThan(1)
  })
})
