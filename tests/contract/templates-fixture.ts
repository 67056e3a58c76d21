import { text } from 'drizzle-orm/pg-core'
import {
  defineResource,
  deletedAt,
  resourceTable,
  templateColumns,
  templated,
  type AnyResourceTable,
  type Resource,
} from '@plinth/core'
import { z } from 'zod'

/** What a check needs to know, at several depths: a scalar with a default and one without, a list, an open and a closed object. */
export const checkParams = z.object({
  method: z.enum(['GET', 'HEAD']).default('GET'),
  timeout: z.int().min(1).max(60).default(10),
  interval: z.int().min(10).optional(),
  expect: z
    .object({ status: z.int().min(100).max(599).default(200), words: z.array(z.string()).optional() })
    .default({ status: 200 }),
  headers: z.record(z.string().max(100), z.string()).optional(),
})
export type CheckParams = z.output<typeof checkParams>

export const probeTemplates = resourceTable('probe_templates', {
  name: text().notNull(),
  ...templateColumns<CheckParams>((): AnyResourceTable => probeTemplates),
  deletedAt: deletedAt(),
})
export const probes = resourceTable('probes', {
  name: text().notNull(),
  ...templated<CheckParams>(() => probeTemplates),
})

export const probe = defineResource({
  table: probes,
  fields: { name: { sort: true } },
  template: {
    params: checkParams,
    shared: {
      web: { name: 'Web page', defaults: { timeout: 20, headers: { accept: 'text/html' } } },
      'web-fast': { name: 'Fast web page', parent: 'web', defaults: { timeout: 2 } },
      old: { name: 'As it was', defaults: { timeout: 60 }, retired: true },
    },
  },
  actions: {
    params: {
      readOnly: true,
      output: checkParams,
      run: (ctx, row) => ctx.resolve(probes, row),
    },
    double: {
      output: z.object({ id: z.string() }),
      run: async (ctx, row) => {
        const { id } = await ctx.clone(probes, row.templateId ?? { shared: 'web' }, { name: `${row.name} again` })
        return { id }
      },
    },
  },
})

/** Templates that are really deleted, and a member without which a row cannot be. */
export const jobTemplates = resourceTable('job_templates', {
  name: text().notNull(),
  ...templateColumns((): AnyResourceTable => jobTemplates),
})
export const runs = resourceTable('runs', { name: text().notNull(), ...templated(() => jobTemplates) })

export const templateResources: readonly Resource[] = [
  probe,
  defineResource({ table: probeTemplates }),
  defineResource({ table: runs, template: { params: z.object({ command: z.string(), retries: z.int().default(0) }) } }),
  defineResource({ table: jobTemplates }),
]
