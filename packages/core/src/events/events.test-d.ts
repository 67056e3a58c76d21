import { integer, jsonb, text, timestamp } from 'drizzle-orm/pg-core'
import { expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import type { Context } from '../resource/context.ts'
import { defineResource } from '../resource/define-resource.ts'
import { resourceTable } from '../table/resource-table.ts'
import { on } from './event-handler.ts'
import { eventOf, everyEvent } from './event-source.ts'
import { defineEvent } from './event-type.ts'

const sites = resourceTable('sites', {
  name: text().notNull(),
  checks: integer(),
  checkedAt: timestamp({ withTimezone: true }),
  options: jsonb().$type<{ theme: string }>(),
})
const site = defineResource({
  table: sites,
  actions: {
    archive: { run: (ctx, row) => ctx.update(sites, row.id, {}) },
    rename: { input: z.object({ name: z.string() }), run: (ctx, row, { name }) => ctx.update(sites, row.id, { name }) },
  },
})
const invoicePaid = defineEvent('invoice.paid', { schema: z.object({ amount: z.int(), at: z.iso.datetime() }) })

test('a handler of a resource gets its row as JSON; what may be absent is so by type', () => {
  on(eventOf(site, 'created'), 'greet', async (ctx, { data, ...event }) => {
    expectTypeOf(ctx).toEqualTypeOf<Context>()
    expectTypeOf(data).not.toBeAny()
    expectTypeOf(data.id).toEqualTypeOf<string>()
    expectTypeOf(data.name).toEqualTypeOf<string | undefined>()
    expectTypeOf(data.checks).toEqualTypeOf<number | null | undefined>()
    expectTypeOf(data.checkedAt).toEqualTypeOf<string | null | undefined>()
    expectTypeOf(data.options).toEqualTypeOf<{ theme: string } | null | undefined>()
    expectTypeOf(event.time).toEqualTypeOf<Date>()
    // @ts-expect-error the tenant is ctx.tenant
    void data.tenantId
    await ctx.read(sites, data.id)
  })
})

test('a table stands for its resource', () => {
  on(eventOf(sites, 'deleted'), 'mourn', (_, { data }) => {
    expectTypeOf(data.name).toEqualTypeOf<string | undefined>()
    return Promise.resolve()
  })
})

test('an action is heard by its name, and a name that there is not does not compile', () => {
  eventOf(site, 'archive')
  eventOf(site, 'rename')
  eventOf(site)
  eventOf(sites, 'created')
  // @ts-expect-error a table knows no actions
  eventOf(sites, 'archive')
  // @ts-expect-error it is called archive
  eventOf(site, 'arhcive')
})

test('a declared event is typed by its schema, where it is heard and where it is emitted', () => {
  on(invoicePaid, 'book', async (ctx, { data }) => {
    expectTypeOf(data).toEqualTypeOf<{ amount: number; at: string }>()
    await ctx.emit(invoicePaid, 'invoice:1', { amount: data.amount, at: data.at })
    // @ts-expect-error amount is missing
    await ctx.emit(invoicePaid, 'invoice:1', { at: data.at })
  })
})

test('of every event nothing is known', () => {
  on(everyEvent, 'mirror', (_, { data }) => {
    expectTypeOf(data).toEqualTypeOf<unknown>()
    return Promise.resolve()
  })
})
