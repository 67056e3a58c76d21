import { text } from 'drizzle-orm/pg-core'
import { expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import type { Context } from '../resource/context.ts'
import { defineResource } from '../resource/define-resource.ts'
import { resourceTable } from '../table/resource-table.ts'
import type { AnyResourceTable, Draft, Row } from '../table/types.ts'
import { templateColumns, templated } from './columns.ts'
import type { ParamsOf } from './facts.ts'

const params = z.object({
  timeout: z.int().default(10),
  words: z.array(z.string()).optional(),
  expect: z.object({ status: z.int().default(200) }).optional(),
})
type Params = z.output<typeof params>
const templates = resourceTable('templates', {
  name: text().notNull(),
  ...templateColumns<Params>((): AnyResourceTable => templates),
})
const rows = resourceTable('rows', { name: text().notNull(), ...templated<Params>(() => templates) })
const loose = resourceTable('loose', { ...templated(() => templates) })

declare const ctx: Context
declare const row: Row<typeof rows>

test('what params resolve to is known from the table', () => {
  expectTypeOf<ParamsOf<typeof rows>>().toEqualTypeOf<Params>()
  expectTypeOf<ParamsOf<typeof loose>>().toEqualTypeOf<Record<string, unknown>>()
  expectTypeOf<ParamsOf<typeof templates>>().toBeNever()
  expectTypeOf(ctx.resolve(rows, row)).resolves.toEqualTypeOf<Params>()
  expectTypeOf(row.inheritance).toEqualTypeOf<'live' | 'pinned'>()
})

test('overrides are any part of them, with null for "take it away"', () => {
  expectTypeOf<{ name: string; params: { timeout: null; expect: { status: number } } }>().toExtend<Draft<typeof rows>>()
  expectTypeOf<{ name: string; params: { timeout: string } }>().not.toExtend<Draft<typeof rows>>()
  void ctx.clone(rows, { shared: 'web' }, { name: 'x', params: { words: ['a'] } })
  // @ts-expect-error a draft needs its name
  void ctx.clone(rows, 'id', { params: {} })
})

test('the schema is that of the table', () => {
  defineResource({ table: rows, template: { params, shared: { web: { name: 'Web', defaults: { timeout: 1 } } } } })
  // @ts-expect-error another schema than the table speaks of
  defineResource({ table: rows, template: { params: z.object({ timeout: z.string() }) } })
  // @ts-expect-error what a shared template says passes the schema
  defineResource({ table: rows, template: { params, shared: { web: { name: 'Web', defaults: { timeout: 'x' } } } } })
  // @ts-expect-error the table has no params
  defineResource({ table: templates, template: { params } })
})
