import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import {
  always,
  explainFor,
  fieldOf,
  holds,
  not,
  type Condition,
  type Facts,
  type RawRow,
  type ResourceInfo,
} from '@plinth/core'
import { attach, openPGlite, openServer, samples, scopeOf, type Opened } from '../../tests/fixture.ts'
import { randomCondition, randomFacts, seeded, storedValues, type Random } from '../../tests/random-conditions.ts'
import { toRowSecurity } from './to-row-security.ts'

/*
 * One condition, its readers: in memory, as a where clause, as a policy. They must agree on every row, or what one layer
 * refuses the other shows. (A reader with two truth values disagreed on 294 of 400; `<` in another collation than "C" on 101
 * of 2,000.)
 */

const tenantId = '0190a000-0000-7000-8000-00000000000a'
const ROWS = 150
const CONDITIONS = 2_500
const POLICIES = 300

const subjects = [
  {
    name: 'PostgreSQL, default collation',
    open: () => openServer(inject('postgresUrl')),
    conditions: CONDITIONS,
    policies: POLICIES,
  },
  {
    name: 'PostgreSQL, ICU collation',
    open: () => openServer(inject('postgresUrl'), 'und-x-icu'),
    conditions: CONDITIONS,
    policies: POLICIES,
  },
  { name: 'PGlite', open: () => openPGlite(), conditions: 500, policies: 100 },
]

describe.each(subjects)('$name', ({ name, open, conditions, policies }) => {
  let opened: Opened
  let sample: ResourceInfo
  let rows: readonly RawRow[]
  let attached: ReturnType<typeof attach>

  beforeAll(async () => {
    opened = await open()
    // Two settings more, for the policies that read facts.
    attached = attach(opened.drivers, [], { policyFacts: true })
    sample = attached.resource(samples)
    const random = seeded(20_261_121)
    const session = attached.database.session(scopeOf(tenantId))
    for (let at = 0; at < ROWS; at += 1)
      await session.create({ resource: sample, id: idOf(at), ownerUserId: null, values: randomRow(sample, random) })
    rows = await session.list({
      resource: sample,
      where: always,
      sort: [{ field: fieldOf(sample, 'id'), descending: false }],
      after: undefined,
      limit: ROWS + 1,
      offset: 0,
      fields: sample.fields,
    })
  })
  afterAll(() => opened.close())

  const inMemory = (condition: Condition, facts: Facts): string[] =>
    rows
      .filter(
        (row) =>
          holds(
            condition,
            { value: (field) => row[field], kind: (field) => fieldOf(sample, field).kind.compares },
            facts,
          ) === true,
      )
      .map((row) => String(row['id']))

  const listed = async (condition: Condition, facts: Facts): Promise<string[]> => {
    const found = await attached.database.session(scopeOf(tenantId, { facts })).list({
      resource: sample,
      where: condition,
      sort: [{ field: fieldOf(sample, 'id'), descending: false }],
      after: undefined,
      limit: ROWS + 1,
      offset: 0,
      fields: [fieldOf(sample, 'id')],
    })
    return found.map((row) => String(row['id']))
  }

  test(`${conditions} random conditions over ${ROWS} rows: memory and SQL disagree on none`, async () => {
    expect(rows).toHaveLength(ROWS)
    const random = seeded(7)
    let admitted = 0
    for (let at = 0; at < conditions; at += 1) {
      const condition = randomCondition(random)
      const facts = randomFacts(random)
      const expected = inMemory(condition, facts)
      admitted += expected.length
      const actual = await listed(condition, facts).catch((error: unknown) => {
        throw new Error(`${name} #${at} ${JSON.stringify({ condition, facts })}`, { cause: error })
      })
      expect(actual, `${name} #${at} ${JSON.stringify({ condition, facts })}`).toEqual(expected)
    }
    // Were nearly all of them empty or full, agreeing would say little.
    expect(admitted / (conditions * ROWS)).toBeGreaterThan(0.15)
    expect(admitted / (conditions * ROWS)).toBeLessThan(0.85)
  })

  test('explanations: of a condition and of each of its parts SQL says the same, true, false and unknown', async () => {
    const random = seeded(13)
    const parts = (condition: Condition): readonly Condition[] =>
      condition.kind === 'and' || condition.kind === 'or'
        ? [condition, ...condition.of.flatMap(parts)]
        : condition.kind === 'not'
          ? [condition, ...parts(condition.of)]
          : [condition]
    const counted = { true: 0, false: 0, unknown: 0, depends: 0 }
    for (let at = 0; at < policies / 2; at += 1) {
      const facts = randomFacts(random)
      for (const condition of parts(randomCondition(random))) {
        const admitted = new Set(await listed(condition, facts))
        const refused = new Set(await listed(not(condition), facts))
        for (const row of rows) {
          const { verdict } = explainFor(sample, condition, facts, row)
          const id = String(row['id'])
          const truth = admitted.has(id) ? 'true' : refused.has(id) ? 'false' : 'unknown'
          counted[verdict] += 1
          expect(verdict, `${name} #${at} ${JSON.stringify({ condition, facts, row })}`).toBe(truth)
        }
      }
    }
    expect(Math.min(counted.true, counted.false, counted.unknown)).toBeGreaterThan(1_000)
    expect(counted.depends).toBe(0)
  })

  test(`${policies} random conditions as policies: row-level security disagrees on none`, async () => {
    const random = seeded(11)
    for (let at = 0; at < policies; at += 1) {
      const condition = randomCondition(random)
      const facts = randomFacts(random)
      const text = toRowSecurity(sample, condition)
      await opened.owner.query('drop policy if exists fixture_rule on public.samples')
      await opened.owner.query(`create policy fixture_rule on public.samples as restrictive for select using (${text})`)
      expect(await listed(always, facts), `${name} #${at} ${JSON.stringify({ condition, facts })}`).toEqual(
        inMemory(condition, facts),
      )
    }
    await opened.owner.query('drop policy fixture_rule on public.samples')
  })
})

function idOf(at: number): string {
  return `0190d000-0000-7000-8000-${String(at).padStart(12, '0')}`
}

function randomRow(sample: ResourceInfo, random: Random): Map<ReturnType<typeof fieldOf>, string | null> {
  const row = new Map<ReturnType<typeof fieldOf>, string | null>()
  for (const [key, values] of Object.entries(storedValues)) {
    const field = fieldOf(sample, key)
    if (key === 'ownerUserId') continue
    if (field.notNull) row.set(field, random.pick(values))
    else row.set(field, random.below(4) === 0 ? null : random.pick(values))
  }
  return row
}
