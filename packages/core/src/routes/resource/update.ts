import { SQL } from 'drizzle-orm'
import { problem } from '../../errors/plinth-error.ts'
import { isObject, mergePatch } from '../../input/merge-patch.ts'
import { inputSchemas } from '../../input/schemas.ts'
import { toStored } from '../../input/stored.ts'
import { faultsAt, pointer, storedValues, validate } from '../../input/validate.ts'
import { matchVersion } from '../../output/conditional.ts'
import { rowPrinter } from '../../output/print-row.ts'
import { jsonAnswer, type TextAnswer } from '../../pipeline/answer.ts'
import type { Call } from '../../pipeline/call.ts'
import {
  databaseDefault,
  type RawRow,
  type Session,
  type Transaction,
  type UpdateOperation,
} from '../../ports/database.ts'
import { writableFields, type FieldInfo, type ResourceInfo } from '../../resource/resource-info.ts'
import { refuseUnseenReferences } from '../../resource/references.ts'
import { holdsFor } from '../../resource/holds-for.ts'
import { concernsTemplates, holdTemplates, settleTemplates } from '../../template/settle.ts'
import { changedRow } from './outcome.ts'
import { refuseQuery } from './read.ts'

type Values = Map<FieldInfo, UpdateOperation['values'] extends ReadonlyMap<FieldInfo, infer V> ? V : never>

/** `PATCH /{plural}/:id`: a JSON merge patch. `{}` changes nothing, not even the version. */
export async function patchRow(call: Call): Promise<TextAnswer> {
  refuseQuery(call)
  const { resource } = call.request.route
  const body = validate(inputSchemas(resource).part, withoutNested(resource, call.body)) as Record<string, unknown>
  const nested = nestedPatches(resource, call.body)
  const values: Values = storedValues(resource, body)
  const fixed = immutableOf(values)
  const { registry } = call.platform
  const templates = concernsTemplates(registry, resource, [...values.keys(), ...nested.keys()])
  if (nested.size === 0 && fixed.length === 0 && !templates)
    return call.write((session) => change(call, session, values))
  return call.transact(async (transaction) => {
    if (templates) await holdTemplates(registry, resource, transaction)
    const current = await lockRow(call, transaction)
    const merged: Values = new Map(values) // the work may be repeated
    refuseChanged(call, current, fixed, merged)
    for (const [field, patch] of nested) merged.set(field, mergedJson(field, current, patch))
    return change(call, transaction, merged, templates ? () => settle(call, transaction, merged, current) : undefined)
  })
}

/** `PUT /{plural}/:id`: the whole row. What the server owns, hides or keeps secret is ignored and kept. */
export async function replaceRow(call: Call): Promise<TextAnswer> {
  refuseQuery(call)
  const { resource } = call.request.route
  const body = validate(inputSchemas(resource).replacement, call.body) as Record<string, unknown>
  const values: Values = storedValues(resource, body)
  for (const field of writableFields(resource)) {
    if (!values.has(field) && !field.secret && !field.immutable) values.set(field, absentValue(field))
  }
  const fixed = immutableOf(values)
  const { registry } = call.platform
  const templates = concernsTemplates(registry, resource, values.keys())
  if (fixed.length === 0 && !templates) return call.write((session) => change(call, session, values))
  return call.transact(async (transaction) => {
    if (templates) await holdTemplates(registry, resource, transaction)
    const current = await lockRow(call, transaction)
    const merged: Values = new Map(values) // the work may be repeated
    refuseChanged(call, current, fixed, merged)
    return change(call, transaction, merged, templates ? () => settle(call, transaction, merged, current) : undefined)
  })
}

/** Who may not change the row is told that, and nothing of what it inherits. */
function settle(call: Call, transaction: Transaction, values: Values, current: RawRow): Promise<void> {
  const { resource } = call.request.route
  if (!holdsFor(resource, current, call.allowed, call.scope.facts))
    changedRow({ outcome: 'denied' }, `${resource.name}:update`)
  return settleTemplates({ registry: call.platform.registry, resource, transaction, values, current })
}

async function change(
  call: Call,
  session: Session,
  values: Values,
  settled?: () => Promise<void>,
): Promise<TextAnswer> {
  const { resource } = call.request.route
  const printer = rowPrinter(resource)
  const operation = {
    resource,
    id: call.parameters.id!,
    visible: call.visible,
    allowed: call.allowed,
    ifVersion: matchVersion(call.headers['if-match']),
    event: 'updated',
    values,
  }
  await refuseUnseenReferences(call.platform.registry, call.request.principal, resource, values, session)
  await settled?.()
  const result = values.size === 0 ? await session.probe(operation) : await session.update(operation)
  const row = changedRow(result, `${resource.name}:update`)
  return jsonAnswer(200, printer.print(row), { etag: printer.etag(row) })
}

async function lockRow(call: Call, transaction: Transaction): Promise<RawRow> {
  const row = await transaction.lock({
    resource: call.request.route.resource,
    id: call.parameters.id!,
    visible: call.visible,
  })
  if (!row) throw problem('not_found')
  return row
}

/** Takes the immutable fields out of the change; they are compared with the row instead. */
function immutableOf(values: Values): readonly FieldInfo[] {
  return [...values.keys()].filter((field) => field.immutable)
}

/**
 * An immutable field must be absent or equal; a secret one absent, since "equal" would tell whether it was guessed. Who may not
 * change the row is told that, and nothing about its values.
 * @throws permission_denied, validation_failed
 */
function refuseChanged(call: Call, current: RawRow, fixed: readonly FieldInfo[], values: Values): void {
  const { resource } = call.request.route
  if (!holdsFor(resource, current, call.allowed, call.scope.facts))
    changedRow({ outcome: 'denied' }, `${resource.name}:update`)
  const changed = fixed.filter((field) => {
    const before = current[field.key]
    const now = values.get(field)
    const same =
      before === null || before === undefined
        ? now === null
        : JSON.stringify(comparable(field, now)) === field.kind.print(before)
    values.delete(field)
    return field.secret || !same
  })
  if (changed.length === 0) return
  throw problem('validation_failed', {
    errors: changed.map((field) => ({
      path: pointer([field.key]),
      code: 'immutable',
      message: 'Cannot be changed once the row exists',
    })),
  })
}

/** A stored value in the form in which `print` shows it. */
function comparable(field: FieldInfo, stored: unknown): unknown {
  if (typeof stored !== 'string') return stored
  if (field.kind.compares === 'time') return new Date(stored).toISOString()
  if (field.kind.name === 'json') return JSON.parse(stored) as unknown
  if (field.kind.compares === 'number') return Number(stored)
  return field.kind.compares === 'boolean' ? stored === 'true' : stored
}

/** What an absent field of a PUT becomes: its default, or NULL. */
function absentValue(field: FieldInfo): string | null | typeof databaseDefault {
  if (!field.hasDefault) return null
  const usual: unknown = field.column.default
  if (usual === undefined || usual instanceof SQL) return databaseDefault
  return toStored(field, field.kind.toJson(usual))
}

/** json columns whose patch is an object: they merge with what is stored (RFC 7396), so they need the row. */
function nestedPatches(resource: ResourceInfo, body: unknown): ReadonlyMap<FieldInfo, unknown> {
  const patches = new Map<FieldInfo, unknown>()
  if (!isObject(body)) return patches
  for (const field of writableFields(resource)) {
    if (field.kind.name === 'json' && Object.hasOwn(body, field.key) && isObject(body[field.key]))
      patches.set(field, body[field.key])
  }
  return patches
}

/** The body without them: a patch need not satisfy the schema that the merged value must. */
function withoutNested(resource: ResourceInfo, body: unknown): unknown {
  const nested = nestedPatches(resource, body)
  if (nested.size === 0 || !isObject(body)) return body
  const names = new Set([...nested.keys()].map((field) => field.key))
  return Object.fromEntries(Object.entries(body).filter(([key]) => !names.has(key)))
}

/** @throws validation_failed when the merged value is not what the field takes */
function mergedJson(field: FieldInfo, current: RawRow, patch: unknown): string | null {
  const stored = current[field.key]
  const merged = mergePatch(stored === null || stored === undefined ? undefined : field.kind.decode(stored), patch)
  const checked = field.schema.safeParse(merged)
  if (checked.success) return toStored(field, checked.data)
  throw problem('validation_failed', { errors: faultsAt([field.key], checked.error, merged) })
}
