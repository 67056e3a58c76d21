import { z } from 'zod'
import type { Resource } from '../resource/define-resource.ts'
import type { FieldInfo } from '../resource/resource-info.ts'
import type { AnyTemplateFacts } from './facts.ts'
import { overridesSchema } from './overrides-schema.ts'

/** What follows for the columns of a templated resource, by their names. What the declaration says of them itself comes first. */
export function factsOf(declaration: Resource, key: string): Readonly<Record<string, unknown>> {
  const own = declaration.fields[key] ?? {}
  if (!declaration.template) return own as Readonly<Record<string, unknown>>
  const schema = schemaOf(declaration.template)
  const implied: Readonly<Record<string, object>> = {
    templateId: { filter: true, description: 'The template that the params are inherited from' },
    sharedTemplate: { filter: true, description: 'Key of the platform template that the params are inherited from' },
    params: {
      ...(schema && { schema: () => schema }),
      description: 'Own overrides (JSON merge patch); null takes an inherited value away',
    },
    inheritance: {
      filter: true,
      description: 'live: changes of the templates show at once; pinned: those of their state when it was pinned',
    },
    // Values of templates, as they once were: `resolved` and `provenance` tell of them.
    pinnedLevels: { hidden: true },
  }
  return { ...implied[key], ...own }
}

/** The same for the resource whose rows are the templates; its declaration knows nothing of the schema. */
export function impliedTemplateFields(facts: AnyTemplateFacts): Readonly<Record<string, Partial<FieldInfo>>> {
  const description = 'What rows of this template inherit (JSON merge patch on what the parent says)'
  return {
    defaults: { schema: overridesSchema(facts.params).meta({ description }), description },
    parentTemplateId: { filter: true },
    sharedParent: { filter: true },
  }
}

/** The schema, where the declaration has a usable one; what is wrong with another is told once, elsewhere. */
function schemaOf({ params }: AnyTemplateFacts): z.ZodType | undefined {
  return params instanceof z.ZodObject ? overridesSchema(params) : undefined
}
