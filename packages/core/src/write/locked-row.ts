import { problem } from '../errors/plinth-error.ts'
import { matchVersion } from '../output/conditional.ts'
import type { Call } from '../pipeline/call.ts'
import type { RawRow, Transaction } from '../ports/database.ts'
import { admits } from '../resource/admitted.ts'
import type { ResourceInfo } from '../resource/resource-info.ts'
import { deniedRow } from './write-parts.ts'

/**
 * The row of an action or of a hand-written change, locked, in the order of answers of every other row: there, yours to change, in the version that
 * was seen (`If-Match`).
 * @throws not_found, permission_denied, version_mismatch
 */
export async function lockedRow(call: Call, transaction: Transaction, resource: ResourceInfo): Promise<RawRow> {
  const row = await transaction.lock({ resource, id: call.parameters['id']!, visible: call.visible })
  if (!row) throw problem('not_found')
  if (!(await admits(transaction, resource, row, call.allowed, call.scope.facts)))
    throw deniedRow(resource, call.request.route.verb)
  const ifVersion = matchVersion(call.headers['if-match'])
  if (ifVersion !== undefined && Number(row['version']) !== ifVersion) throw problem('version_mismatch')
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
