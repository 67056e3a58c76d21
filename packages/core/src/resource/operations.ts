import type { StartupFault } from '../errors/startup-error.ts'
import type { Operations, Resource } from './define-resource.ts'

export const operationNames = [
  'create',
  'read',
  'list',
  'update',
  'delete',
  'restore',
  'bulk',
  'clear',
] as const satisfies readonly (keyof Operations)[]

/** Which operations a resource has, with every default filled in. */
export function settleOperations(
  at: string,
  { operations: given }: Resource,
  soft: boolean,
  faults: StartupFault[],
): Required<Operations> {
  const path = (operation: string): string => `${at}.operations.${operation}`
  for (const operation of Object.keys(given)) {
    if ((operationNames as readonly string[]).includes(operation)) continue
    faults.push({
      path: path(operation),
      problem: 'is no operation',
      fix: `use one of: ${operationNames.join(', ')}`,
    })
  }
  const { create = true, read = true, list = true, update = true, delete: remove = true } = given
  if (given.restore && !soft) {
    faults.push({
      path: path('restore'),
      problem: 'there is nothing to restore: the table is not deleted softly',
      fix: 'give the table deletedAt: deletedAt()',
    })
  }
  if (given.bulk && !create && !update && !remove) {
    faults.push({
      path: path('bulk'),
      problem: 'there is nothing to do in bulk: create, update and delete are off',
      fix: 'operations: { bulk: false }',
    })
  }
  const bulk = given.bulk ?? (create || update || remove)
  return {
    create,
    read,
    list,
    update,
    delete: remove,
    restore: given.restore ?? soft,
    bulk,
    clear: given.clear ?? false,
  }
}

/**
 * Permission actions of the operations. Reading one and listing are the same permission, and a bulk asks those of what it does.
 * All but
 * `clear` are there whether or not they are served: code asks them, too.
 */
export function verbsOf({ clear }: Required<Operations>, soft: boolean): readonly string[] {
  return ['read', 'create', 'update', 'delete', ...(soft ? ['restore'] : []), ...(clear ? ['clear'] : []), SHARE]
}

/** The permission to say, by entries of the ACL, who may do what with which rows. It is no operation: `/acl` asks it. */
export const SHARE = 'share'
