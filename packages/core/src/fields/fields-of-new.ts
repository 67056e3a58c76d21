import { SQL } from 'drizzle-orm'
import type { Condition } from '../condition/condition.ts'
import { fieldsAsked } from '../condition/leaves.ts'
import { PlinthError } from '../errors/plinth-error.ts'
import type { CreateOperation, RawRow } from '../ports/database.ts'
import type { ReadingParts } from '../resource/reading-context.ts'
import { fieldOf, type FieldInfo, type ResourceInfo } from '../resource/resource-info.ts'
import { fieldWrites, refuseFields, unwritableOn, type FieldWrites, type Writer } from './field-writes.ts'

type Parts = Pick<ReadingParts, 'platform' | 'principal' | 'scope' | 'session'>

const NO_ROW = '00000000-0000-0000-0000-000000000000'

/** Whether a new row has the field before it is written, and keeps it. */
function isSettled({ hooks }: ResourceInfo, field: string): boolean {
  return field === 'ownerUserId' || (field === 'ownerGroupId' && !hooks.beforeCreate)
}

/** Whether who may give these fields to a new row depends on more of it than who owns it. */
export function asksNewRow(writer: Writer, resource: ResourceInfo, fields: Iterable<FieldInfo>): boolean {
  return askedAfter(resource, fieldWrites(writer, resource, undefined), fields).size > 0
}

/**
 * Asks of a new row what is known of it: whose it will be.
 * @returns the fields of which the stored row must be asked too, by {@link refuseFieldsOnNew}
 * @throws permission_denied
 */
export async function refuseFieldsOfNew(
  parts: Parts,
  resource: ResourceInfo,
  values: ReadonlyMap<FieldInfo, unknown>,
): Promise<FieldWrites> {
  const writes = fieldWrites(parts, resource, undefined)
  const after = askedAfter(resource, writes, values.keys())
  if (writes.size === 0) return after
  const group = values.get(fieldOf(resource, 'ownerGroupId'))
  const owned: RawRow = {
    // It has none yet; an entry of the ACL about another row says nothing of it, which of NULL nobody would know.
    id: NO_ROW,
    ownerUserId: parts.principal.userId,
    ownerGroupId: typeof group === 'string' ? group : null,
  }
  const before = [...values.keys()].filter((field) => !after.has(field))
  refuseFields(resource, await unwritableOn(writes, before, owned, { resource, writer: parts }))
  return after
}

function askedAfter(resource: ResourceInfo, writes: FieldWrites, fields: Iterable<FieldInfo>): FieldWrites {
  const after = new Map<FieldInfo, Condition>()
  if (writes.size === 0) return after
  for (const field of fields) {
    const condition = writes.get(field)
    if (condition && [...fieldsAsked(condition)].some((name) => !isSettled(resource, name))) after.set(field, condition)
  }
  return after
}

/**
 * Asks the row as it is stored, with what hooks, templates and the database's own defaults made of it. In the transaction that stored
 * it, which a refusal takes back.
 * @throws permission_denied
 */
export async function refuseFieldsOnNew(
  parts: Parts,
  resource: ResourceInfo,
  asked: FieldWrites,
  row: RawRow,
): Promise<void> {
  if (asked.size > 0) refuseFields(resource, await unwritableOn(asked, asked.keys(), row, { resource, writer: parts }))
}

/**
 * Stores the row. Where it cannot be stored, and its fields would most likely not have been his to give, that is the answer: a conflict
 * would tell him that another row has the value which he only guessed.
 * @throws permission_denied, and what `store` refuses with
 */
export async function storeOwnFields(
  parts: Parts,
  operation: CreateOperation,
  asked: FieldWrites,
  store: (operation: CreateOperation) => Promise<RawRow>,
): Promise<RawRow> {
  const { resource } = operation
  if (asked.size === 0) return store(operation)
  // Before the statement: after a failed one this transaction answers nothing any more.
  const refused = await unwritableOn(asked, asked.keys(), foreseen(operation), { resource, writer: parts })
  try {
    return await store(operation)
  } catch (error) {
    // A deadlock stays what it is: the transaction is repeated as it was.
    if (PlinthError.is(error) && error.status < 500 && error.code !== 'conflict') refuseFields(resource, refused)
    throw error
  }
}

/** The row without what only the database knows. */
function foreseen({ resource, id, ownerUserId, values }: CreateOperation): RawRow {
  const given = new Map([...values].map(([field, value]) => [field.key, value]))
  const row = resource.fields.map((field) => [field.key, given.get(field.key) ?? defaultOf(field, given)] as const)
  return { ...Object.fromEntries(row), id, ownerUserId }
}

function defaultOf({ key, column }: FieldInfo, given: ReadonlyMap<string, unknown>): string | null {
  const value: unknown = column.default
  if (given.has(key) || value instanceof SQL) return null
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : null
}
