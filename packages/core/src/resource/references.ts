import type { Principal } from '../auth/principal.ts'
import { problem, type InputFault } from '../errors/plinth-error.ts'
import { pointer } from '../input/validate.ts'
import type { Registry } from '../platform/registry.ts'
import type { Session, UpdateOperation } from '../ports/database.ts'
import type { ResourceInfo } from './resource-info.ts'

/**
 * A reference may point only at what the principal may see, or attaching to a row would tell that it exists, and put children
 * under a stranger's parent. The foreign key alone knows neither scopes nor soft deletion; where neither bears on the parent,
 * the key is enough and nothing is asked.
 * @throws validation_failed (`reference_not_found`, as for a row that never was)
 */
export async function refuseUnseenReferences(
  registry: Registry,
  principal: Principal,
  resource: ResourceInfo,
  values: UpdateOperation['values'],
  session: Session,
): Promise<void> {
  const faults: InputFault[] = []
  for (const [field, id] of values) {
    if (!field.reference || typeof id !== 'string') continue
    const parent = registry.byTable.get(field.reference.to() as object)
    if (!parent) continue
    const visible = principal.permissions.condition(registry.permissions.numberOf(parent.name, 'read')!)
    if (visible.kind === 'always' && !parent.byKey.has('deletedAt')) continue
    if (visible.kind !== 'never' && (await session.read({ resource: parent, id, visible }))) continue
    faults.push({
      path: pointer([field.key]),
      code: 'reference_not_found',
      message: 'There is no such row to refer to',
    })
  }
  if (faults.length > 0) throw problem('validation_failed', { errors: faults })
}
