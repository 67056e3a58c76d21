import { oneOf, type Condition } from '../condition/condition.ts'
import { problem } from '../errors/plinth-error.ts'
import type { RawRow } from '../ports/database.ts'
import { admittedAmong } from '../resource/admitted.ts'
import { permitted } from '../resource/reading-context.ts'
import { fieldOf, type ResourceInfo } from '../resource/resource-info.ts'
import { childrenOf, isSoft } from './family.ts'
import { runDeleteHooks } from './run-hooks.ts'
import { deniedRow, transactionOf, type WriteParts } from './write-parts.ts'

/** Rows that may go with one deletion. More is a job, not a request: each has a record, an event and hooks of its own. */
export const MOST_DEPENDENTS = 1_000

/** The rows whose deletion was asked for. */
interface Roots {
  readonly resource: ResourceInfo
  readonly ids: ReadonlySet<string>
}

/** Rows of one resource that go with others. */
interface Taken {
  readonly resource: ResourceInfo
  readonly rows: Map<string, RawRow>
  /** For good, since what they belong to goes for good and the key would point nowhere. */
  readonly purge: boolean
}

/**
 * Deletes what belongs to rows that are about to be deleted (and are locked), as `onDelete` says. The database would do it by itself
 * with a hard deletion, without permissions, records, events and hooks, and not at all with a soft one:
 *
 * - a soft deletion takes the softly deletable children of `cascade` with it, at the same time, which is what a restoration goes by;
 *   other children stay, since their row can come back. Live children of `restrict` refuse it.
 * - a hard deletion takes all children of `cascade` with it, for good. `restrict` is the foreign key's own work.
 *
 * @throws permission_denied where a child may not be deleted, still_referenced, too_many_rows, conflict
 */
export async function deleteDependents(
  parts: WriteParts,
  resource: ResourceInfo,
  ids: readonly string[],
): Promise<void> {
  if (childrenOf(parts.platform.registry, resource).length === 0) return
  const taken = new Map<ResourceInfo, Taken>()
  const roots: Roots = { resource, ids: new Set(ids) }
  await collect(parts, resource, ids, !isSoft(resource), taken, roots)
  await refuseLiveChildren(parts, resource, ids, taken, roots)
  for (const { resource: child, rows, purge } of taken.values()) {
    if (!purge) await refuseLiveChildren(parts, child, [...rows.keys()], taken, roots)
  }
  // Found last, gone first: a child goes before what it belongs to.
  for (const each of [...taken.values()].reverse()) await remove(parts, each)
}

async function collect(
  parts: WriteParts,
  parent: ResourceInfo,
  ids: readonly string[],
  purge: boolean,
  taken: Map<ResourceInfo, Taken>,
  roots: Roots,
): Promise<void> {
  const transaction = transactionOf(parts)
  for (const { resource, field, onDelete } of childrenOf(parts.platform.registry, parent)) {
    if (onDelete === 'restrict' || (!purge && !isSoft(resource))) continue
    const known = taken.get(resource) ?? { resource, rows: new Map<string, RawRow>(), purge }
    const rows = await transaction.lockMany({
      resource,
      where: oneOf(field.key, ids),
      strength: 'delete',
      state: purge ? 'any' : 'live',
      limit: MOST_DEPENDENTS + 1,
    })
    const isRoot = (row: RawRow): boolean => resource === roots.resource && roots.ids.has(String(row.id))
    const fresh = rows.filter((row) => !known.rows.has(String(row.id)) && !isRoot(row))
    if (fresh.length === 0) continue
    await authorise(parts, resource, fresh)
    for (const row of fresh) known.rows.set(String(row.id), row)
    let total = 0
    for (const each of taken.values()) if (each !== known) total += each.rows.size
    if (total + known.rows.size > MOST_DEPENDENTS) {
      throw problem('too_many_rows', { detail: `At most ${MOST_DEPENDENTS} rows go with one deletion.` })
    }
    // Taken out and put in again: what is found anew belongs behind everything that it may belong to.
    taken.delete(resource)
    taken.set(resource, known.purge === purge ? known : { ...known, purge: true })
    await collect(
      parts,
      resource,
      fresh.map((row) => String(row.id)),
      purge,
      taken,
      roots,
    )
  }
}

async function authorise(parts: WriteParts, resource: ResourceInfo, rows: readonly RawRow[]): Promise<void> {
  const allowed = permitted(parts, resource, 'delete')
  if (allowed.kind === 'always') return
  const admitted = await admittedAmong(parts.session, resource, rows, allowed, parts.scope.facts)
  if (admitted.length === rows.length) return
  throw allowed.kind === 'never'
    ? problem('permission_denied', {
        detail: `What belongs to it needs the permission ${resource.name}:delete.`,
        asked: `${resource.name}:delete`,
      })
    : deniedRow(resource, 'delete')
}

/** @throws still_referenced where a live row that stays refers to one that goes softly */
async function refuseLiveChildren(
  parts: WriteParts,
  parent: ResourceInfo,
  ids: readonly string[],
  taken: ReadonlyMap<ResourceInfo, Taken>,
  roots: Roots,
): Promise<void> {
  if (!isSoft(parent)) return
  for (const { resource, field, onDelete } of childrenOf(parts.platform.registry, parent)) {
    if (onDelete === 'cascade') continue
    const going = new Set([
      ...(taken.get(resource)?.rows.keys() ?? []),
      ...(resource === roots.resource ? roots.ids : []),
    ])
    const where: Condition = oneOf(field.key, ids)
    const id = fieldOf(resource, 'id')
    const sort = [{ field: id, descending: false }]
    const limit = going.size + 1
    const rows = await parts.session.list({ resource, where, sort, after: undefined, limit, offset: 0, fields: [id] })
    if (rows.some((row) => !going.has(String(row.id)))) throw problem('still_referenced')
  }
}

async function remove(parts: WriteParts, { resource, rows, purge }: Taken): Promise<void> {
  const transaction = transactionOf(parts)
  const dead = [...rows.values()].filter((row) => row.deletedAt != null)
  const live = [...rows.values()].filter((row) => row.deletedAt == null)
  await runDeleteHooks(parts, resource, live, 'beforeDelete')
  const idsOf = (some: readonly RawRow[]): readonly string[] => some.map((row) => String(row.id))
  const gone =
    (await transaction.deleteMany({ resource, ids: idsOf(live), event: 'deleted', purge })) +
    // These were told of when they were deleted; now there is no way back.
    (await transaction.deleteMany({ resource, ids: idsOf(dead), event: 'purged', purge: true }))
  // Rows that point at each other in a circle: the database took some by itself, and nobody recorded it.
  if (gone !== rows.size) throw problem('conflict', { detail: 'Rows refer to each other in a circle.' })
  await runDeleteHooks(parts, resource, live, 'afterDelete')
}
