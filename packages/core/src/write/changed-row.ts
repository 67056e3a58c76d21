import { problem } from '../errors/plinth-error.ts'
import type { ChangeResult, RawRow } from '../ports/database.ts'

/**
 * The row of a change that happened, or the error of one that did not.
 * @throws not_found, permission_denied, version_mismatch, not_deleted
 */
export function changedRow(result: ChangeResult, permission: string): RawRow {
  if (result.outcome === 'done') return result.row
  if (result.outcome === 'missing') throw problem('not_found')
  if (result.outcome === 'stale') throw problem('version_mismatch')
  if (result.outcome === 'live') throw problem('not_deleted')
  throw problem('permission_denied', {
    detail: `This row needs the permission ${permission} in a wider scope.`,
    asked: permission,
  })
}
