import { sql } from 'drizzle-orm'
import {
  bigint,
  foreignKey,
  index,
  integer,
  pgSchema,
  pgTable,
  primaryKey,
  text,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import { belongsTo, drizzleTable, resourceTable, type AnyResourceTable, type Feature } from '@plinth/core'
import { expect, test } from 'vitest'
import { registryOf } from '../../tests/migration-fixture.ts'
import { verifyTables } from './verify-tables.ts'

const sites = resourceTable('sites', { name: text().notNull() })
const siteColumns = drizzleTable(sites) as unknown as { readonly tenantId: never; readonly id: never }
const verify = (table: AnyResourceTable, features: readonly Feature[] = []) =>
  verifyTables(registryOf([sites, table], features))

test('what resourceTable makes is right', () => {
  const projects: AnyResourceTable = resourceTable(
    'projects',
    { name: text(), siteId: belongsTo(() => sites), parentId: belongsTo((): AnyResourceTable => projects) },
    (table) => [
      unique().on(table.tenantId, table.name),
      uniqueIndex('projects_lower_key').on(table.tenantId, sql`lower(${table.name})`),
      index().on(table.tenantId, table.name),
    ],
  )
  expect(verify(projects)).toEqual([])
})

test('.unique() over all tenants gets the line to write', () => {
  expect(verify(resourceTable('projects', { contactEmail: text().unique() }))).toEqual([
    {
      path: 'resource project.fields.contactEmail',
      problem: '.unique() is unique over all tenants: a refused value tells that another tenant has it',
      fix: "resourceTable('projects', { … }, (table) => [unique().on(table.tenantId, table.contactEmail)])",
    },
  ])
})

test('unique keys and indexes hold tenant_id, expressions too', () => {
  const table = resourceTable('projects', { name: text(), code: text() }, (own) => [
    unique('projects_name_key').on(own.name),
    uniqueIndex('projects_code_key').on(sql`lower(${own.code})`),
    uniqueIndex('projects_fine_key').on(own.tenantId, own.name),
  ])
  expect(verify(table).map(({ path, fix }) => [path, fix])).toEqual([
    ['resource project unique projects_name_key', '.on(table.tenantId, table.name)'],
    ['resource project unique projects_code_key', '.on(table.tenantId, sql`…`)'],
  ])
})

test('.primaryKey() and a second key are refused', () => {
  const faults = verify(
    resourceTable('projects', { code: text().primaryKey() }, (table) => [
      primaryKey({ columns: [table.tenantId, table.code] }),
    ]),
  )
  expect(faults.map((fault) => fault.fix)).toEqual(
    expect.arrayContaining(['drop .primaryKey()', 'drop primaryKey() from the third argument']),
  )
})

test('.references() to a tenant table gets the line to write, to a global table it may stay', () => {
  const countries = pgTable('countries', { code: text('code').primaryKey() })
  const users = pgSchema('plinth').table('users', { id: uuid('id').primaryKey() })
  const faults = verify(
    resourceTable('projects', {
      siteId: uuid().references(() => siteColumns.id),
      country: text().references(() => countries.code),
      userId: uuid().references(() => users.id),
    }),
  )
  expect(faults).toEqual([
    {
      path: 'resource project.fields.siteId',
      problem:
        '.references() to sites reaches into every tenant, for foreign keys are not subject to row-level security',
      fix: 'siteId: belongsTo(() => sites)',
    },
  ])
})

test('a composite key must pair the tenants, and set null would null the tenant', () => {
  const crossed = resourceTable('projects', { siteId: uuid(), other: uuid() }, (table) => [
    foreignKey({
      name: 'crossed_fk',
      columns: [table.other, table.siteId],
      foreignColumns: [siteColumns.tenantId, siteColumns.id],
    }),
  ])
  expect(verify(crossed).map((fault) => fault.fix)).toEqual(['other: belongsTo(() => sites)'])
  const nulled = resourceTable('projects', { siteId: uuid() }, (table) => [
    foreignKey({
      name: 'nulled_fk',
      columns: [table.tenantId, table.siteId],
      foreignColumns: [siteColumns.tenantId, siteColumns.id],
    }).onDelete('set null'),
  ])
  expect(verify(nulled)).toEqual([
    expect.objectContaining({
      problem: expect.stringContaining('23502') as string,
      fix: "siteId: belongsTo(() => sites, { onDelete: 'cascade' })",
    }),
  ])
})

test('names that PostgreSQL would cut or that are taken', () => {
  const long = 'a_table_name_that_is_far_too_long_for_postgresql_which_cuts_at_63_bytes'
  const problems = verify(resourceTable(long, { name: text() })).map((fault) => fault.problem)
  expect(problems).toEqual(
    expect.arrayContaining([
      expect.stringContaining(`table ${long} has more than 63 bytes`),
      expect.stringContaining('has the name of'),
    ]),
  )
  // Letters of two bytes.
  expect(verify(resourceTable('projects', { name: text('ä'.repeat(32)) })).map((fault) => fault.problem)).toEqual([
    expect.stringContaining('more than 63 bytes'),
  ])
  expect(
    verify(
      resourceTable('projects', { name: text() }, (table) => [index('sites_pk').on(table.tenantId, table.name)]),
    ).map((fault) => fault.problem),
  ).toEqual(['key sites_pk has the name of index of projects'])
})

test('an index over an expression needs a name', () => {
  expect(
    verify(
      resourceTable('projects', { name: text() }, (table) => [index().on(table.tenantId, sql`lower(${table.name})`)]),
    ).map((fault) => fault.problem),
  ).toEqual(['an index over an expression needs a name'])
})

test('identity columns are fine', () => {
  expect(
    verify(
      resourceTable('projects', {
        number: integer().generatedAlwaysAsIdentity(),
        other: bigint({ mode: 'bigint' }).generatedByDefaultAsIdentity(),
      }),
    ),
  ).toEqual([])
})

test('tables of features lie in plinth and have a tenant', () => {
  const faults = verify(resourceTable('projects', {}), [
    {
      name: 'log',
      tables: [
        pgTable('log', { id: uuid('id') }),
        pgSchema('plinth').table('fine', { tenantId: uuid('tenant_id').notNull() }),
      ],
    },
    { name: 'platform' },
  ])
  expect(faults.map(({ path, problem }) => `${path}: ${problem}`)).toEqual([
    'feature log.tables log: lies in schema public',
    'feature log.tables log: has no tenant column',
    'feature platform: has the name under which the platform keeps its own migrations',
  ])
})
