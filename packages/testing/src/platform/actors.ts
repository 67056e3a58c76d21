import {
  buildPermissionSet,
  type Feature,
  type Principal,
  type ServiceToken,
  type StartupFault,
  serviceTokens,
} from '@plinth/core'
import { createHash } from 'node:crypto'
import { markedUuid } from '../tenants/marks.ts'
import { seededRandom } from '../random/seeded-random.ts'

/** Somebody who may ask: a service with a token, or a user. */
export interface TestActor {
  readonly name: string
  readonly tenant: 'a' | 'b'
  /** Sent as `Authorization: Bearer …`. */
  readonly token: string
  readonly permissions: readonly string[]
  /** Null for services, whose rows have no owner. */
  readonly userId: string | null
  readonly groupIds: readonly string[]
}

export interface TestTenant {
  readonly key: 'a' | 'b'
  readonly id: string
  readonly slug: string
  readonly actors: Readonly<Record<ActorName, TestActor>> & Readonly<Record<string, TestActor>>
  /** Users and groups of this tenant's actors, for rows that somebody owns. */
  readonly userIds: readonly string[]
  readonly groupIds: readonly string[]
}

/**
 * `full`: a service with every right. `reader`: a service that may read. `writer`: one that may do all but read. `own` and
 * `group`: users whose rights end at their own or their group's rows. `shared`: a user with every right, the same person in
 * both tenants.
 */
export type ActorName = 'full' | 'reader' | 'writer' | 'own' | 'group' | 'shared'

const usual: Readonly<Record<ActorName, { readonly permissions: readonly string[]; readonly user?: 'own' | 'both' }>> =
  {
    full: { permissions: ['*'] },
    reader: { permissions: ['*:read'] },
    writer: { permissions: ['*:create', '*:update', '*:delete'] },
    own: { permissions: ['*:*:own'], user: 'own' },
    group: { permissions: ['*:*:group'], user: 'own' },
    shared: { permissions: ['*'], user: 'both' },
  }

/** The actors of one tenant. Tokens and ids are derived from names, so that a printed request can be repeated. */
export function makeActors(
  tenant: 'a' | 'b',
  more: Readonly<Record<string, readonly string[]>> = {},
): TestTenant['actors'] {
  const declared = {
    ...usual,
    ...Object.fromEntries(Object.entries(more).map(([name, permissions]) => [name, { permissions }])),
  }
  const actors = Object.entries(declared).map(([name, given]): [string, TestActor] => {
    const { permissions, user } = given as (typeof usual)[ActorName]
    const person = user === 'both' ? name : `${tenant}-${name}`
    const random = seededRandom(person)
    const owner = tenant === 'b' && user === 'own' ? 'victim' : 'attacker'
    return [
      name,
      {
        name,
        tenant,
        permissions,
        token: createHash('sha256').update(`plinth test token ${tenant} ${name}`).digest('base64url'),
        userId: user ? markedUuid(random, 'owner', owner) : null,
        groupIds: user ? [markedUuid(random, 'group', owner)] : [],
      },
    ]
  })
  return Object.fromEntries(actors) as TestTenant['actors']
}

/** The features through which actors get in: service tokens, and a reader of users' tokens that no product has. */
export function actorFeatures(
  tenants: readonly { readonly slug: string; readonly actors: TestTenant['actors'] }[],
): readonly Feature[] {
  const services: ServiceToken[] = []
  const users: { readonly actor: TestActor; readonly slug: string }[] = []
  for (const { slug, actors } of tenants) {
    for (const actor of Object.values(actors)) {
      if (actor.userId !== null) users.push({ actor, slug })
      else
        services.push({
          name: `${actor.tenant}-${actor.name}`,
          token: actor.token,
          tenant: slug,
          permissions: actor.permissions,
        })
    }
  }
  return [serviceTokens(services), testUsers(users)]
}

function testUsers(users: readonly { readonly actor: TestActor; readonly slug: string }[]): Feature {
  const principals = new Map<string, Principal>()
  return {
    name: 'test-users',
    slots: { auth: [{ kinds: ['bearer'], read: (credential) => principals.get(credential.value) }] },
    verify(registry) {
      const faults: StartupFault[] = []
      for (const { actor, slug } of users) {
        const { set, unknown } = buildPermissionSet(registry.permissions, actor.permissions)
        for (const permission of unknown) {
          faults.push({
            path: `actor ${actor.name}`,
            problem: `'${permission}' is no permission`,
            fix: `use one of: ${registry.permissions.names.join(', ')}`,
          })
        }
        principals.set(actor.token, {
          kind: 'user',
          id: actor.userId!,
          name: actor.name,
          userId: actor.userId,
          groupIds: actor.groupIds,
          tenant: slug,
          permissions: set,
        })
      }
      return faults
    },
  }
}
