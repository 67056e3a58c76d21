import { integer, text } from 'drizzle-orm/pg-core'
import { expect, test } from 'vitest'
import { PlinthError } from '../errors/plinth-error.ts'
import type { StartupFault } from '../errors/startup-error.ts'
import { inputSchemas } from '../input/schemas.ts'
import { validateDraft } from '../input/validate.ts'
import { readDeclaration } from '../platform/read-declaration.ts'
import { resourceTable } from '../table/resource-table.ts'
import type { AnyResourceTable } from '../table/types.ts'
import { defineResource, type Resource } from './define-resource.ts'
import { visibleFields, writableFields, type ResourceInfo } from './resource-info.ts'

const monitors = resourceTable('monitors', {
  name: text().notNull(),
  checks: integer().notNull().default(0),
  lastStatus: text({ enum: ['up', 'down'] }),
})
const described = (resource: Resource, faults: StartupFault[] = []): ResourceInfo =>
  readDeclaration([resource], [], faults).resources[0]!
const monitor = described(
  defineResource({ table: monitors, fields: { checks: { readOnly: true }, lastStatus: { readOnly: true } } }),
)
const keys = (fields: readonly { readonly key: string }[]): readonly string[] => fields.map((field) => field.key)

test('the outside reads a read-only field and has no way to write it', () => {
  expect(keys(visibleFields(monitor))).toEqual(expect.arrayContaining(['checks', 'lastStatus']))
  expect(keys(writableFields(monitor))).toEqual(['name'])
  const { whole, part, replacement } = inputSchemas(monitor)
  for (const schema of [whole, part, replacement]) {
    expect(schema.parse({ name: 'Home', checks: 7, lastStatus: 'up' })).toEqual({ name: 'Home' })
  }
})

test('code writes it, under the same schema', () => {
  const written = (draft: object): unknown => {
    const values = validateDraft(monitor, inputSchemas(monitor).part, draft as Record<string, unknown>)
    return Object.fromEntries([...values].map(([field, value]) => [field.key, value]))
  }
  expect(written({ name: 'Home', checks: 7, lastStatus: 'up' })).toEqual({
    name: 'Home',
    checks: '7',
    lastStatus: 'up',
  })
  expect(written({ lastStatus: null })).toEqual({ lastStatus: null })
  const faultsOf = (draft: object): unknown => {
    try {
      return written(draft)
    } catch (error) {
      return PlinthError.is(error) ? error.errors?.map(({ path, code }) => `${path} ${code}`) : error
    }
  }
  expect(faultsOf({ lastStatus: 'sideways' })).toEqual(['/lastStatus invalid_value'])
  expect(faultsOf({ checks: null })).toEqual(['/checks not_nullable'])
})

test('a declaration that nobody could satisfy is a fault at start', () => {
  const faultsOf = (table: AnyResourceTable, rest: object): readonly string[] => {
    const faults: StartupFault[] = []
    described({ ...defineResource({ table }), ...rest }, faults)
    return faults.map((fault) => `${fault.path}: ${fault.problem}`)
  }
  const lines = resourceTable('lines', { text: text().notNull() })
  const fields = { text: { readOnly: true } }
  expect(faultsOf(lines, { fields })).toEqual([
    'resource line.fields.text: nobody outside can give a read-only field, and it is NOT NULL without default',
  ])
  expect(faultsOf(lines, { fields, operations: { create: false } })).toEqual([])
  expect(faultsOf(monitors, { fields: { lastStatus: { readOnly: true, secret: true } } })).toEqual([
    expect.stringContaining('cannot be hidden, secret or immutable'),
  ])
})
