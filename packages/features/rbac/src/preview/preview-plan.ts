import { isDeepStrictEqual } from 'node:util'
import {
  and,
  PermissionSet,
  withFacts,
  type Condition,
  type Facts,
  type Policy,
  type Registry,
  type Tenant,
  type Transaction,
} from '@plinth/core'
import { namesWithin, rolesSeen } from '../custom-roles.ts'
import type { Definitions } from '../definitions.ts'
import type { RightsDifference } from './compare-decisions.ts'
import { everybody, type Holder } from './holders.ts'
import type { HolderDifference, RolePreview } from './preview-change.ts'

/** Another plan or tier that somebody thinks of for the tenant; left out, it stays. */
export interface ConsideredPlan {
  readonly change: 'plan'
  readonly plan?: string | null | undefined
  readonly tier?: string | null | undefined
}

/**
 * Who would gain and lose what, if the tenant had another plan or tier: what policies that ask for these leave of what roles give. Nobody
 * is taken to be signed in badly: policies that ask for a second factor as well are read as if one was shown.
 */
export async function previewPlan(
  { registry, definitions }: { readonly registry: Registry; readonly definitions: Definitions },
  transaction: Transaction,
  tenant: Tenant,
  { plan, tier }: ConsideredPlan,
): Promise<RolePreview> {
  const holders = await everybody(transaction, tenant.id)
  const bearing = [...registry.policies].filter(([, policies]) => policies.some(({ when }) => asksForPlan(when)))
  const port = definitions.rights.port(rolesSeen(transaction), namesWithin(transaction))
  const after: Tenant = { ...tenant, ...(plan !== undefined && { plan }), ...(tier !== undefined && { tier }) }
  const read = new Map<string, PermissionSet>()
  const compared = new Map<string, RightsDifference>()
  const affected: HolderDifference[] = []
  for (const holder of holders) {
    const roles = [...new Set(holder.grants.map(({ role }) => role))].sort()
    const key = JSON.stringify([holder.kind, roles])
    let difference = compared.get(key)
    if (!difference) {
      let rights = PermissionSet.none
      for (const role of roles) {
        const known = read.get(role) ?? (await port.permissionsOf(tenant.id, [role]))
        read.set(role, known)
        rights = rights.union(known)
      }
      difference = compare(registry, bearing, rights, (of) => factsIn(of, holder, roles), tenant, after)
      compared.set(key, difference)
    }
    const { kind, id } = holder
    if (difference.gained.length + difference.lost.length > 0) affected.push({ kind, id, ...difference })
  }
  return {
    holders: holders.length,
    gaining: affected.filter(({ gained }) => gained.length > 0).length,
    losing: affected.filter(({ lost }) => lost.length > 0).length,
    affected,
  }
}

function compare(
  { permissions }: Registry,
  bearing: readonly (readonly [number, readonly Policy[]])[],
  rights: PermissionSet,
  facts: (tenant: Tenant) => Facts,
  now: Tenant,
  then: Tenant,
): RightsDifference {
  const [gained, lost]: [string[], string[]] = [[], []]
  const [left, right] = [facts(now), facts(then)]
  for (const [number, policies] of bearing) {
    const [before, after] = [left, right].map((each) => and(...policies.map(({ when }) => withFacts(when, each))))
    if (!rights.holds(number) || isDeepStrictEqual(before, after)) continue
    const scopes = rights.scopes(number).map((scope) => `${permissions.names[number]!}:${scope}`)
    // Rows that a policy leaves under either plan may be others: then something is gained and something lost.
    if (after!.kind !== 'never' && before!.kind !== 'always') gained.push(...scopes)
    if (before!.kind !== 'never' && after!.kind !== 'always') lost.push(...scopes)
  }
  return { gained, lost }
}

function asksForPlan(condition: Condition): boolean {
  switch (condition.kind) {
    case 'fact':
      return condition.fact === 'tenantPlan' || condition.fact === 'tenantTier'
    case 'not':
      return asksForPlan(condition.of)
    case 'and':
    case 'or':
      return condition.of.some(asksForPlan)
    default:
      return false
  }
}

function factsIn(tenant: Tenant, { kind, id }: Holder, roles: readonly string[]): Facts {
  const member = kind === 'member'
  return {
    principalId: id,
    userId: member ? id : null,
    groupIds: [],
    circumstances: {
      principalKind: member ? 'user' : 'service',
      roles,
      credential: member ? 'cookie' : 'apiKey',
      secondFactor: true,
      tenantId: tenant.id,
      tenantSlug: tenant.slug,
      tenantStatus: tenant.status,
      tenantPlan: tenant.plan ?? null,
      tenantTier: tenant.tier ?? null,
    },
  }
}
