import type { z } from 'zod'
import { problem, type InputFault } from '../errors/plinth-error.ts'
import type { Stored } from '../ports/database.ts'
import { codeAlone, type FieldInfo, type ResourceInfo } from '../resource/resource-info.ts'
import { refuseBadText } from '../request/scan-json.ts'
import { inputSchemas } from './schemas.ts'
import { toStored } from './stored.ts'

type ZodIssue = z.core.$ZodIssue

/** A wrong array of a megabyte has 500,000 faults, and the answer that names them all had 53 MB. */
export const MOST_FAULTS = 100

/**
 * Parses input by a schema.
 * @throws validation_failed with one entry per fault, each with its JSON pointer (RFC 6901)
 */
export function validate<T>(schema: z.ZodType<T>, input: unknown): T {
  const result = schema.safeParse(input)
  if (result.success) return result.data
  throw problem('validation_failed', { errors: faultsAt([], result.error, input) })
}

/** What is wrong with a value that lies at `place` in the input. */
export function faultsAt(place: readonly string[], error: z.ZodError, value: unknown): readonly InputFault[] {
  const prefix = pointer(place)
  return error.issues
    .slice(0, MOST_FAULTS)
    .flatMap((issue) => faultsOf(issue, value))
    .slice(0, MOST_FAULTS)
    .map((fault) => (prefix === '' ? fault : { ...fault, path: prefix + fault.path }))
}

function faultsOf(issue: ZodIssue, input: unknown): readonly InputFault[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: pointer([...issue.path, key]),
      code: 'unknown_field',
      message: 'There is no such field',
    }))
  }
  const found = valueAt(input, issue.path)
  const own: unknown = issue.code === 'custom' ? issue.params?.['code'] : undefined
  const code =
    found === undefined ? 'required' : found === null ? 'not_nullable' : typeof own === 'string' ? own : issue.code
  const message = code === 'required' ? 'Required' : code === 'not_nullable' ? 'Must not be null' : issue.message
  return [{ path: pointer(issue.path), code, message }]
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<PropertyKey, unknown>)[key]
  }
  return value
}

/** JSON pointer: `/address/city`. */
export function pointer(path: readonly PropertyKey[]): string {
  return path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

/** Validated input as what is stored, by field. Absent fields stay absent. */
export function storedValues(resource: ResourceInfo, data: Readonly<Record<string, unknown>>): Map<FieldInfo, Stored> {
  const values = new Map<FieldInfo, Stored>()
  for (const field of resource.fields) {
    const value = data[field.key]
    if (value !== undefined) values.set(field, toStored(field, value))
  }
  return values
}

/**
 * What code gives (Dates, bigints) in JSON form, for the same schemas as HTTP. Hidden and read-only fields have no
 * place in the public schemas, so code's values for them pass a schema of their own.
 * @throws validation_failed
 */
export function validateDraft(
  resource: ResourceInfo,
  schema: z.ZodType,
  draft: Readonly<Record<string, unknown>>,
): Map<FieldInfo, Stored> {
  const json: Record<string, unknown> = {}
  const own: Record<string, unknown> = {}
  const faults: InputFault[] = []
  for (const [key, value] of Object.entries(draft)) {
    if (value === undefined) continue
    const field = resource.byKey.get(key)
    if (!field || (field.platform && key !== 'ownerGroupId')) {
      faults.push({ path: pointer([key]), code: 'unknown_field', message: 'There is no such field to write' })
      continue
    }
    const given = value === null ? null : field.kind.toJson(value)
    if (typeof given === 'string') refuseBadText(given)
    if (codeAlone(field)) own[key] = given
    else json[key] = given
  }
  if (faults.length > 0) throw problem('validation_failed', { errors: faults })
  const data = validate(schema, json) as Record<string, unknown>
  return storedValues(resource, { ...data, ...validate(inputSchemas(resource).own, own) })
}
