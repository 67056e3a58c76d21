import type { Actor, Principal } from '../auth/principal.ts'
import { systemPrincipal } from '../auth/system-principal.ts'
import { PermissionSet } from '../policy/permission-set.ts'
import type { Platform } from '../platform/platform.ts'
import { enterTenant } from '../tenancy/enter-tenant.ts'
import type { Tenant } from '../tenancy/tenant.ts'

/** Who asked for something that happens later. */
export interface RememberedPrincipal extends Actor {
  /** The user on whose behalf a key asked. */
  readonly userId: string | null
  /** Whether a second factor stood behind it then. */
  readonly secondFactor: boolean
  readonly at: Date
}

/**
 * The principal as it is now, with the rights that it has now: what was taken away since it asked is gone. It acts as a program does
 * (what only a person may do, it may not), whatever it was signed in with.
 * @returns undefined where there is none of this kind and name any more
 * @throws tenant_forbidden, second_factor_required
 */
export async function recallPrincipal(
  platform: Platform,
  remembered: RememberedPrincipal,
  tenant: Tenant,
): Promise<Principal | undefined> {
  const { kind, id } = remembered
  if (kind === 'system') return systemPrincipal(platform.registry.permissions, 'job')
  const found = (await fromSources(platform, remembered, tenant)) ?? (kind === 'user' ? member(id) : undefined)
  if (!found) return undefined
  // A credential that belongs to another tenant by now may nothing in this one.
  if (found.tenant !== null && found.tenant !== tenant.id && found.tenant !== tenant.slug) return undefined
  const session = {
    id: 'job',
    credential: 'apiKey',
    secondFactor: remembered.secondFactor,
    authenticatedAt: remembered.at,
  } as const
  return enterTenant(platform, { ...found, superadmin: false, session }, tenant)
}

async function fromSources(
  { registry }: Platform,
  { kind, id }: Actor,
  tenant: Tenant,
): Promise<Principal | undefined> {
  for (const { slots } of registry.features)
    for (const source of slots?.principals ?? []) {
      if (source.kind !== kind) continue
      const found = await source.find(id)
      // Sources find by name and address too; whoever took over somebody's name is somebody else.
      if (found?.id === id) return found
    }
  for (const { slots } of registry.features) {
    const found = await slots?.recall?.({ kind, id }, tenant)
    if (found) return found
  }
  return undefined
}

/** A user whom no source knows is what his membership says: none, and he is refused. */
function member(id: string): Principal {
  return {
    kind: 'user',
    id,
    name: id,
    userId: id,
    groupIds: [],
    tenant: null,
    permissions: PermissionSet.none,
    rights: { member: id },
  }
}
