import { z } from 'zod'
import { MOST_ROWS } from '../list/list-query.ts'
import { fieldModel } from '../fields/field-permission.ts'
import { annotate, annotationsOf } from '../resource/annotate.ts'
import { visibleFields, type FieldInfo, type ResourceInfo } from '../resource/resource-info.ts'

const made = new WeakMap<ResourceInfo, z.ZodObject>()

/** Schema of a row as it leaves the server, for OpenAPI and the client. */
export function outputSchema(resource: ResourceInfo): z.ZodObject {
  const known = made.get(resource)
  if (known) return known
  const shape = Object.fromEntries(visibleFields(resource).map((field) => [field.key, outputOf(resource, field)]))
  const schema = z.object(shape).meta({
    id: resource.name[0]!.toUpperCase() + resource.name.slice(1),
    ...(resource.description === undefined ? {} : { description: resource.description }),
  })
  made.set(resource, schema)
  return schema
}

/** The column's own schema without the user's narrowing: what is stored may be older than the rule. */
function outputOf(resource: ResourceInfo, field: FieldInfo): z.ZodType {
  const permission = field.readRestricted ? `${fieldModel(resource, field)}:read` : undefined
  const base = annotate(field.kind.schema(field.column), { ...field, permission })
  const nullable = field.notNull ? base : base.nullable()
  // Absent, and not null: of a row on which it may not be read, not even that is told.
  const schema = permission === undefined ? nullable : nullable.optional().meta(annotationsOf(base))
  return field.platform || field.readOnly ? schema.meta({ ...annotationsOf(base), readOnly: true }) : schema
}

/** Schema of a page of rows. */
export function listAnswerSchema(row: z.ZodType): z.ZodType {
  return z.object({ data: z.array(row).max(MOST_ROWS), page: pageSchema })
}

const pageSchema = z
  .object({
    page: z.int().nullable().describe('Number of the page; null on a cursor page'),
    pageSize: z.int(),
    hasMore: z.boolean(),
    nextCursor: z.string().nullable().describe('Give it as `cursor` with the same sort, filter and fields'),
    total: z.int().optional().describe('Only with `count=exact`'),
  })
  .meta({ id: 'PageInfo' })
