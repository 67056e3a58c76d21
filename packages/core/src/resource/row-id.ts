import { is, SQL } from 'drizzle-orm'
import { problem } from '../errors/plinth-error.ts'
import type { Stored, UpdateOperation } from '../ports/database.ts'
import { newUuid } from './new-uuid.ts'
import { fieldOf, type FieldInfo, type ResourceInfo } from './resource-info.ts'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export function isUuid(text: string): boolean {
  return uuid.test(text)
}

/**
 * Whether a row of this resource could have this id. What could not is a row that is not there: no statement is worth it, and
 * PostgreSQL's cast would make an error of it, or (` 42`, `+42`) another row.
 */
export function acceptsId(resource: ResourceInfo, text: string): boolean {
  const field = fieldOf(resource, 'id')
  return field.kind.name === 'uuid' ? uuid.test(text) : field.kind.schema(field.column).safeParse(text).success
}

/** The id of a new row: made here, given by the client, or null where the database makes it. */
export function newRowId(resource: ResourceInfo, values: ReadonlyMap<FieldInfo, Stored>): string | null {
  const field = fieldOf(resource, 'id')
  if (field.platform) return field.kind.name === 'uuid' ? newUuid() : null
  const given = values.get(field)
  if (given !== undefined && given !== null) return given
  const usual = field.column.defaultFn?.() ?? field.column.default
  if (usual === undefined || is(usual, SQL)) return null
  const id = typeof usual === 'string' ? usual : ''
  // A row with such an id could never be read again.
  if (!acceptsId(resource, id)) throw new Error(`${resource.name}: the default of id made '${id}', which is no id`)
  return id
}

type UpdateValue = UpdateOperation['values'] extends ReadonlyMap<FieldInfo, infer V> ? V : never

/**
 * Takes the id out of what code changes: it says which row it is.
 * @throws validation_failed where it would become another one
 */
export function keepId(resource: ResourceInfo, id: string, values: Map<FieldInfo, UpdateValue>): void {
  const field = fieldOf(resource, 'id')
  const given = values.get(field)
  if (given !== undefined && given !== id) {
    const message = 'Cannot be changed once the row exists'
    throw problem('validation_failed', { errors: [{ path: '/id', code: 'immutable', message }] })
  }
  values.delete(field)
}
