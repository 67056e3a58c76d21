import {
  admits,
  always,
  problem,
  visibleTo,
  withBuiltInRows,
  type Call,
  type RawRow,
  type Transaction,
} from '@plinth/core'
import type { AclTarget } from './acl-target.ts'

/**
 * The row that an entry is about, kept where it is until the end of the transaction; undefined where there is none, or the caller may
 * not see it.
 */
export async function targetRow(
  { platform, request, scope }: Call,
  transaction: Transaction,
  { resource, reading, share }: AclTarget,
  id: string,
): Promise<RawRow | undefined> {
  const { permissions } = request.principal
  const visible = visibleTo(permissions, reading, permissions.condition(share))
  const builtIn = resource.declaration.builtIn
    ? await withBuiltInRows(transaction, platform.registry, scope.facts).read({ resource, id, visible })
    : undefined
  if (builtIn?.['builtIn'] === true) return builtIn
  return transaction.lock({ resource, id, visible, strength: 'keep' })
}

/** The row as it is, also one that the caller may not see, or that is softly deleted; undefined where it is gone. */
export async function storedRow(
  { platform, scope }: Call,
  transaction: Transaction,
  { resource }: AclTarget,
  id: string,
): Promise<RawRow | undefined> {
  const builtIn = resource.declaration.builtIn
    ? await withBuiltInRows(transaction, platform.registry, scope.facts).read({ resource, id, visible: always })
    : undefined
  if (builtIn?.['builtIn'] === true) return builtIn
  return transaction.lock({ resource, id, visible: always, state: 'any', strength: 'keep' })
}

/** May the caller say who may do what with this row; without a row, with every one? */
export async function mayShare(
  { request, scope }: Call,
  transaction: Transaction,
  { resource, share }: AclTarget,
  row: RawRow | undefined,
): Promise<boolean> {
  const { permissions } = request.principal
  return row
    ? admits(transaction, resource, row, permissions.condition(share), scope.facts)
    : permissions.everywhere(share)
}

/**
 * Nobody gives what he has not got: who allows something, or takes back a denial of it, may do it himself on that very row; on every
 * row, where the entry is about all.
 * @throws permission_denied
 */
export async function refuseMore(
  { request, scope, platform }: Call,
  transaction: Transaction,
  { resource, permissions }: AclTarget,
  row: RawRow | undefined,
): Promise<void> {
  const own = request.principal.permissions
  const { registry } = platform
  for (const number of permissions) {
    const [, verb] = registry.permissions.partsOf(number)
    // No entry about one row has a say about rows that are not there yet.
    if (row && verb === 'create') continue
    const may = row
      ? await admits(transaction, resource, row, own.beforePolicies(number), scope.facts)
      : own.beforePolicies(number).kind === 'always'
    if (may) continue
    const where = row ? 'on this row' : 'on every row'
    throw problem('permission_denied', {
      detail: `You may not do ${registry.permissions.names[number]!} ${where} yourself.`,
    })
  }
}
