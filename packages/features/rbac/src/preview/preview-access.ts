import type { Roles, Transaction } from '@plinth/core'
import { compareAccess } from './compare-access.ts'
import type { Holders } from './holders.ts'
import { Compared, Tally, type AccessDifference, type PreviewWindow, type RolePreview } from './tally.ts'
import { askerOf, permissionsIn, rolesOf, sayingsOf, type Asker, type PreviewParts, type World } from './world.ts'

/** Two worlds but for what the ACL says, which is the same in both. */
export interface Comparison {
  readonly before: Omit<World, 'said'>
  readonly after: Omit<World, 'said'>
  /** Numbers of the permissions that may be others. */
  readonly permissions: readonly number[]
  /** Whether ids of people have a say: then nobody is compared like another. */
  readonly personal: boolean
}

/**
 * Who would gain and lose what, if one world became the other: real decisions, with roles, entries of the ACL and policies. Members who
 * are suspended may do nothing in either, and are left out.
 */
export async function previewAccess(
  known: PreviewParts,
  transaction: Transaction,
  holders: Holders,
  comparison: Comparison,
  window: PreviewWindow | undefined,
): Promise<RolePreview> {
  const roles = rolesOf(transaction, known.definitions)
  const compared = new Compared<AccessDifference>()
  const tally = new Tally(window)
  for await (const some of holders) {
    const askers = some.filter(({ active }) => active).map(askerOf)
    const sayings = await sayingsOf(transaction, comparison.before.tenant.id, askers)
    for (const asker of askers) {
      const said: World['said'] = (subjects) => subjects.flatMap((subject) => sayings.get(subject) ?? [])
      // Many are the same to all that has a say: they are compared once.
      const alike =
        comparison.personal || said(asker.subjects).length > 0
          ? undefined
          : JSON.stringify([asker.kind, asker.subjects.slice(1)])
      const found = alike === undefined ? undefined : compared.get(alike)
      const difference = found ?? (await differenceFor(known, roles, asker, comparison, said))
      if (alike !== undefined && !found) compared.set(alike, difference)
      tally.add(asker, difference)
    }
  }
  return tally.preview
}

async function differenceFor(
  known: PreviewParts,
  roles: Roles,
  asker: Asker,
  { before, after, permissions }: Comparison,
  said: World['said'],
): Promise<AccessDifference> {
  const [left, right] = [
    await permissionsIn(known, roles, asker, { ...before, said }),
    await permissionsIn(known, roles, asker, { ...after, said }),
  ]
  return compareAccess(known.registry, permissions, left, right)
}
