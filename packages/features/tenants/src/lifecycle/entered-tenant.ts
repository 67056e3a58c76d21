import {
  isPerson,
  enterTenant,
  PlinthError,
  problem,
  type PersonalCall,
  type Principal,
  type Tenant,
} from '@plinth/core'

export interface Entered {
  readonly tenant: Tenant
  readonly principal: Principal
  /** He is above all tenants and need not belong to this one. */
  readonly operator: boolean
}

/**
 * The tenant of the path, and what the caller may do in it. One that is not his is not there, like one that there is not.
 * @throws not_found, second_factor_required
 */
export async function enteredTenant(call: PersonalCall): Promise<Entered> {
  const { platform, principal } = call
  const id = call.parameters['id']!
  if (isOperator(principal)) {
    const tenant = await platform.database.findTenant(id)
    if (!tenant) throw problem('not_found')
    return { tenant, principal, operator: true }
  }
  try {
    const tenant = await platform.tenants.choose(principal, id, platform.database)
    return { tenant, principal: await enterTenant(platform, principal, tenant), operator: false }
  } catch (error) {
    if (PlinthError.is(error) && error.code === 'tenant_forbidden') throw problem('not_found')
    throw error
  }
}

/** By his own session: a key that could act as the operator would be a key to all tenants. */
export function isOperator(principal: Principal): boolean {
  return isPerson(principal) && principal.superadmin === true
}
