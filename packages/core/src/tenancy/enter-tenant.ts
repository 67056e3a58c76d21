import type { Principal, PrincipalKind } from '../auth/principal.ts'
import { and } from '../condition/condition.ts'
import { withFacts } from '../condition/fact-truth.ts'
import { problem } from '../errors/plinth-error.ts'
import type { Registry } from '../platform/registry.ts'
import { aclMasks, subjectOf, type SubjectKind } from '../policy/acl.ts'
import { factsOf } from '../policy/circumstances-of.ts'
import { Decisions, nowhereAlways, type Bearer } from '../policy/decisions.ts'
import { OWNER } from '../policy/grant-roles.ts'
import type { PermissionSet } from '../policy/permission-set.ts'
import type { Permissions } from '../policy/permissions.ts'
import type { Roles } from '../policy/roles.ts'
import type { Database } from '../ports/database.ts'
import type { Member, Tenant } from './tenant.ts'

/** What of a platform is asked about whoever enters. A preview answers some of it otherwise, and so hears the same decisions. */
export interface Doorway {
  readonly roles: Roles
  readonly registry: Pick<Registry, 'permissions' | 'policies' | 'acl'>
  readonly database: Pick<Database, 'findMember' | 'findAcl'>
}

/**
 * The principal with the rights that it has in this tenant: those of the membership, those of the roles of its key, or what both
 * allow; with what the ACL says of each. Who is no member is told what a stranger is told.
 * @throws tenant_forbidden, second_factor_required
 */
export async function enterTenant(platform: Doorway, principal: Principal, tenant: Tenant): Promise<Principal> {
  // The platform itself: nothing is in its way, and it names its reason in the log.
  if (principal.kind === 'system') return principal
  const { rights } = principal
  if (!rights && !platform.registry.acl && platform.registry.policies.size === 0) return byItself(principal)
  const member = rights?.member === undefined ? undefined : await membership(platform, tenant, rights.member)
  if (member && tenant.requireMfa && principal.session?.secondFactor !== true) throw problem('second_factor_required')
  const bearers = await Promise.all(bearersOf(platform, principal, tenant, member))
  const entered = rights
    ? {
        ...principal,
        groupIds: member?.groupIds ?? principal.groupIds,
        roles: platform.roles.rank(rolesNamed(platform, rights.roles, member)),
      }
    : principal
  // Policies that ask for roles ask both a key and the member whose it is.
  const asked = rights?.roles && member ? [rights.roles, member.roles] : [entered.roles ?? []]
  const askers = asked.map((roles): Principal => ({ ...entered, roles }))
  return { ...entered, permissions: decided(platform, bearers, askers, tenant) }
}

/** Where nobody but its own roles has a say, they were the decision before it entered. */
function byItself(principal: Principal): Principal {
  const { roles } = principal.permissions
  return roles === principal.permissions ? principal : { ...principal, permissions: roles }
}

/**
 * Names that mean more than their permissions (an owner's, and those that are above the ACL) are worth in a key what the member has of
 * them today: the key of an owner who was demoted would make owners still, and take the others' role from them.
 */
function rolesNamed(
  { roles: port }: Doorway,
  ofKey: readonly string[] | undefined,
  member: Member | undefined,
): readonly string[] {
  if (!ofKey || !member) return ofKey ?? member?.roles ?? []
  const meansMore = (role: string): boolean => {
    const always = port.alwaysAllowed?.([role]) ?? nowhereAlways
    return role === OWNER || always === 'everything' || always.size > 0
  }
  return ofKey.filter((role) => member.roles.includes(role) || !meansMore(role))
}

async function membership(platform: Doorway, tenant: Tenant, userId: string): Promise<Member> {
  const member = await platform.database.findMember(tenant.id, userId)
  if (member?.status !== 'active') throw problem('tenant_forbidden')
  return member
}

const kinds: Readonly<Record<Exclude<PrincipalKind, 'system'>, SubjectKind>> = {
  user: 'user',
  service: 'service',
  apiKey: 'apiKey',
}

/** A key of a member has its own roles, and its own place in the ACL: what it may do, both must allow. */
function bearersOf(
  platform: Doorway,
  principal: Principal,
  tenant: Tenant,
  member: Member | undefined,
): readonly Promise<Bearer>[] {
  const { rights, kind, id } = principal
  const itself = kind === 'system' ? [] : [subjectOf(kinds[kind], id)]
  if (!rights)
    return [bearer(platform, tenant, principal.permissions.roles, [...itself, ...groups(principal.groupIds)], [])]
  const asMember = (also: readonly string[]): Promise<Bearer> =>
    withRoles(
      platform,
      tenant,
      [subjectOf('user', rights.member!), ...also, ...groups(member!.groupIds)],
      member!.roles,
    )
  if (!rights.roles)
    return [member ? asMember(kind === 'apiKey' ? itself : []) : withRoles(platform, tenant, itself, [])]
  const asKey = withRoles(platform, tenant, [...itself, ...(member ? [] : groups(principal.groupIds))], rights.roles)
  return member ? [asKey, asMember([])] : [asKey]
}

const groups = (ids: readonly string[]): readonly string[] => ids.map((id) => subjectOf('group', id))

async function withRoles(
  platform: Doorway,
  tenant: Tenant,
  subjects: readonly string[],
  roles: readonly string[],
): Promise<Bearer> {
  const held = await platform.roles.permissionsOf(tenant.id, roles)
  return bearer(platform, tenant, held, [...subjects, ...roles.map((role) => subjectOf('role', role))], roles)
}

async function bearer(
  platform: Doorway,
  tenant: Tenant,
  held: PermissionSet,
  unsorted: readonly string[],
  roles: readonly string[],
): Promise<Bearer> {
  const { registry, database } = platform
  // In one order: what is kept of the ACL is kept under them.
  const subjects = [...new Set(unsorted)].sort()
  const said = registry.acl ? await database.findAcl(tenant.id, subjects) : undefined
  return {
    roles: held,
    acl: aclMasks(registry.permissions, said),
    subjects,
    always: platform.roles.alwaysAllowed?.(roles) ?? nowhereAlways,
  }
}

/** Where nothing but roles has a say, they are the decision, as they were made once for everybody who has them. */
function decided(
  { registry }: Doorway,
  bearers: readonly Bearer[],
  askers: readonly Principal[],
  tenant: Tenant,
): Permissions {
  const { permissions, policies } = registry
  const [only, ...others] = bearers
  if (policies.size === 0) {
    if (only && others.length === 0 && only.acl.size === 0) return only.roles
    return new Decisions(permissions, bearers)
  }
  const facts = askers.map((asker) => factsOf(asker, tenant))
  return new Decisions(permissions, bearers, (permission) =>
    and(...(policies.get(permission) ?? []).flatMap(({ when }) => facts.map((each) => withFacts(when, each)))),
  )
}
