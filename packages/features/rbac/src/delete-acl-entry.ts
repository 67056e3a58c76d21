import {
  admits,
  always,
  emptyAnswer,
  matchVersion,
  problem,
  refuseQuery,
  type Call,
  type RawRow,
  type TextAnswer,
  type Transaction,
} from '@plinth/core'
import { mayShare, refuseMore, storedRow } from './acl-reach.ts'
import { targetOf } from './acl-target.ts'

/**
 * `DELETE /acl/:id`: takes an entry back. It needs what making it needs; to take back a denial also what allowing it needs, or whom it
 * hits could take it back himself.
 */
export async function deleteAclEntry(call: Call): Promise<TextAnswer> {
  refuseQuery(call)
  const ifVersion = matchVersion(call.headers['if-match'])
  const { resource } = call.request.route
  const id = call.parameters.id!
  return call.transactAsSystem(async (system, transaction) => {
    system.changesMembers()
    const entry = await transaction.lock({ resource, id, visible: always, strength: 'delete' })
    if (!entry) throw problem('not_found')
    await permitRemoval(call, transaction, entry)
    if (ifVersion !== undefined && Number(entry['version']) !== ifVersion) throw problem('version_mismatch')
    await transaction.delete({ resource, id, visible: always, allowed: always, ifVersion: undefined, event: 'deleted' })
    return emptyAnswer(204)
  })
}

/**
 * What making it needs, whoever would take it back.
 * @throws not_found for who may neither read the entry nor share the row, permission_denied
 */
export async function permitRemoval(call: Call, transaction: Transaction, entry: RawRow): Promise<void> {
  const { registry } = call.platform
  const { permissions } = call.request.principal
  const { resource } = call.request.route
  const target = targetOf(registry, String(entry['model']), String(entry['action']))
  const recordId = entry['recordId']
  // The row itself, seen or not: whom a denial of reading hits does not see it, and must not be rid of the denial by that.
  const row = target && recordId != null ? await storedRow(call, transaction, target, String(recordId)) : undefined
  // What the product has no more: for those who may share everything.
  const share = target?.share ?? registry.permissions.numberOf(resource.name, 'share')!
  const may =
    target && (row !== undefined || recordId == null)
      ? await mayShare(call, transaction, target, row)
      : permissions.everywhere(share)
  if (!may) {
    const reading = permissions.condition(registry.permissions.numberOf(resource.name, 'read')!)
    if (!(await admits(transaction, resource, entry, reading, call.scope.facts))) throw problem('not_found')
    const name = target?.resource.name ?? resource.name
    throw problem('permission_denied', { detail: `This entry needs the permission ${name}:share in a wider scope.` })
  }
  if (target && entry['effect'] === 'deny' && (row !== undefined || recordId == null))
    await refuseMore(call, transaction, target, row)
}
