import {
  enterTenant,
  PermissionSet,
  statement,
  subjectOf,
  type AclSaying,
  type Member,
  type Permissions,
  type Policies,
  type Principal,
  type Registry,
  type Roles,
  type StatementRunner,
  type Tenant,
} from '@plinth/core'
import { namesWithin, rolesSeen } from '../custom-roles.ts'
import type { Definitions } from '../definitions.ts'
import { rolesAmong, type Holder } from './holders.ts'

/** What a preview knows of the platform. */
export interface PreviewParts {
  readonly registry: Registry
  readonly definitions: Definitions
}

/** The tenant as it is, or as it would be. */
export interface World {
  readonly tenant: Tenant
  readonly policies: Policies
  /** What the ACL says of these subjects. */
  readonly said: (subjects: readonly string[]) => readonly AclSaying[]
}

/** Somebody whose decisions are drawn, with all that is known of him. */
export interface Asker {
  readonly kind: 'member' | 'service' | 'key'
  readonly id: string
  readonly principal: Principal
  /** What the member is in the tenant: he himself, or the one whose key it is. */
  readonly member: Member | undefined
  /** As what entries of the ACL may name him. */
  readonly subjects: readonly string[]
}

/** Roles as this transaction sees them. Each is read once, however many have it. */
export function rolesOf(runner: StatementRunner, { rights }: Definitions): Roles {
  const seen = rolesSeen(runner)
  const kept = new Map<string, ReturnType<typeof seen>>()
  return rights.port((tenantId, role) => {
    const known = kept.get(role) ?? seen(tenantId, role)
    kept.set(role, known)
    return known
  }, namesWithin(runner))
}

/**
 * What somebody may do in such a world. It is the decision itself: the stage of the pipeline that lets principals in, with other answers
 * to what it asks.
 */
export async function permissionsIn(
  { registry }: PreviewParts,
  roles: Roles,
  { principal, member }: Asker,
  { tenant, policies, said }: World,
): Promise<Permissions> {
  const entered = await enterTenant(
    {
      roles,
      registry: { permissions: registry.permissions, acl: registry.acl, policies },
      database: {
        findMember: () => Promise.resolve(member),
        findAcl: (_tenantId, subjects) => Promise.resolve(said(subjects)),
      },
    },
    principal,
    tenant,
  )
  return entered.permissions
}

/** As if they had come in with all that a tenant may ask for: what is compared are rights, not sessions. */
export function askerOf({ kind, id, grants, groupIds }: Holder): Asker {
  const roles = rolesAmong(grants)
  const named = roles.map((role) => subjectOf('role', role))
  if (kind === 'service')
    return {
      kind,
      id,
      principal: { ...nobody, kind, id, name: id, rights: { roles }, session: session('apiKey') },
      member: undefined,
      subjects: [subjectOf('service', id), ...named],
    }
  return {
    kind,
    id,
    principal: {
      ...nobody,
      kind: 'user',
      id,
      name: id,
      userId: id,
      rights: { member: id },
      session: session('cookie'),
    },
    member: { status: 'active', roles, groupIds },
    subjects: [subjectOf('user', id), ...groupIds.map((group) => subjectOf('group', group)), ...named],
  }
}

/** A key of a member, with a role of its own where it has one. */
export function keyAsker(id: string, role: string | null, owner: Holder): Asker {
  const { member, subjects } = askerOf(owner)
  const rights = { member: owner.id, ...(role !== null && { roles: [role] }) }
  return {
    kind: 'key',
    id,
    principal: {
      ...nobody,
      kind: 'apiKey',
      id,
      name: id,
      userId: owner.id,
      rights,
      session: session('apiKey'),
    },
    member,
    subjects: [subjectOf('apiKey', id), ...(role === null ? [] : [subjectOf('role', role)]), ...subjects],
  }
}

const nobody = { userId: null, groupIds: [], tenant: null, permissions: PermissionSet.none } as const

const session = (credential: 'cookie' | 'apiKey'): NonNullable<Principal['session']> => ({
  id: 'previewed',
  credential,
  secondFactor: true,
  authenticatedAt: new Date(0),
})

type Said = readonly [
  subject: string,
  model: string,
  action: string,
  effect: AclSaying['effect'],
  everything: boolean,
  many: boolean,
]

/** What the ACL says of all of these at once, as requests of theirs hear it. */
export async function sayingsOf(
  runner: StatementRunner,
  tenantId: string,
  askers: readonly Asker[],
): Promise<ReadonlyMap<string, readonly AclSaying[]>> {
  const subjects = [...new Set(askers.flatMap((asker) => asker.subjects))]
  const [row] = await runner.run(statement`
    select said from plinth.find_acl(${tenantId}::uuid, ${subjects}::text::text[])`)
  const said = row ? (JSON.parse(String(row['said'])) as readonly Said[]) : []
  return Map.groupBy(
    said.map(([subject, model, action, effect, everything, many]) => ({
      subject,
      model,
      action,
      effect,
      everything,
      many,
    })),
    ({ subject }) => subject,
  )
}
