import type { Tenant, Transaction } from '@plinth/core'
import { withThoseBehind } from './compare-access.ts'
import { factsIn, isPersonal } from './facts-of-policies.ts'
import { everybody } from './holders.ts'
import { previewAccess } from './preview-access.ts'
import type { PreviewWindow, RolePreview } from './tally.ts'
import type { PreviewParts } from './world.ts'

/** Another plan or tier that somebody thinks of for the tenant; left out, it stays. */
export interface ConsideredPlan {
  readonly change: 'plan'
  readonly plan?: string | null | undefined
  readonly tier?: string | null | undefined
}

/**
 * Who would gain and lose what, if the tenant had another plan or tier: what policies that ask for these leave to whom. Nobody is taken
 * to be signed in badly: policies that ask for a second factor as well are read as if one was shown.
 */
export function previewPlan(
  known: PreviewParts,
  transaction: Transaction,
  tenant: Tenant,
  { plan, tier }: ConsideredPlan,
  window?: PreviewWindow,
): Promise<RolePreview> {
  const { policies } = known.registry
  const bearing = [...policies].filter(([, of]) =>
    of.some(({ when }) => factsIn(when).some((fact) => fact === 'tenantPlan' || fact === 'tenantTier')),
  )
  const after: Tenant = { ...tenant, ...(plan !== undefined && { plan }), ...(tier !== undefined && { tier }) }
  return previewAccess(
    known,
    transaction,
    everybody(transaction, tenant.id),
    {
      before: { tenant, policies },
      after: { tenant: after, policies },
      permissions: withThoseBehind(
        known.registry,
        bearing.map(([number]) => number),
      ),
      personal: isPersonal(policies),
    },
    window,
  )
}
