import { markShown, type FieldView } from '../fields/field-view.ts'
import type { Call } from '../pipeline/call.ts'
import type { RawRow } from '../ports/database.ts'
import { admits } from '../resource/admitted.ts'

/**
 * The row of a request as its principal may see it. Of a resource with `cache` it may come from memory: what the row is, is the same for
 * everybody in the tenant, and who sees it and what of it is decided here, by the reader of conditions that the tests hold equal to
 * PostgreSQL's. What the ACL says of it is never kept longer than elsewhere.
 */
export async function readShared(call: Call, view: FieldView): Promise<RawRow | undefined> {
  const { platform, session, scope, visible } = call
  const { resource } = call.request.route
  const id = call.parameters['id']!
  if (resource.cacheSeconds === undefined) return session.read({ resource, id, visible, view })
  const maxAge = resource.cacheSeconds * 1_000
  const row = await platform.rows.read({ session, tenantId: scope.tenantId, resource, id, maxAge })
  if (!row || !(await admits(session, resource, row, visible, scope.facts))) return undefined
  const [shown] = await markShown(session, view, resource, [row], scope.facts)
  return shown
}
