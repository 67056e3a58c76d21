import { z } from 'zod'
import { LONGEST_LEVEL } from './level.ts'

/**
 * Schema of what one level may say about params: any part of them, at any depth, null for "take it away". Unknown members are
 * refused wherever the params name their members; arrays are taken whole. Rules over several members (`refine`) are left to
 * the resolved value, which is what they speak of.
 */
export function overridesSchema(params: z.ZodObject): z.ZodType {
  return partial(params)
    .refine((value) => JSON.stringify(value).length <= LONGEST_LEVEL, `At most ${LONGEST_LEVEL} characters of JSON`)
    .refine(isFiniteJson, 'A number is too large')
}

function partial(params: z.ZodObject): z.ZodType {
  const members = Object.entries(params.shape).map(([key, member]) => [key, maybe(member as z.ZodType)])
  const known = Object.fromEntries(members) as Record<string, z.ZodType>
  const { catchall } = params.def
  // A looseObject, or one with a catchall, takes members that it does not name.
  if (catchall && !(catchall instanceof z.ZodNever)) return z.object(known).catchall(maybe(catchall as z.ZodType))
  return z.strictObject(known)
}

function maybe(member: z.ZodType): z.ZodType {
  return part(member).nullable().optional()
}

function part(schema: z.ZodType): z.ZodType {
  const bare = unwrap(schema)
  if (bare instanceof z.ZodObject) return describe(partial(bare), schema)
  if (bare instanceof z.ZodRecord) {
    return z.record(bare.def.keyType, part(bare.def.valueType as z.ZodType).nullable())
  }
  // What part of a union a patch is meant for is known only once it is merged.
  if (bare instanceof z.ZodUnion && bare.options.some((option) => holdsObject(option as z.ZodType))) return z.unknown()
  return describe(bare, schema)
}

function holdsObject(schema: z.ZodType): boolean {
  const bare = unwrap(schema)
  return bare instanceof z.ZodObject || bare instanceof z.ZodRecord || bare instanceof z.ZodUnion
}

/** Without what makes a value optional: a default would otherwise be stored as the level's own. */
export function unwrap(schema: z.ZodType): z.ZodType {
  let bare = schema
  while (
    bare instanceof z.ZodOptional ||
    bare instanceof z.ZodDefault ||
    bare instanceof z.ZodPrefault ||
    bare instanceof z.ZodNullable ||
    bare instanceof z.ZodReadonly
  ) {
    bare = bare.unwrap() as z.ZodType
  }
  return bare
}

function describe(made: z.ZodType, from: z.ZodType): z.ZodType {
  return from.description === undefined ? made : made.describe(from.description)
}

/** Out of `JSON.parse` all is JSON but 1e999, which became Infinity. */
function isFiniteJson(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  return typeof value !== 'object' || value === null || Object.values(value).every(isFiniteJson)
}
