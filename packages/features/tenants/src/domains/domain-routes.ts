import {
  addMember,
  jsonAnswer,
  problem,
  refuseQuery,
  routePartsOf,
  statement,
  type GuardedRoute,
  type PersonalCall,
  type PersonalRoute,
  type Registry,
  type Route,
  type TextAnswer,
} from '@plinth/core'
import { joinedTenant } from '../directory/tenant-schema.ts'
import { tenantWithin } from '../directory/tenant-within.ts'
import { announceMember } from '../people/announce-member.ts'
import { tenancyProblem } from '../tenancy-errors.ts'
import { tenantToJoin } from './domain-owner.ts'
import { domains } from './domain-resource.ts'
import type { ResolveTxt } from './resolve-txt.ts'
import { verifyDomain } from './verify-domain.ts'

/** Proving a domain, and joining by one. The domains themselves are a resource like any other. */
export function domainRoutes(registry: Registry, resolve: ResolveTxt): readonly Route[] {
  const { base, common, guard, row } = routePartsOf(registry, registry.byTable.get(domains)!)
  const verify: GuardedRoute = {
    ...common,
    ...guard('update'),
    method: 'POST',
    path: `${base}/:id/verify`,
    operationId: 'verifyDomain',
    summary: 'Look for the token in the DNS: TXT record of `_plinth.{domain}`',
    errors: ['not_found', 'version_mismatch', 'invalid_query', 'domain_unverified', 'already_exists'],
    answers: [row],
    handle: (call) => verifyDomain(call, resolve),
  }
  const join: PersonalRoute = {
    public: false,
    personal: 'user',
    inTenant: false,
    tag: 'tenant',
    origin: 'platform',
    method: 'POST',
    path: '/api/v1/tenants/join',
    operationId: 'joinTenant',
    summary: 'Join the tenant whose domain your verified address is in',
    errors: ['not_found', 'email_unverified', 'invalid_query'],
    answers: [{ status: 200, description: 'The tenant, and what you are in it', schema: joinedTenant }],
    handle: joinByDomain,
  }
  return [verify, join]
}

export const JOINING_ROLES: readonly string[] = ['user']

async function joinByDomain(call: PersonalCall): Promise<TextAnswer> {
  refuseQuery(call)
  const { platform, principal, requestId, client } = call
  const userId = principal.userId
  if (userId === null) throw problem('not_found')
  return platform.database.system(async (system) => {
    const [own] = await system.run(statement`
      select email, email_verified_at is not null as verified from plinth.users
      where id = ${userId}::uuid and status = 'active'`)
    const email = own?.['email']
    if (typeof email !== 'string' || own?.['verified'] !== true) throw tenancyProblem('email_unverified')
    const tenantId = await tenantToJoin(system, userId, email)
    if (tenantId === undefined)
      throw problem('not_found', { detail: 'There is no tenant that you could join by your address.' })
    const tenant = await tenantWithin(system, tenantId)
    const roles = JOINING_ROLES
    if (await addMember(system, { tenantId, userId, roles }))
      await announceMember(platform, system, { principal, tenant, requestId, client, userId, roles })
    return jsonAnswer(200, JSON.stringify({ tenant, roles }))
  })
}
