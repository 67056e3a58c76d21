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

/** Params that may be anything, so that nothing but the merging decides. */
export const leafTemplates = resourceTable('leaf_templates', {
  name: text().notNull().default('T'),
  ...templateColumns((): AnyResourceTable => leafTemplates),
  deletedAt: deletedAt(),
})
export const leaflets = resourceTable('leaflets', {
  name: text().notNull().default('L'),
  ...templated(() => leafTemplates),
})

export const SHARED = { base: { a: { b: 1 }, c: ['s'] }, special: { a: { 'x/y': true }, b: 'x' } } as const

export const treeResources: readonly Resource[] = [
  defineResource({ table: leafTemplates }),
  defineResource({
    table: leaflets,
    template: {
      params: z.looseObject({}),
      shared: {
        base: { name: 'Base', defaults: SHARED.base },
        special: { name: 'Special', parent: 'base', defaults: SHARED.special },
      },
    },
  }),
]
