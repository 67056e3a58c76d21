import { integer, jsonb, text, timestamp } from 'drizzle-orm/pg-core'
import { expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { belongsTo } from '../table/belongs-to.ts'
import { resourceTable } from '../table/resource-table.ts'
import type { Draft, Row } from '../table/types.ts'
import type { Context } from './context.ts'
import { defineResource } from './define-resource.ts'

const sites = resourceTable('sites', { name: text().notNull() })
const projects = resourceTable('projects', {
  name: text().notNull(),
  status: text({ enum: ['draft', 'live', 'archived'] })
    .notNull()
    .default('draft'),
  contactEmail: text(),
  budget: integer(),
  startsAt: timestamp({ withTimezone: true }),
  options: jsonb().$type<{ theme: string }>(),
  siteId: belongsTo(() => sites, { onDelete: 'restrict' }),
})

test('a row has the platform columns and its own, with their types', () => {
  type Project = Row<typeof projects>
  expectTypeOf<Project['tenantId']>().toEqualTypeOf<string>()
  expectTypeOf<Project['status']>().toEqualTypeOf<'draft' | 'live' | 'archived'>()
  expectTypeOf<Project['contactEmail']>().toEqualTypeOf<string | null>()
  expectTypeOf<Project['startsAt']>().toEqualTypeOf<Date | null>()
  expectTypeOf<Project['options']>().toEqualTypeOf<{ theme: string } | null>()
  expectTypeOf<Project['siteId']>().toEqualTypeOf<string | null>()
  // Pins "not any": with any, every other assertion here would pass.
  expectTypeOf<Project>().not.toBeAny()
})

test('a draft needs what is NOT NULL without default, and of the platform only the group that owns the row', () => {
  expectTypeOf<{ name: string }>().toExtend<Draft<typeof projects>>()
  expectTypeOf<{ status: 'live' }>().not.toExtend<Draft<typeof projects>>()
  expectTypeOf<keyof Draft<typeof projects>>().toEqualTypeOf<
    'name' | 'status' | 'contactEmail' | 'budget' | 'startsAt' | 'options' | 'siteId' | 'ownerGroupId'
  >()
})

test('the constant may be used in its own initialiser, and input reaches run typed', () => {
  const project = defineResource({
    table: projects,
    fields: {
      name: { schema: (name) => name.min(2).max(120), search: true, sort: true },
      status: { filter: true, schema: (status) => status.exclude(['draft']) },
      budget: { schema: (budget) => budget.int().positive() },
      contactEmail: { personal: 'email' },
    },
    actions: {
      archive: {
        input: z.object({ reason: z.string() }),
        run: (ctx, row, input) => {
          expectTypeOf(ctx).toEqualTypeOf<Context>()
          expectTypeOf(row.status).toEqualTypeOf<'draft' | 'live' | 'archived'>()
          expectTypeOf(input).toEqualTypeOf<{ reason: string }>()
          return ctx.update(projects, row.id, { status: 'archived' })
        },
      },
      plain: {
        run: (_ctx, _row, input) => {
          expectTypeOf(input).toEqualTypeOf<undefined>()
        },
      },
      probe: {
        outside: probe,
        run: (ctx, row, result) => {
          expectTypeOf(result).toEqualTypeOf<{ milliseconds: number }>()
          return ctx.update(projects, row.id, { budget: result.milliseconds })
        },
      },
    },
  })
  expectTypeOf(project).not.toBeAny()
})

function probe(row: Row<typeof projects>, _input: undefined, _signal: AbortSignal): Promise<{ milliseconds: number }> {
  return Promise.resolve({ milliseconds: row.name.length })
}

test('mistakes are refused where they stand', () => {
  // @ts-expect-error a platform column cannot be declared again
  resourceTable('bad', { tenantId: text() })
  defineResource({
    table: projects,
    // @ts-expect-error there is no such column
    fields: { nmae: { search: true } },
  })
  defineResource({
    table: projects,
    // @ts-expect-error there is no such fact
    fields: { name: { serach: true } },
  })
  defineResource({
    table: projects,
    // @ts-expect-error text has no minimum
    fields: { name: { schema: (name) => name.minimum(2) } },
  })
  defineResource({
    table: projects,
    // @ts-expect-error facts of a platform column are settled
    fields: { tenantId: { hidden: true } },
  })
  defineResource({
    table: projects,
    actions: {
      archive: {
        // @ts-expect-error no such status
        run: (ctx, row) => ctx.update(projects, row.id, { status: 'gone' }),
      },
    },
  })
  defineResource({
    table: projects,
    actions: {
      // @ts-expect-error no schema
      archive: { input: { reason: 'text' }, run: () => undefined },
    },
  })
  defineResource({
    table: projects,
    actions: {
      // @ts-expect-error no schema
      score: { output: 5, run: () => undefined },
    },
  })
})

test('hooks are typed by the table', () => {
  defineResource({
    table: projects,
    hooks: {
      beforeCreate: (_ctx, draft) => {
        expectTypeOf(draft.name).toEqualTypeOf<string>()
        return { ...draft, name: draft.name.trim() }
      },
      beforeUpdate: (_ctx, row, patch) => {
        expectTypeOf(row.name).toEqualTypeOf<string>()
        expectTypeOf(patch.name).toEqualTypeOf<string | undefined>()
      },
      afterCreate: (ctx, row) => ctx.update(projects, row.id, { name: row.name }),
    },
  })
  defineResource({
    table: projects,
    // @ts-expect-error not a draft of this table
    hooks: { beforeCreate: () => ({ name: 1 }) },
  })
})
