import { always, problem, type Platform, type Tenant, type Transaction } from '@plinth/core'
import type { AclInput } from '../acl-input.ts'
import type { DefinitionsOf } from '../definitions.ts'
import { storedTexts } from '../tenant-policies.ts'
import { considerEntry, considerRemoval, type ConsideredEntry } from './considered-entry.ts'
import { previewEntry } from './preview-acl.ts'
import { previewChange, type ConsideredChange } from './preview-change.ts'
import { previewPlan, type ConsideredPlan } from './preview-plan.ts'
import { previewPolicies, type ConsideredPolicies } from './preview-policies.ts'
import type { PreviewWindow, RolePreview } from './tally.ts'

/** An entry of the ACL that is to be made, or one that there is and that is to go. */
export type ConsideredAcl =
  | { readonly change: 'acl'; readonly entry: AclInput }
  | { readonly change: 'acl'; readonly deleted: string }

/** Everything that can be asked about before it is done. */
export type Considered = ConsideredChange | ConsideredPlan | ConsideredPolicies | ConsideredAcl

/** Where something is thought of, in the name of the platform. */
export interface PreviewPlace {
  readonly platform: Platform
  readonly definitions: DefinitionsOf
  readonly transaction: Transaction
  readonly tenant: Tenant
}

/**
 * Who would gain and lose what. Nothing is written, and nothing locked.
 * @throws validation_failed for what there is not, not_found for an entry that there is not
 */
export async function preview(
  place: PreviewPlace,
  considered: Considered,
  window?: PreviewWindow,
): Promise<RolePreview> {
  const { platform, definitions, transaction, tenant } = place
  const known = { registry: platform.registry, definitions: definitions.known }
  switch (considered.change) {
    case 'plan':
      return previewPlan(known, transaction, tenant, considered, window)
    case 'policies':
      return previewPolicies(known, transaction, tenant, considered, window)
    case 'acl': {
      const entry = await entryOf(place, considered)
      return previewEntry({ ...known, platform, transaction, tenant, keys: true }, entry, window)
    }
    case 'permissions': {
      const settled = { ...considered, permissions: storedTexts(definitions, considered.permissions) }
      return previewChange(known, transaction, tenant.id, settled, window)
    }
    default:
      return previewChange(known, transaction, tenant.id, considered, window)
  }
}

async function entryOf(
  { platform, definitions, transaction, tenant }: PreviewPlace,
  considered: ConsideredAcl,
): Promise<ConsideredEntry> {
  if ('entry' in considered)
    return considerEntry(
      { platform, definitions: definitions.known, transaction, tenant, runner: transaction },
      considered.entry,
    )
  const resource = platform.registry.resources.find((one) => one.name === 'aclEntry')!
  const row = await transaction.read({ resource, id: considered.deleted, visible: always })
  if (!row) throw problem('not_found', { detail: 'There is no such entry of the ACL.' })
  return considerRemoval(platform, row)
}
