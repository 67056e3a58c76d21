const ownColumns = `name: text().notNull(),
  status: text({ enum: ['draft', 'live', 'archived'] }).notNull().default('draft'),
  contactEmail: text(),
  priority: integer().notNull().default(0),
  weight: integer(),
  budget: numeric({ precision: 12, scale: 2 }),
  open: boolean().notNull().default(true),
  dueAt: timestamp({ withTimezone: true }),
  settings: jsonb().$type<{ colour: string; retries: number }>().notNull().default({ colour: 'blue', retries: 3 }),
  notes: text(),
  code: text().notNull(),`

/** One resource of twelve own columns of mixed kinds, a reference to the one before, and two actions. */
function resourceModule(at: number): string {
  const before = at === 0 ? undefined : at - 1
  return `import { boolean, integer, jsonb, numeric, text, timestamp } from 'drizzle-orm/pg-core'
import { z } from 'zod'
import { belongsTo, defineResource, resourceTable } from '@plinth/core'
${before === undefined ? '' : `import { things${before} } from './thing-${before}.ts'\n`}
export const things${at} = resourceTable('things_${at}', {
  ${ownColumns}
  ${before === undefined ? 'parentCode: text(),' : `parentId: belongsTo(() => things${before}),`}
})

export const thing${at} = defineResource({
  table: things${at},
  fields: {
    name: { schema: (name) => name.min(2).max(120), search: true, sort: true },
    status: { filter: true },
    contactEmail: { personal: 'email' },
    priority: { schema: (priority) => priority.min(0).max(9), filter: true, sort: true },
    notes: { schema: (notes) => notes.max(5_000) },
  },
  actions: {
    archive: {
      input: z.object({ reason: z.string().min(3) }),
      run: (ctx, row, input) => ctx.update(things${at}, row.id, { status: 'archived', notes: input.reason }),
    },
    score: {
      output: z.object({ score: z.number(), of: z.string() }),
      run: (_ctx, row) => ({ score: row.priority, of: row.name }),
    },
  },
})
`
}

/** Uses every resource through the mapped client, once each way, so that nothing stays unevaluated. */
function useModule(count: number): string {
  const each = Array.from({ length: count }, (_, at) => at)
  return `import type { Client } from '../../client.ts'
${each.map((at) => `import { thing${at} } from './thing-${at}.ts'`).join('\n')}

const resources = { ${each.map((at) => `things${at}: thing${at}`).join(', ')} }
declare const client: Client<typeof resources>

export async function use(): Promise<unknown> {
  const found: unknown[] = []
${each
  .map(
    (at) => `  {
    const made = await client.things${at}.create({ name: 'x', code: 'y', dueAt: new Date() })
    const changed = await client.things${at}.update(made.id, { status: 'live', contactEmail: null })
    const { data } = await client.things${at}.list({ limit: 5 })
    const archived = await client.things${at}.archive(made.id, { reason: 'done' })
    const { score } = await client.things${at}.score(made.id)
    found.push(changed.settings.colour, data[0]?.budget?.length, archived.open, score.toFixed(1))
  }`,
  )
  .join('\n')}
  return found
}
`
}

/** The program by file name. */
export function generateProgram(count: number): ReadonlyMap<string, string> {
  const files = new Map<string, string>()
  for (let at = 0; at < count; at += 1) files.set(`thing-${at}.ts`, resourceModule(at))
  files.set('use.ts', useModule(count))
  return files
}

/** The same columns without Plinth: `pgTable`, the same schemas, and functions over the rows that Drizzle infers. */
function plainModule(at: number): string {
  return `import { boolean, integer, jsonb, numeric, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core'
import { z } from 'zod'

const archiveInput = z.object({ reason: z.string().min(3) })
const scoreOutput = z.object({ score: z.number(), of: z.string() })

export const things${at} = pgTable('things_${at}', {
  tenantId: uuid().notNull(),
  id: uuid().notNull().defaultRandom(),
  ownerUserId: uuid(),
  ownerGroupId: uuid(),
  createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
  updatedAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
  version: integer().notNull().default(1),
  ${ownColumns}
  parentId: uuid(),
})
type Row = typeof things${at}.$inferSelect

export const thing${at} = {
  archive: (row: Row, input: z.output<typeof archiveInput>): Partial<typeof things${at}.$inferInsert> => ({
    status: 'archived',
    notes: row.name + input.reason,
  }),
  score: (row: Row): z.output<typeof scoreOutput> => ({ score: row.priority, of: row.name }),
}
`
}

/** What there is to compare with: no resource, no client. */
export function generatePlainProgram(count: number): ReadonlyMap<string, string> {
  return new Map(Array.from({ length: count }, (_, at) => [`thing-${at}.ts`, plainModule(at)]))
}
