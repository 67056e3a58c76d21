import { holds, type Condition, type Facts } from '@plinth/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { settledBy } from '../../packages/core/src/condition/settle-listed.ts'
import { drawn, entriesOf, numbers, type Names } from './drawn.ts'
import { may, type Row } from './oracle.ts'
import { GROUPS, PEOPLE, ROWS, worlds } from './worlds.ts'

const WORLDS = 10_000
const called = (kind: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, at) => `${kind}-${at}`)
const names: Names = { people: called('person', PEOPLE), groups: called('group', GROUPS), rows: called('row', ROWS) }

test(`${WORLDS} random sets of roles, lists, policies and fields: the decision in memory is the oracle's`, () => {
  let [asked, admitted] = [0, 0]
  fc.assert(
    fc.property(worlds(), (world) => {
      const entries = entriesOf(world, names)
      world.people.forEach((_, person) => {
        const { decisions, facts } = drawn(world, person, names)
        numbers.names.forEach((name, number) => {
          const [model = '', action = ''] = name.split(':')
          const condition = settledBy(decisions.condition(number), entries)
          world.rows.forEach((row, at) => {
            const expected = may(world, person, model, action, at)
            asked += 1
            admitted += expected ? 1 : 0
            const found = holdsOf(condition, row, at, facts)
            if (found !== expected) expect.fail(`${name}, person ${person}, row ${at}: ${found}, not ${expected}`)
          })
        })
      })
    }),
    { numRuns: WORLDS, seed: 20_261_128 },
  )
  // Were nearly all of them refused or admitted, agreeing would say little.
  expect(admitted / asked).toBeGreaterThan(0.1)
  expect(admitted / asked).toBeLessThan(0.9)
}, 120_000)

function holdsOf(condition: Condition, row: Row, at: number, facts: Facts): boolean {
  const values: Readonly<Record<string, unknown>> = {
    id: names.rows[at],
    ownerUserId: row.owner === null ? null : names.people[row.owner],
    ownerGroupId: row.group === null ? null : names.groups[row.group],
    status: row.status,
    amount: row.amount,
  }
  const kind = (field: string) => (field === 'amount' ? ('number' as const) : ('text' as const))
  return holds(condition, { value: (field) => values[field] ?? null, kind }, facts) === true
}
