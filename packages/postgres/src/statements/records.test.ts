import { bigint, integer, jsonb, numeric, pgSchema, smallint, text, uuid, varchar } from 'drizzle-orm/pg-core'
import { defineResource, readDeclaration, resourceTable, type Feature, type StartupFault } from '@plinth/core'
import { expect, test } from 'vitest'
import { compileRecords } from './records.ts'

const columns = {
  uuid: uuid(),
  text: text(),
  short: varchar({ length: 40 }),
  small: smallint(),
  whole: integer(),
  big: bigint({ mode: 'number' }),
  huge: bigint({ mode: 'bigint' }),
  amount: numeric(),
  json: jsonb(),
}
const log = pgSchema('plinth').table('row_log', columns)

const tables = {
  uuid: resourceTable('sites', { name: text() }),
  text: resourceTable('plans', { id: text() }),
  integer: resourceTable('orders', { id: integer().generatedAlwaysAsIdentity() }),
  bigint: resourceTable('readings', { id: bigint({ mode: 'bigint' }).generatedAlwaysAsIdentity() }),
}

function faultsOf(table: keyof typeof tables, column: string): readonly StartupFault[] {
  const feature: Feature = {
    name: 'log',
    record: (write) => [{ table: log, values: { [column]: write.id } }],
  }
  const faults: StartupFault[] = []
  const registry = readDeclaration([defineResource({ table: tables[table] })], [feature], faults)
  expect(faults).toEqual([])
  compileRecords(registry, false, faults)
  return faults
}

test.each([
  ['uuid', ['uuid', 'text', 'short']],
  ['text', ['text', 'short']],
  ['integer', ['text', 'short', 'whole', 'big', 'huge', 'amount']],
  ['bigint', ['text', 'short', 'big', 'huge', 'amount']],
] as const)('an id that is %s is recorded in %j and nothing else', (table, fitting) => {
  const accepted = Object.keys(columns).filter((column) => faultsOf(table, column).length === 0)
  expect(accepted).toEqual(fitting)
})

test('the fault says whose id, which column and what to do, once', () => {
  expect(faultsOf('text', 'uuid')).toEqual([
    {
      path: 'feature log.record',
      problem: 'writes the id of a plan, which is text, into row_log.uuid, which is uuid',
      fix: "make row_log.uuid a text, or record nothing where write.resource is 'plan'",
    },
  ])
})
