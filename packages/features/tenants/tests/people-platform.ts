import { createHash, randomUUID } from 'node:crypto'
import {
  addMember,
  buildPermissionSet,
  PermissionSet,
  statement,
  type Accounts,
  type Feature,
  type Principal,
  type Resource,
} from '@plinth/core'
import {
  capturedMail,
  testPlatform,
  type CapturedMail,
  type TestPlatform,
  type TestPlatformOptions,
  type TestReply,
} from '@plinth/testing'
import type { TenantsOptions } from '../src/options.ts'
import { tenants } from '../src/tenants.ts'

/** Not secret: these keys protect nothing but tests. */
export const testKeys = `k:${createHash('sha256').update('keys of these tests').digest('base64')}`

/** What the roles of these tests may do. */
export const roleRights: Readonly<Record<string, readonly string[]>> = {
  owner: ['*'],
  admin: ['user:*', 'membership:*', 'invitation:*', 'group:*', 'setting:*', 'featureFlag:*', 'domain:*'],
  user: ['user:read', 'user:update:own', 'membership:read:own', 'group:read'],
  read_only: ['*:read'],
}

/** Credentials of people without passwords: `u.<id>`, with `.mfa` behind a second factor, `.super` for the operator, `.key` for a key. */
function testSessions(): Feature {
  return {
    name: 'test-sessions',
    slots: {
      auth: [
        {
          kinds: ['bearer'],
          read({ value }, { platform }): Principal | undefined {
            const [mark, id = '', ...flags] = value.split('.')
            if (mark !== 'u') return undefined
            const stale = flags.includes('stale') ? 3_600_000 : 0
            return {
              kind: 'user',
              id,
              name: 'somebody',
              userId: id,
              groupIds: [],
              tenant: flags.find((flag) => flag.startsWith('in-'))?.slice(3) ?? null,
              permissions: PermissionSet.none,
              rights: { member: id },
              superadmin: flags.includes('super'),
              session: {
                id: 'session',
                credential: flags.includes('key') ? 'apiKey' : 'bearer',
                secondFactor: flags.includes('mfa'),
                authenticatedAt: new Date(platform.clock.now().getTime() - stale),
              },
            }
          },
        },
      ],
    },
  }
}

function testRoles(): Feature {
  return {
    name: 'test-roles',
    slots: {
      roles: ({ registry }) => ({
        permissionsOf: (_tenantId, roles) =>
          buildPermissionSet(
            registry.permissions,
            roles.flatMap((role) => roleRights[role] ?? []),
          ).set,
        unknown: (_tenantId, roles) => roles.filter((role) => !Object.hasOwn(roleRights, role)),
        rank: (roles) => Object.keys(roleRights).filter((role) => roles.includes(role)),
      }),
    },
  }
}

/** What was written of accounts, in the order of writing. */
export const written: { readonly userId: string; readonly password?: string }[] = []

/** Passwords that were judged and hashed, as a real filling of the port would. */
export const hashed: string[] = []

const testAccounts: Accounts = {
  prepare(_platform, { email, username = null, name = '', password, emailVerified = false }) {
    if (password !== undefined) hashed.push(password)
    return Promise.resolve({
      async create(system) {
        const userId = randomUUID()
        const [made] = await system.run(statement`
          insert into plinth.users (id, email, username, name, email_verified_at)
          values (${userId}::uuid, ${email}::text, ${username}::text, ${name}::text, case when ${emailVerified}::boolean then now() end)
          on conflict do nothing returning id`)
        if (made && password !== undefined) written.push({ userId, password })
        return made ? { userId } : { taken: 'email' }
      },
    })
  },
  prepareChange(_platform, { email, username, name, password }) {
    if (password !== undefined) hashed.push(password)
    return Promise.resolve({
      announce: () => undefined,
      async apply(system, userId) {
        const [taken] = await system.run(statement`
          select id from plinth.users where lower(email) = lower(${email ?? null}::text) and id <> ${userId}::uuid`)
        if (taken) return { taken: 'email' }
        const [changed] = await system.run(statement`
          update plinth.users set email = coalesce(${email ?? null}::text, email),
            email_verified_at = case when ${email ?? null}::text is null then email_verified_at end,
            username = case when ${username !== undefined}::boolean then ${username ?? null}::text else username end,
            name = coalesce(${name ?? null}::text, name)
          where id = ${userId}::uuid returning id`)
        if (changed && password !== undefined) written.push({ userId, password })
        return changed !== undefined
      },
    })
  },
}

export interface Person {
  readonly id: string
  readonly email: string
}

export interface PeoplePlatform extends TestPlatform {
  readonly mail: CapturedMail
  /** A user, verified unless told otherwise. */
  person(email?: string, facts?: { readonly verified?: boolean; readonly superadmin?: boolean }): Promise<Person>
  join(person: Person, tenantId: string, ...roles: readonly string[]): Promise<void>
  /** A member of tenant a. */
  member(...roles: readonly string[]): Promise<Person>
  /** Asks as a person; `in` is the tenant (default a), `flags` as in the credential. */
  ask(
    who: Person,
    method: string,
    path: string,
    body?: unknown,
    more?: {
      readonly in?: string | null
      readonly flags?: string
      readonly headers?: Readonly<Record<string, string>>
    },
  ): Promise<TestReply>
  /** As the superuser. */
  stored(text: string, parameters?: readonly string[]): Promise<readonly Readonly<Record<string, unknown>>[]>
}

export interface PeopleOptions {
  readonly tenants?: TenantsOptions
  /** The feature itself, where the test asks something of it. */
  readonly feature?: Feature
  readonly resources?: readonly Resource[]
  readonly features?: readonly Feature[]
  readonly plinth?: TestPlatformOptions['plinth']
  readonly isolation?: TestPlatformOptions['isolation']
  readonly kind?: TestPlatformOptions['kind']
}

export async function peoplePlatform(options: PeopleOptions = {}): Promise<PeoplePlatform> {
  const mail = capturedMail()
  const platform = await testPlatform({
    resources: options.resources ?? [],
    features: [
      options.feature ?? tenants(options.tenants),
      testSessions(),
      testRoles(),
      { name: 'test-accounts', slots: { accounts: testAccounts } },
      ...(options.features ?? []),
    ],
    plinth: { mailer: mail, ...options.plinth },
    ...(options.isolation && { isolation: options.isolation }),
    ...(options.kind && { kind: options.kind }),
  })
  let count = 0
  const person: PeoplePlatform['person'] = async (email, { verified = true, superadmin = false } = {}) => {
    const id = randomUUID()
    const address = email ?? `person${(count += 1)}-${id.slice(0, 8)}@example.test`
    await platform.superuser.query(
      `insert into plinth.users (id, email, name, email_verified_at, superadmin)
       values ($1::uuid, $2::text, 'Person', case when $3::text = 'yes' then now() end, $4::text = 'yes')`,
      [id, address, verified ? 'yes' : 'no', superadmin ? 'yes' : 'no'],
    )
    return { id, email: address }
  }
  const join: PeoplePlatform['join'] = async ({ id: userId }, tenantId, ...roles) => {
    await platform.database.system((system) => addMember(system, { tenantId, userId, roles }))
  }
  return {
    ...platform,
    mail,
    person,
    join,
    async member(...roles) {
      const made = await person()
      await join(made, platform.a.id, ...roles)
      return made
    },
    ask: (who, method, path, body, more = {}) =>
      platform.request(undefined, method, path, body, {
        authorization: `Bearer u.${who.id}${more.flags ?? ''}`,
        ...(more.in === null ? {} : { 'x-tenant-id': more.in ?? platform.a.slug }),
        ...more.headers,
      }),
    stored: (text, parameters = []) => platform.superuser.query(text, [...parameters]),
  }
}
