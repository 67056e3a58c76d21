import { getTableConfig } from 'drizzle-orm/pg-core'
import type { z } from 'zod'
import type { Reference } from '../table/belongs-to.ts'
import { kebabCase } from '../table/snake-case.ts'
import { drizzleTable } from '../table/types.ts'

interface Annotated {
  readonly reference: Reference | undefined
  readonly description: string | undefined
  /** What it takes to read the field, or to give it a value, beside the permission on the row. */
  readonly permission?: string | undefined
}

/** Puts what OpenAPI and clients want to know beside a schema: its words, and where a reference points. */
export function annotate(schema: z.ZodType, field: Annotated): z.ZodType {
  const { description = '', permission } = field
  const needs = permission === undefined ? '' : `Only with the permission ${permission}`
  const words = [description, needs].filter((text) => text !== '').join('. ')
  const meta = {
    ...(words === '' ? {} : { description: words }),
    ...(permission === undefined ? {} : { 'x-permission': permission }),
    ...(field.reference === undefined
      ? {}
      : { 'x-references': kebabCase(getTableConfig(drizzleTable(field.reference.to())).name) }),
  }
  return Object.keys(meta).length === 0 ? schema : schema.meta({ ...schema.meta(), ...meta })
}

/**
 * Its words and references without what it demands: what may be said of the schema around it as well, which may be null where this one
 * may not.
 */
export function annotationsOf(schema: z.ZodType): Readonly<Record<string, unknown>> {
  const told = Object.entries(schema.meta() ?? {})
  return Object.fromEntries(told.filter(([name]) => name === 'description' || name.startsWith('x-')))
}
