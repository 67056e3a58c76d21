import { z } from 'zod'
import type { ResourceInfo } from '../resource/resource-info.ts'
import { sources } from './level.ts'
import type { TemplateLink } from './link.ts'

const faultSchema = z
  .object({ path: z.string(), code: z.string(), message: z.string() })
  .meta({ id: 'ResolveFault', description: 'Why what the levels say together is not what the schema asks for' })

const levelSchema = z
  .object({
    source: z.enum(sources),
    template: z.string().nullable().describe('Id of a template, or key of a shared one; null for the row itself'),
    version: z.string().nullable(),
  })
  .meta({ id: 'TemplateLevel' })

/** What `include=resolved` puts behind a row. */
export const includedSchema = z
  .object({ value: z.record(z.string(), z.unknown()), faults: z.array(faultSchema) })
  .meta({ id: 'Resolved', description: 'The params, or the defaults of a template, with all that they inherit' })

const inheritance = z.enum(['live', 'pinned'])
const from = { source: z.enum(sources), template: z.string().nullable() }
const faults = z.array(faultSchema)

/** What the rows of one link are answered with beside their own columns. */
export interface TemplateSchemas {
  readonly provenance: z.ZodObject
  readonly resync: z.ZodObject
  readonly resyncInput: z.ZodObject
  readonly shared: z.ZodObject
  readonly sharedList: z.ZodObject
}

const made = new WeakMap<TemplateLink, TemplateSchemas>()

export function templateSchemas(link: TemplateLink): TemplateSchemas {
  const known = made.get(link)
  if (known) return known
  const anything = z.record(z.string(), z.unknown())
  const shared = z
    .object({
      key: z.string(),
      name: z.string(),
      description: z.string().nullable(),
      parent: z.string().nullable().describe('Key of the shared template that it inherits from'),
      version: z.string(),
      shared: z.literal(true),
      defaults: anything,
      resolved: anything.describe('The defaults on top of those of the parents'),
    })
    .meta({ id: `Shared${titleOf(link.template)}` })
  const schemas: TemplateSchemas = {
    provenance: z.object({
      id: z.string(),
      levels: z.array(levelSchema).describe('Topmost first; later ones win'),
      values: z.record(z.string(), z.object({ value: z.unknown(), ...from })).describe('By JSON pointer (RFC 6901)'),
      faults,
    }),
    resync: z.object({
      id: z.string(),
      inheritance,
      state: z.string().describe('What was compared with what; give it back to apply these changes and no others'),
      changes: z.array(
        z.object({
          path: z.string(),
          before: z.unknown().optional(),
          after: z.unknown().optional(),
          source: from.source.nullable().describe('null where there is no value any more'),
          template: from.template,
        }),
      ),
      faults,
    }),
    resyncInput: z.object({ state: z.string().max(64).describe('`state` of the preview') }),
    shared,
    sharedList: z.object({ data: z.array(shared) }),
  }
  made.set(link, schemas)
  return schemas
}

export function titleOf(resource: ResourceInfo): string {
  return resource.name[0]!.toUpperCase() + resource.name.slice(1)
}
