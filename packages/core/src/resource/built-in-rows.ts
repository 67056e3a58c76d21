import { createHash } from 'node:crypto'
import { order } from '../condition/comparable.ts'
import type { Facts } from '../condition/condition.ts'
import { closedView, markShown } from '../fields/field-view.ts'
import type { Registry } from '../platform/registry.ts'
import type { ListOperation, Raw, RawRow, Session, SortKey, Stored } from '../ports/database.ts'
import { admittedAmong } from './admitted.ts'
import type { ResourceInfo } from './resource-info.ts'

/** Makes the built-in rows of a resource, once per platform: values as the driver hands them over (json is text), without the platform's columns. */
export type BuiltInRows = (registry: Registry) => readonly BuiltInRow[]

export type BuiltInRow = { readonly key: string; readonly values: Readonly<Record<string, Raw>> }

/** Before all rows of tenants: nobody made them. */
const MADE_AT = '1970-01-01 00:00:00+00'

const made = new WeakMap<ResourceInfo, readonly RawRow[]>()

/** The built-in rows of a resource; none where it declares none. */
export function builtInRows(registry: Registry, resource: ResourceInfo): readonly RawRow[] {
  const declared = resource.declaration.builtIn
  if (!declared) return []
  const known = made.get(resource) ?? declared(registry).map((row) => completed(resource, row))
  made.set(resource, known)
  return known
}

export function builtInRow(registry: Registry, resource: ResourceInfo, id: string): RawRow | undefined {
  return builtInRows(registry, resource).find((row) => row.id === id.toLowerCase())
}

/** The id is made of the key, so that it is the same in every process and for every tenant. */
function completed(resource: ResourceInfo, { key, values }: BuiltInRow): RawRow {
  const empty = Object.fromEntries(resource.fields.map((field) => [field.key, null]))
  return {
    ...empty,
    ...values,
    id: builtInId(resource.name, key),
    createdAt: MADE_AT,
    updatedAt: MADE_AT,
    // Its tag must be another one when another release says something else.
    version: createHash('sha256').update(JSON.stringify(values)).digest().readUInt32BE() % 2 ** 31,
    builtIn: true,
  }
}

/** A UUID of version 8 (RFC 9562 §5.8). */
function builtInId(name: string, key: string): string {
  const bytes = createHash('sha256').update(`built in ${name} ${key}`).digest()
  bytes[6] = (bytes[6]! & 0x0f) | 0x80
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-')
}

const withRows = new WeakMap<Registry, boolean>()

/** A session whose reads have the built-in rows too. Where no resource has any, it is the session itself. */
export function withBuiltInRows(session: Session, registry: Registry, facts: Facts): Session {
  const any = withRows.get(registry) ?? registry.resources.some(({ declaration }) => declaration.builtIn !== undefined)
  withRows.set(registry, any)
  if (!any) return session
  const matching = ({
    resource,
    where,
  }: Pick<ListOperation, 'resource' | 'where'>): readonly RawRow[] | Promise<readonly RawRow[]> => {
    const rows = builtInRows(registry, resource)
    return rows.length === 0 ? rows : admittedAmong(session, resource, rows, where, facts)
  }
  return {
    async read(operation) {
      const row = builtInRow(registry, operation.resource, operation.id)
      if (!row) return session.read(operation)
      const { resource, visible, view = closedView(resource) } = operation
      const admitted = await admittedAmong(session, resource, [row], visible, facts)
      return (await markShown(session, view, resource, admitted, facts))[0]
    },
    async list(operation) {
      const { resource, sort, after, view = closedView(resource) } = operation
      const further = (await matching(operation)).filter(
        (row) => !after || compareRows(sort, row, keyed(sort, after)) > 0,
      )
      const rows = await markShown(session, view, resource, further, facts)
      return rows.length === 0 ? session.list(operation) : listBoth(session, operation, rows)
    },
    count: async (operation) => (await session.count(operation)) + (await matching(operation)).length,
    aclEntries: (operation) => session.aclEntries(operation),
    related: (operation) => session.related(operation),
    create: (operation) => session.create(operation),
    update: (operation) => session.update(operation),
    delete: (operation) => session.delete(operation),
    restore: (operation) => session.restore(operation),
    probe: (operation) => session.probe(operation),
  }
}

/**
 * One page out of both. Of the k built-in rows at most k stand before it, so the stored rows of the page begin at most k earlier; and
 * whatever stands k places into what is read stands behind all that was skipped.
 */
async function listBoth(
  session: Session,
  operation: ListOperation,
  rows: readonly RawRow[],
): Promise<readonly RawRow[]> {
  const { sort, offset, limit } = operation
  const earlier = Math.min(rows.length, offset)
  const stored = await session.list({ ...operation, offset: offset - earlier, limit: limit + earlier })
  const all = [...rows, ...stored].sort((left, right) => compareRows(sort, left, right))
  return all.slice(earlier, earlier + limit)
}

/** The sort values of a cursor as a row. */
function keyed(sort: readonly SortKey[], after: readonly Stored[]): RawRow {
  return Object.fromEntries(sort.map(({ field }, at) => [field.key, after[at] ?? null]))
}

/** As PostgreSQL sorts: NULLs last both ways. */
function compareRows(sort: readonly SortKey[], left: RawRow, right: RawRow): number {
  for (const { field, descending } of sort) {
    const [one, other] = [left[field.key] ?? null, right[field.key] ?? null]
    if (one === null || other === null) {
      if (one === other) continue
      return one === null ? 1 : -1
    }
    const sign = order(one, other, field.kind.compares)
    if (sign !== 0) return descending ? -sign : sign
  }
  return 0
}
