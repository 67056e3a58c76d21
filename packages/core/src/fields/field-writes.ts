import type { Condition } from '../condition/condition.ts'
import { problem } from '../errors/plinth-error.ts'
import { pointer } from '../input/validate.ts'
import type { RawRow } from '../ports/database.ts'
import { admits } from '../resource/admitted.ts'
import type { ReadingParts } from '../resource/reading-context.ts'
import type { FieldInfo, ResourceInfo } from '../resource/resource-info.ts'
import { fieldModel, fieldPermission } from './field-permission.ts'

/** Who writes. The action's own row is covered by its permission, and so are its fields. */
export type Writer = Pick<ReadingParts, 'platform' | 'principal' | 'covered'>

/** The fields that this writer may not give to every row, each with the rows to which he may; `never` for none. */
export type FieldWrites = ReadonlyMap<FieldInfo, Condition>

const free: FieldWrites = new Map()
const known = new WeakMap<ResourceInfo, readonly FieldInfo[]>()

function restrictedOf(resource: ResourceInfo): readonly FieldInfo[] {
  const kept = known.get(resource) ?? resource.fields.filter((field) => field.writeRestricted)
  known.set(resource, kept)
  return kept
}

/** @param id of the row that is changed; undefined for a new one */
export function fieldWrites(
  { platform, principal, covered }: Writer,
  resource: ResourceInfo,
  id: string | undefined,
): FieldWrites {
  const restricted = restrictedOf(resource)
  if (restricted.length === 0) return free
  if (id !== undefined && covered?.resource === resource && covered.id === id) return free
  const writes = new Map<FieldInfo, Condition>()
  for (const field of restricted) {
    const number = fieldPermission(platform.registry.permissions, resource, field, 'update')
    const condition = principal.permissions.condition(number)
    if (condition.kind !== 'always') writes.set(field, condition)
  }
  return writes
}

/** Whether who may give these fields depends on the row. */
export function asksRow(writes: FieldWrites, fields: Iterable<FieldInfo>): boolean {
  if (writes.size === 0) return false
  for (const field of fields) if ((writes.get(field)?.kind ?? 'never') !== 'never') return true
  return false
}

/** Those of the fields that he may give to no row. */
export function unwritable(writes: FieldWrites, fields: Iterable<FieldInfo>): readonly FieldInfo[] {
  if (writes.size === 0) return []
  return [...fields].filter((field) => writes.get(field)?.kind === 'never')
}

/** Those that he may not give to this row, which was locked. */
export async function unwritableOn(
  writes: FieldWrites,
  fields: Iterable<FieldInfo>,
  row: RawRow,
  {
    resource,
    writer: { session, scope },
  }: { readonly resource: ResourceInfo; readonly writer: Pick<ReadingParts, 'scope' | 'session'> },
): Promise<readonly FieldInfo[]> {
  if (writes.size === 0) return []
  const kept: FieldInfo[] = []
  for (const field of fields) {
    const condition = writes.get(field)
    if (condition && !(await admits(session, resource, row, condition, scope.facts))) kept.push(field)
  }
  return kept
}

/**
 * A value for a field that is not his to give is refused and not stripped: who gave it believes that it was taken.
 * @throws permission_denied with each field by its pointer
 */
export function refuseFields(resource: ResourceInfo, fields: readonly FieldInfo[]): void {
  if (fields.length === 0) return
  const needed = fields.map((field) => `${fieldModel(resource, field)}:update`)
  throw problem('permission_denied', {
    detail: `This needs the permission ${needed.join(' and ')}.`,
    asked: `${resource.name}:update`,
    errors: fields.map((field, at) => ({
      path: pointer([field.key]),
      code: 'permission_denied',
      message: `Needs the permission ${needed[at]!}`,
    })),
  })
}
