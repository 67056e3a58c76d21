import { z } from 'zod'
import { annotate } from '../resource/annotate.ts'
import { oneInWords } from '../routes/resource/in-words.ts'
import type { FieldInfo, ResourceInfo } from '../resource/resource-info.ts'
import type { HowTold, KnownEvent } from './event-catalog.ts'

/** What stands in events and records instead of personal data. */
export const MASKED = '[masked]'

/** The fields of a row that events carry. Who hears of one is not asked for each field, so a restricted one is in none. */
export function eventFields(resource: ResourceInfo): readonly FieldInfo[] {
  return resource.fields.filter(
    (field) => field.key !== 'tenantId' && !field.secret && !field.hidden && !field.readRestricted,
  )
}

/** Of a personal field whose JSON is no text nothing is told: the mask would be a value of another type. */
export function isUntold({ personal, kind }: FieldInfo): boolean {
  return personal !== undefined && ['number', 'boolean', 'json'].includes(kind.compares)
}

function howTold({ personal, kind }: FieldInfo): HowTold {
  if (personal !== undefined) return 'masked'
  return kind.compares === 'time' ? 'time' : 'as it is'
}

/**
 * What may happen to a resource's rows. `created`, `updated` and `deleted` also where HTTP has no such operation: code may do it. That a
 * type was declared by hand as well counts more there (`declared`).
 */
export function resourceEvents(resource: ResourceInfo): readonly KnownEvent[] {
  const { version = 1, upcast = {} } = resource.declaration.events ?? {}
  const row = rowSchema(resource)
  const told = new Map(
    eventFields(resource)
      .filter((field) => !isUntold(field))
      .map((field) => [field.key, howTold(field)] as const),
  )
  const known = (name: string, description: string, schema: z.ZodType): KnownEvent => ({
    type: `${resource.name}.${name}`,
    version,
    upcast,
    description,
    schema,
    resource,
    told,
  })
  const one = oneInWords(resource.name).replace('a', 'A')
  const name = one.replace(/^An? /, '')
  const soft = resource.byKey.has('deletedAt')
  return [
    known('created', `${one} was created.`, row),
    known('updated', `${one} was changed.`, row),
    known('deleted', `${one} was deleted; the data is the row as it was.`, row),
    ...(soft
      ? [
          known('restored', `A deleted ${name} was brought back.`, row),
          known('purged', `A deleted ${name} went with a row that it belonged to.`, row),
        ]
      : []),
    ...resource.actions
      .filter((action) => !action.readOnly)
      // An action that changes something else than its own row tells which row it was called on.
      .map(({ name, description }) =>
        known(name, description ?? `The action ${name} was called.`, row.partial().required({ id: true })),
      ),
  ]
}

function rowSchema(resource: ResourceInfo): z.ZodObject {
  const told = eventFields(resource).filter((field) => !isUntold(field))
  return z.object(Object.fromEntries(told.map((field) => [field.key, schemaOf(field)])))
}

/** As of answers: the column's own schema without the user's narrowing, since what is stored may be older than the rule. */
function schemaOf(field: FieldInfo): z.ZodType {
  if (field.personal !== undefined) return z.literal(MASKED)
  const base = annotate(field.kind.schema(field.column), field)
  return field.notNull ? base : base.nullable()
}
