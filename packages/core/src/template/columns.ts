import { jsonb, text } from 'drizzle-orm/pg-core'
import { belongsTo } from '../table/belongs-to.ts'
import type { AnyResourceTable } from '../table/types.ts'
import type { Overrides } from './facts.ts'

/**
 * The columns of a table whose rows come from templates; the resource says `template: { params }`.
 *
 * `templateId` (own template of the tenant) or `sharedTemplate` (key of a platform template), `params` (the row's own
 * overrides), `inheritance` (`live`, or `pinned` to the state of the templates at that moment, which `pinnedLevels` keeps).
 *
 * @typeParam P what the params resolve to: `z.output<typeof monitorParams>`
 * @example resourceTable('monitors', { name: text().notNull(), ...templated<MonitorParams>(() => monitorTemplates) })
 */
export function templated<P extends object = Record<string, unknown>>(from: () => AnyResourceTable) {
  return {
    templateId: belongsTo(from),
    sharedTemplate: text(),
    params: jsonb().$type<Overrides<P>>().notNull().default(emptyOverrides()),
    inheritance: text({ enum: ['live', 'pinned'] })
      .notNull()
      .default('live'),
    pinnedLevels: jsonb(),
  }
}

/**
 * The columns of a table that holds templates: `parentTemplateId` or `sharedParent` (what it inherits from) and `defaults`.
 * Add `deletedAt: deletedAt()`, and pinned rows outlive their template.
 *
 * @param self the table itself, with its type said, or the constant could not be used in its own initialiser (TS7022)
 * @example resourceTable('monitor_templates', { name: text().notNull(), ...templateColumns<MonitorParams>((): AnyResourceTable => monitorTemplates) })
 */
export function templateColumns<P extends object = Record<string, unknown>>(self: () => AnyResourceTable) {
  return {
    parentTemplateId: belongsTo(self),
    sharedParent: text(),
    defaults: jsonb().$type<Overrides<P>>().notNull().default(emptyOverrides()),
  }
}

function emptyOverrides<P extends object>(): Overrides<P> {
  return {} as Overrides<P>
}
