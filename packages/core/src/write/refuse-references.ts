import { problem, type InputFault } from '../errors/plinth-error.ts'
import { pointer } from '../input/validate.ts'
import type { RawRow, UpdateOperation } from '../ports/database.ts'
import type { ResourceInfo } from '../resource/resource-info.ts'
import { permitted } from '../resource/reading-context.ts'
import { isSoft, parentOf } from './family.ts'
import { transactionOf, type WriteParts } from './write-parts.ts'

/**
 * A reference may point only at what the principal may see, or attaching to a row would tell that it exists, and put children
 * under a stranger's parent. The foreign key alone knows neither scopes nor soft deletion; where neither bears on the parent,
 * the key is enough and nothing is asked. A parent that can go softly is locked: read only, it could go before the row is written.
 *
 * @param current the row as it is, where it is known: a reference that it holds already stays, whatever became of the parent, so
 * that what GET gave can be PUT
 * @throws validation_failed (`reference_not_found`, as for a row that never was)
 */
export async function refuseReferences(
  parts: WriteParts,
  resource: ResourceInfo,
  values: UpdateOperation['values'],
  current?: RawRow,
): Promise<void> {
  const faults: InputFault[] = []
  for (const [field, id] of values) {
    if (!field.reference || typeof id !== 'string') continue
    const parent = parentOf(parts.platform.registry, field)
    if (!parent) continue
    const visible = permitted(parts, parent, 'read')
    if (visible.kind === 'always' && !isSoft(parent)) continue
    if (current && String(current[field.key]) === (field.kind.name === 'uuid' ? id.toLowerCase() : id)) continue
    const found =
      visible.kind === 'never'
        ? undefined
        : isSoft(parent)
          ? await transactionOf(parts).lock({ resource: parent, id, visible, strength: 'keep' })
          : await parts.session.read({ resource: parent, id, visible })
    if (found) continue
    faults.push({
      path: pointer([field.key]),
      code: 'reference_not_found',
      message: 'There is no such row to refer to',
    })
  }
  if (faults.length === 0) return
  throw problem('validation_failed', { errors: faults })
}
