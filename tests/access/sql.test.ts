import { fieldOf, type Condition, type ResourceInfo, type Scope } from '@plinth/core'
import { testPlatform, type TestPlatform } from '@plinth/testing'
import fc from 'fast-check'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { drawn, numbers, type Names } from './drawn.ts'
import { may, type World } from './oracle.ts'
import { fixedRows, insertRows, paper } from './papers.ts'
import { GROUPS, PEOPLE, ROWS, worlds } from './worlds.ts'

const WORLDS = 2_000
const uuids = (count: number): readonly string[] => Array.from({ length: count }, () => randomUUID())
const names: Names = { people: uuids(PEOPLE), groups: uuids(GROUPS), rows: uuids(ROWS) }

let platform: TestPlatform
let resource: ResourceInfo
beforeAll(async () => {
  platform = await testPlatform({ resources: [paper] })
  resource = platform.plinth.registry.resources.find(({ name }) => name === 'paper')!
  const { superuser, a } = platform
  const rows = fixedRows.map((row, at) => ({
    ...row,
    id: names.rows[at]!,
    ownerId: row.owner === null ? null : names.people[row.owner]!,
    groupId: row.group === null ? null : names.groups[row.group]!,
  }))
  // The owner must be no row of another table here: nobody of these people exists.
  await insertRows(superuser, a.id, 'one', rows)
})
afterAll(() => platform.close())

test(`${WORLDS} random sets: a list and a read in SQL give the rows of the oracle`, async () => {
  let [asked, admitted] = [0, 0]
  const session = (facts: Scope['facts']) =>
    platform.database.session({
      tenantId: platform.a.id,
      actor: { kind: 'user', id: facts.userId! },
      facts,
      requestId: 'oracle',
      now: new Date(),
    })
  const listed = async (condition: Condition, facts: Scope['facts']): Promise<readonly string[]> => {
    const found = await session(facts).list({
      resource,
      where: condition,
      sort: [{ field: fieldOf(resource, 'id'), descending: false }],
      after: undefined,
      limit: ROWS + 1,
      offset: 0,
      fields: [fieldOf(resource, 'id')],
    })
    return found.map((row) => String(row['id'])).sort()
  }
  const world = worlds().map((one): World => ({ ...one, rows: fixedRows }))
  await fc.assert(
    fc.asyncProperty(world, fc.nat({ max: PEOPLE - 1 }), fc.nat(), async (set, person, turn) => {
      await enter(set)
      const { decisions, facts } = drawn(set, person, names)
      for (const number of [turn % numbers.names.length, (turn + 1) % numbers.names.length]) {
        const [model = '', action = ''] = numbers.names[number]!.split(':')
        const expected = names.rows.filter((_, place) => may(set, person, model, action, place)).toSorted()
        const condition = decisions.condition(number)
        const at = (turn >> 3) % ROWS
        const one = await session(facts).read({ resource, id: names.rows[at]!, visible: condition })
        expect(one !== undefined, `row ${at}, ${model}:${action}`).toBe(may(set, person, model, action, at))
        asked += ROWS
        admitted += expected.length
        expect(await listed(condition, facts), `${model}:${action}`).toEqual(expected)
      }
    }),
    { numRuns: WORLDS, seed: 20_261_128 },
  )
  expect(admitted / asked).toBeGreaterThan(0.1)
  expect(admitted / asked).toBeLessThan(0.9)
}, 120_000)

/** The entries of this world, and those of another tenant that say the contrary of everybody and everything. */
async function enter({ entries }: World): Promise<void> {
  const { superuser, a, b } = platform
  const values = entries.flatMap(({ model, action, row, subject, effect }) => {
    const [kind = '', which = ''] = subject.split(':')
    const id = kind === 'user' ? names.people[Number(which)] : kind === 'group' ? names.groups[Number(which)] : which
    const record = row === null ? 'null' : `'${names.rows[row]}'`
    const contrary = effect === 'allow' ? 'deny' : 'allow'
    return [`'${a.id}'|'${effect}'`, `'${b.id}'|'${contrary}'`].map((tenantAndEffect) => {
      const [tenant, said] = tenantAndEffect.split('|')
      return `(${tenant}, gen_random_uuid(), '${model}', '${action}', ${record}, '${kind}', '${id}', ${said})`
    })
  })
  await superuser.query('delete from plinth.acl_entries')
  if (values.length > 0)
    await superuser.query(
      `insert into plinth.acl_entries (tenant_id, id, model, action, record_id, subject_kind, subject_id, effect)
       values ${values.join(', ')} on conflict do nothing`,
    )
}
