import { defineResource, deletedAt, resourceTable, type AnyResourceTable, type Registry } from '@plinth/core'
import { readDeclaration } from '@plinth/core'
import { sql } from 'drizzle-orm'
import { boolean, index, integer, text, unique, uniqueIndex } from 'drizzle-orm/pg-core'
import { expect, test } from 'vitest'
import { missingIndexes } from './missing-indexes.ts'
import { verifyTables } from './verify-tables.ts'

const registryOf = (...resources: Parameters<typeof readDeclaration>[0][number][]): Registry =>
  readDeclaration(resources, [], [])
const faultsOf = (table: AnyResourceTable): readonly string[] =>
  verifyTables(registryOf(defineResource({ table }))).map((fault) => `${fault.path}: ${fault.fix}`)

test('an index begins with the tenant', () => {
  const table = resourceTable('leads', { name: text(), words: text() }, (own) => [
    index('leads_name_idx').on(own.name),
    index('leads_late_idx').on(own.name, own.tenantId),
    uniqueIndex('leads_late_key').on(own.name, own.tenantId),
    index('leads_lower_idx').on(sql`lower(${own.name})`),
    index('leads_fine_idx').on(own.tenantId, own.name),
    index('leads_words_idx').using('gin', sql`${own.words} gin_trgm_ops`),
  ])
  expect(faultsOf(table)).toEqual([
    "resource lead index leads_name_idx: index('leads_name_idx').on(table.tenantId, table.name)",
    "resource lead index leads_late_idx: index('leads_late_idx').on(table.tenantId, table.name)",
    "resource lead index leads_late_key: uniqueIndex('leads_late_key').on(table.tenantId, table.name)",
    "resource lead index leads_lower_idx: index('leads_lower_idx').on(table.tenantId, sql`…`)",
  ])
})

test('unique keys of a soft-deleted table leave deleted rows out', () => {
  const table = resourceTable('leads', { name: text(), code: text(), slug: text(), deletedAt: deletedAt() }, (own) => [
    unique('leads_name_key').on(own.tenantId, own.name),
    uniqueIndex('leads_code_key').on(own.tenantId, own.code),
    uniqueIndex('leads_slug_key')
      .on(own.tenantId, own.slug)
      .where(sql`deleted_at is null`),
    uniqueIndex('leads_low_key')
      .on(own.tenantId, sql`lower(${own.slug})`)
      .where(sql`${own.deletedAt} is null and true`),
  ])
  expect(faultsOf(table)).toEqual([
    "resource lead unique leads_name_key: uniqueIndex('leads_name_key').on(table.tenantId, table.name).where(sql`deleted_at is null`)",
    "resource lead unique leads_code_key: uniqueIndex('leads_code_key').on(table.tenantId, table.code).where(sql`deleted_at is null`)",
  ])
})

test('filters and sorts without an index are found, with the line to write', () => {
  const leads = resourceTable(
    'leads',
    {
      name: text(),
      code: text(),
      slug: text(),
      open: boolean(),
      rank: integer(),
      note: text(),
      deletedAt: deletedAt(),
    },
    (own) => [
      uniqueIndex('leads_code_key')
        .on(own.tenantId, own.code)
        .where(sql`deleted_at is null`),
      index('leads_slug_idx')
        .on(own.tenantId, own.slug)
        .where(sql`open`),
      index('leads_name_idx').on(own.tenantId, own.rank, own.name),
    ],
  )
  const facts = { filter: true, sort: true } as const
  const registry = registryOf(
    defineResource({
      table: leads,
      fields: { name: facts, code: facts, slug: { filter: true }, open: { filter: true }, rank: { sort: true } },
    }),
  )
  expect(missingIndexes(registry)).toEqual([
    {
      resource: 'lead',
      table: 'leads',
      field: 'name',
      uses: ['filter', 'sort'],
      line: "index('leads_name_idx').on(table.tenantId, table.name, table.id)",
    },
    expect.objectContaining({ field: 'slug', line: "index('leads_slug_idx').on(table.tenantId, table.slug)" }),
    expect.objectContaining({ field: 'open', uses: ['filter'] }),
  ])
})
