import { validateDraft } from '../input/validate.ts'
import { inputSchemas } from '../input/schemas.ts'
import { decodeStored } from '../input/stored.ts'
import { databaseDefault, type RawRow, type Stored, type UpdateOperation } from '../ports/database.ts'
import { wholeRow } from '../output/print-row.ts'
import type { Context } from '../resource/context.ts'
import type { AnyHooks } from '../resource/hooks.ts'
import type { FieldInfo, ResourceInfo } from '../resource/resource-info.ts'
import { transactionOf, type WriteParts } from './write-parts.ts'

/** Hooks that call each other: a fault of the product, found here instead of by a full stack or a full disk. */
const DEEPEST = 8

type Values = UpdateOperation['values']

/** The `ctx` of a hook: in the transaction of the write, with the rights of whoever writes. */
function contextFor(parts: WriteParts, resource: ResourceInfo, hook: string): Context {
  if (parts.depth >= DEEPEST) {
    throw new Error(
      `${resource.name}.hooks.${hook}: hooks led to hooks ${DEEPEST} times; one of them writes what calls it again`,
    )
  }
  return parts.contextOf({ ...parts, transaction: transactionOf(parts), depth: parts.depth + 1 })
}

/** `before` of a create: the values to store, as given or as the hook changed them, validated again. */
export async function beforeCreate(
  parts: WriteParts,
  resource: ResourceInfo,
  values: ReadonlyMap<FieldInfo, Stored>,
): Promise<ReadonlyMap<FieldInfo, Stored>> {
  const hook = resource.hooks.beforeCreate
  if (!hook) return values
  const draft = await hook(contextFor(parts, resource, 'beforeCreate'), draftOf(values) as never)
  if (draft === undefined) return values
  return validateDraft(resource, inputSchemas(resource).whole, draft as Record<string, unknown>)
}

/** The same of a change. What was to take the database's own default still does, unless the hook gives a value. */
export async function beforeUpdate(
  parts: WriteParts,
  resource: ResourceInfo,
  row: RawRow,
  values: Values,
): Promise<Values> {
  const hook = resource.hooks.beforeUpdate
  if (!hook) return values
  const context = contextFor(parts, resource, 'beforeUpdate')
  const patch = await hook(context, wholeRow(resource, row) as never, draftOf(values) as never)
  if (patch === undefined) return values
  const defaults = [...values].filter(([, value]) => value === databaseDefault)
  const given = validateDraft(resource, inputSchemas(resource).part, patch as Record<string, unknown>)
  return new Map([...defaults, ...given])
}

export async function afterUpdate(
  parts: WriteParts,
  resource: ResourceInfo,
  row: RawRow,
  before: RawRow,
): Promise<void> {
  const hook = resource.hooks.afterUpdate
  if (!hook) return
  const context = contextFor(parts, resource, 'afterUpdate')
  await hook(context, wholeRow(resource, row) as never, wholeRow(resource, before) as never)
}

type RowHook = 'afterCreate' | 'beforeDelete' | 'afterDelete' | 'beforeRestore' | 'afterRestore'

/** Hooks that get the row and give nothing back. */
export async function runRowHook(parts: WriteParts, resource: ResourceInfo, row: RawRow, name: RowHook): Promise<void> {
  const hook = resource.hooks[name]
  if (hook) await hook(contextFor(parts, resource, name), wholeRow(resource, row) as never)
}

export async function runDeleteHooks(
  parts: WriteParts,
  resource: ResourceInfo,
  rows: readonly RawRow[],
  name: RowHook,
): Promise<void> {
  if (!resource.hooks[name]) return
  // One after the other: they share a connection, and a hook may look at what the one before it wrote.
  for (const row of rows) await runRowHook(parts, resource, row, name)
}

export function hasHook(resource: ResourceInfo, ...names: readonly (keyof AnyHooks)[]): boolean {
  return names.some((name) => resource.hooks[name] !== undefined)
}

/** Stored values as code gives them. */
function draftOf(values: Values): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    [...values].flatMap(([field, value]) =>
      value === databaseDefault ? [] : [[field.key, value === null ? null : decodeStored(field, value)]],
    ),
  )
}
