import { SQL } from 'drizzle-orm'
import { z } from 'zod'
import { annotationsOf } from '../resource/annotate.ts'
import { codeAlone, fieldOf, writableFields, type FieldInfo, type ResourceInfo } from '../resource/resource-info.ts'

/** The input schemas of a resource, made once. Unknown keys are stripped (or refused with `strict`), never stored. */
export interface InputSchemas {
  /** POST and PUT: fields that are NOT NULL without default are required. */
  readonly whole: z.ZodObject
  /** PATCH: any part. */
  readonly part: z.ZodObject
  /** PUT: as `whole`, but what the server keeps by itself (secrets, immutable and restricted fields) may be absent. */
  readonly replacement: z.ZodObject
  /** What code alone writes: any part of the hidden and read-only fields. */
  readonly own: z.ZodObject
}

const made = new WeakMap<ResourceInfo, InputSchemas>()

export function inputSchemas(resource: ResourceInfo): InputSchemas {
  const known = made.get(resource)
  if (known) return known
  const fields = writableFields(resource)
  const object = (entries: readonly (readonly [string, z.ZodType])[], id: string): z.ZodObject => {
    const shape = Object.fromEntries(entries)
    return (resource.strict ? z.strictObject(shape) : z.object(shape)).meta({ id })
  }
  // Of the platform's columns, the one that may be given: `write/owner-group.ts` says to whom.
  const group = [['ownerGroupId', optional(fieldOf(resource, 'ownerGroupId'))] as const]
  const title = resource.name[0]!.toUpperCase() + resource.name.slice(1)
  const schemas: InputSchemas = {
    whole: object(
      [...fields.map((field) => [field.key, required(field) ? field.schema : withDefault(field)] as const), ...group],
      `${title}Create`,
    ),
    part: object([...fields.map((field) => [field.key, optional(field)] as const), ...group], `${title}Patch`),
    replacement: object(
      [
        ...fields.map(
          (field) => [field.key, required(field) && !keptByPut(field) ? field.schema : withDefault(field)] as const,
        ),
        ...group,
      ],
      `${title}Replace`,
    ),
    own: z.object(Object.fromEntries(resource.fields.filter(codeAlone).map((field) => [field.key, optional(field)]))),
  }
  made.set(resource, schemas)
  return schemas
}

/** What a PUT that does not name it leaves as it is: who cannot read a field cannot send it back. */
export function keptByPut(field: FieldInfo): boolean {
  return field.secret || field.immutable || field.readRestricted || field.writeRestricted
}

function required(field: FieldInfo): boolean {
  return field.notNull && !field.hasDefault
}

function optional(field: FieldInfo): z.ZodType {
  return (field.notNull ? field.schema : field.schema.nullable()).optional()
}

/** As `optional`, telling OpenAPI what an absent field becomes. A default that SQL computes cannot be told. */
function withDefault(field: FieldInfo): z.ZodType {
  const usual: unknown = field.column.default
  const told = usual === undefined || usual instanceof SQL ? undefined : field.kind.toJson(usual)
  return told === undefined ? optional(field) : optional(field).meta({ ...annotationsOf(field.schema), default: told })
}
