import { problem } from '../errors/plinth-error.ts'
import { matchVersion } from '../output/conditional.ts'
import type { Call } from '../pipeline/call.ts'
import type { RawRow, Transaction } from '../ports/database.ts'
import type { ResourceInfo } from '../resource/resource-info.ts'

/**
 * The row of a hand-written change, locked, in the order of answers of every other row: there, yours to change, in the version that
 * was seen (`If-Match`).
 * @throws not_found, permission_denied, version_mismatch
 */
export async function lockedRow(call: Call, transaction: Transaction, resource: ResourceInfo): Promise<RawRow> {
  const id = call.parameters['id']!
  const row = await transaction.lock({ resource, id, visible: call.visible })
  if (!row) throw problem('not_found')
  if (!(await transaction.read({ resource, id, visible: call.allowed })))
    throw problem('permission_denied', {
      detail: `This needs the permission ${resource.name}:${call.request.route.verb} in a wider scope.`,
    })
  const ifVersion = matchVersion(call.headers['if-match'])
  if (ifVersion !== undefined && row['version'] !== ifVersion) throw problem('version_mismatch')
  return row
}

/**
 * Of what belongs to the whole tenant there are no own rows to begin with: who may only make his own makes none.
 * @throws permission_denied
 */
export function refuseNarrow(call: Call): void {
  if (call.allowed.kind === 'always') return
  const { resource, verb } = call.request.route
  throw problem('permission_denied', { detail: `This needs the permission ${resource.name}:${verb} in the scope all.` })
}
