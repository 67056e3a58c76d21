import type { ResourceInfo } from '../../resource/resource-info.ts'
import type { GuardedRoute } from '../route.ts'
import type { RouteParts } from './route-parts.ts'
import { restoreRow } from './restore.ts'

/** The way back, where the table is deleted softly. */
export function restoreRoutes(resource: ResourceInfo, parts: RouteParts): readonly GuardedRoute[] {
  if (!resource.operations.restore) return []
  return [
    {
      ...parts.common,
      ...parts.guard('restore'),
      method: 'POST',
      path: `${parts.base}/:id/restore`,
      operationId: `restore${parts.title}`,
      summary: `Bring a deleted ${resource.name} back`,
      errors: ['not_found', 'not_deleted', 'parent_deleted', 'already_exists', 'version_mismatch'],
      handle: restoreRow,
      answers: [parts.row],
    },
  ]
}
