import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import {
  always,
  entriesFor,
  explainFor,
  factIs,
  fieldOf,
  holds,
  listed,
  not,
  settledBy,
  withFacts,
  type AclEntry,
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
const otherTenantId = '0190a000-0000-7000-8000-00000000000b'
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
  let entries: readonly AclEntry[]
  const entriesOf = (row: RawRow): readonly AclEntry[] => entries.filter(({ recordId }) => recordId === row['id'])

  beforeAll(async () => {
    opened = await open()
    // Two settings more, for the policies that read facts.
    attached = attach(opened.drivers, [], { policyFacts: true })
    sample = attached.resource(samples)
    const random = seeded(20_261_121)
    const session = attached.database.session(scopeOf(tenantId))
    for (let at = 0; at < ROWS; at += 1)
      await session.create({ resource: sample, id: idOf(at), ownerUserId: null, values: randomRow(sample, random) })
    entries = await storeEntries(opened)
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

  const inMemory = (condition: Condition, facts: Facts): string[] => {
    const settled = settledBy(condition, entries)
    return rows
      .filter(
        (row) =>
          holds(
            settled,
            { value: (field) => row[field], kind: (field) => fieldOf(sample, field).kind.compares },
            facts,
          ) === true,
      )
      .map((row) => String(row['id']))
  }

  const inSql = async (condition: Condition, facts: Facts): Promise<string[]> => {
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

  test('what memory is told of the ACL is what is stored of this tenant', async () => {
    const told = await entriesFor(
      attached.database.session(scopeOf(tenantId)),
      [listed('allow', 'sample', 'read', subjectsOfAcl), listed('deny', 'note', 'read', [])],
      rows.map(({ id }) => id ?? null),
    )
    expect(told).toEqual(entries)
    expect(() => inMemoryUnsettled()).toThrow('settle the condition')
    expect(() => toRowSecurity(sample, randomListed(seeded(1)))).toThrow('cannot ask the ACL')
    expect(() => toRowSecurity(sample, factIs('tenantPlan', 'eq', 'pro'))).toThrow('no other fact')
  })
  const inMemoryUnsettled = (): unknown =>
    holds(
      listed('allow', 'sample', 'read', []),
      { value: () => null, kind: () => 'text' },
      {
        principalId: null,
        userId: null,
        groupIds: [],
      },
    )

  test(`${conditions} random conditions over ${ROWS} rows: memory and SQL disagree on none`, async () => {
    expect(rows).toHaveLength(ROWS)
    const random = seeded(7)
    let admitted = 0
    for (let at = 0; at < conditions; at += 1) {
      const condition = randomCondition(random, 3, randomOther)
      const facts = { ...randomFacts(random), ...randomCircumstances(random) }
      const expected = inMemory(condition, facts)
      // What is decided of facts beforehand changes nothing.
      expect(inMemory(withFacts(condition, facts), facts)).toEqual(expected)
      admitted += expected.length
      const actual = await inSql(condition, facts).catch((error: unknown) => {
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
      const facts = { ...randomFacts(random), ...randomCircumstances(random) }
      for (const condition of parts(randomCondition(random, 3, randomOther))) {
        const admitted = new Set(await inSql(condition, facts))
        const refused = new Set(await inSql(not(condition), facts))
        for (const row of rows) {
          const { verdict } = explainFor(sample, condition, facts, row, entriesOf(row))
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
      expect(await inSql(always, facts), `${name} #${at} ${JSON.stringify({ condition, facts })}`).toEqual(
        inMemory(condition, facts),
      )
    }
    await opened.owner.query('drop policy fixture_rule on public.samples')
  })
})

const subjectsOfAcl = ['user:ann', 'user:bob', 'group:g', 'role:editor', 'role:"{,}\\\\']

/** What the ACL is asked: now and then about what nobody said. */
function randomListed(random: Random): Condition {
  return listed(
    random.pick(['allow', 'deny'] as const),
    random.pick(['sample', 'sample', 'sample', 'note']),
    random.pick(['read', 'update', 'share']),
    subjectsOfAcl.filter(() => random.below(2) === 0),
  )
}

const plans = ['free', 'pro', 'Pro', 'ä', '']

function randomOther(random: Random): Condition {
  if (random.below(2) === 0) return randomListed(random)
  const fact = random.pick(['tenantPlan', 'role', 'group', 'secondFactor', 'userId', 'tenantTier'] as const)
  const value =
    random.below(9) === 0 ? null : fact === 'secondFactor' ? random.below(2) === 0 : random.pick([...plans, 'a'])
  return factIs(fact, random.pick(['eq', 'ne', 'lt', 'gte'] as const), value)
}

/** Now and then nothing is known. */
function randomCircumstances(random: Random): Pick<Facts, 'circumstances'> {
  if (random.below(8) === 0) return {}
  return {
    circumstances: {
      principalKind: 'user',
      roles: plans.filter(() => random.below(3) === 0),
      credential: null,
      secondFactor: random.pick([true, false, null]),
      tenantId,
      tenantSlug: 'acl-a',
      tenantStatus: 'active',
      tenantPlan: random.pick([...plans, null]),
      tenantTier: null,
    },
  }
}

/** Entries of this tenant, as they are then told; of another tenant the same ones turned round, and more. */
async function storeEntries(opened: Opened): Promise<readonly AclEntry[]> {
  const random = seeded(99)
  const made: AclEntry[] = []
  const store = async (tenant: string, { id, model, action, recordId, subject, effect }: AclEntry): Promise<void> => {
    const [kind, ...rest] = subject.split(':')
    await opened.owner.query(
      `insert into plinth.acl_entries (tenant_id, id, model, action, record_id, subject_kind, subject_id, effect)
       values ($1::uuid, $2::uuid, $3, $4, $5, $6, $7, $8) on conflict do nothing`,
      [tenant, id, model, action, recordId, kind!, rest.join(':'), effect],
    )
  }
  for (const [tenant, name] of [
    [tenantId, 'acl-a'],
    [otherTenantId, 'acl-b'],
  ] as const)
    await opened.owner.query(`insert into plinth.tenants (id, slug, name) values ($1::uuid, $2, $2)`, [tenant, name])
  for (let at = 0; at < 400; at += 1) {
    const entry: AclEntry = {
      id: `0190e000-0000-7000-8000-${String(at).padStart(12, '0')}`,
      model: random.pick(['sample', 'sample', 'note']),
      action: random.pick(['read', 'update', '*']),
      recordId: random.below(12) === 0 ? null : idOf(random.below(ROWS)),
      subject: random.pick(subjectsOfAcl),
      effect: random.pick(['allow', 'deny'] as const),
    }
    const foreign = random.below(2) === 0
    await store(foreign ? otherTenantId : tenantId, entry)
    if (!foreign && entry.recordId !== null) made.push(entry)
  }
  const key = (entry: AclEntry): string => JSON.stringify({ ...entry, id: '' })
  return made.filter((entry, at) => made.findIndex((one) => key(one) === key(entry)) === at)
}

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
