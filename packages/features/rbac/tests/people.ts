import { addMember, PermissionSet, statement, type Feature, type Principal, type Resource } from '@plinth/core'
import { rbac, type RbacOptions } from '@plinth/rbac'
import { depot, testPlatform, type TestPlatform, type TestPlatformOptions, type TestReply } from '@plinth/testing'
import { randomUUID } from 'node:crypto'

/** A user with a token. What he may do comes from his memberships alone. */
export interface Person {
  readonly id: string
  readonly name: string
  readonly token: string
}

export interface House {
  readonly platform: TestPlatform
  /** A new member of tenant a (or b), with these roles. */
  member(name: string, roles: readonly string[], tenant?: 'a' | 'b'): Promise<Person>
  /** A group with these people and roles, as the database has it; one that there is gets more. */
  group(members: readonly Person[], id?: string, tenant?: 'a' | 'b', roles?: readonly string[]): Promise<string>
  /** A user who is a member of nothing. */
  stranger(name: string): Promise<Person>
  /** The rights that a key of this person has: narrower than his own. */
  key(person: Person, roles: readonly string[]): Person
  ask(
    who: Person,
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<TestReply>
  /** As they are stored. */
  readonly rolesOf: (person: Person, tenant?: 'a' | 'b') => Promise<readonly string[]>
  /** What the reader of tokens makes of this person, for other platforms. */
  principal(person: Person): Principal
  close(): Promise<void>
}

export interface HouseOptions extends Partial<TestPlatformOptions> {
  readonly rbac?: RbacOptions
}

/** Reads tokens of the form `person-<uuid>` and of keys. No product has such a reader. */
export function people(principals: Map<string, Principal>): Feature {
  return {
    name: 'test-people',
    slots: { auth: [{ kinds: ['bearer'], read: ({ value }) => principals.get(value) }] },
  }
}

export const resourcesOf = (options: HouseOptions): readonly Resource[] => options.resources ?? depot

/** A platform with roles and people who have them. */
export async function openHouse(options: HouseOptions = {}): Promise<House> {
  const principals = new Map<string, Principal>()
  const { rbac: roles, features = [], ...rest } = options
  const platform = await testPlatform({
    resources: resourcesOf(options),
    ...rest,
    features: [rbac(roles), people(principals), ...features],
  })
  const { database } = platform
  const tenantOf = (key: 'a' | 'b'): string => platform[key].id
  const principalOf = (person: Person, tenant: string | null): Principal => ({
    kind: 'user',
    id: person.id,
    name: person.name,
    userId: person.id,
    groupIds: [],
    tenant,
    permissions: PermissionSet.none,
    rights: { member: person.id },
  })
  const make = async (name: string, tenant: string | null): Promise<Person> => {
    const id = randomUUID()
    const person: Person = { id, name, token: `person-${id}` }
    await platform.superuser.query(`insert into plinth.users (id, email, name) values ($1::uuid, $2::text, $3::text)`, [
      id,
      `${name}-${id.slice(0, 8)}@example.com`,
      name,
    ])
    principals.set(person.token, principalOf(person, tenant))
    return person
  }
  return {
    platform,
    async member(name, roles_, tenant = 'a') {
      const tenantId = tenantOf(tenant)
      const person = await make(name, tenantId)
      await database.system((system) => addMember(system, { tenantId, userId: person.id, roles: roles_ }))
      return person
    },
    async group(members, id = randomUUID(), tenant = 'a', roles_ = []) {
      const { superuser } = platform
      const rows = (texts: readonly string[]): string => `{${texts.join(',')}}`
      await superuser.query(
        `insert into plinth.groups (tenant_id, id, name) values ($1::uuid, $2::uuid, $2::text) on conflict do nothing`,
        [tenantOf(tenant), id],
      )
      await superuser.query(
        `insert into plinth.group_members (tenant_id, group_id, user_id) select $1::uuid, $2::uuid, m.id from unnest($3::text::uuid[]) m(id)`,
        [tenantOf(tenant), id, rows(members.map((one) => one.id))],
      )
      await superuser.query(
        `insert into plinth.user_roles (tenant_id, group_id, role) select $1::uuid, $2::uuid, r.role from unnest($3::text::text[]) r(role)`,
        [tenantOf(tenant), id, rows(roles_)],
      )
      database.forget()
      return id
    },
    stranger: (name) => make(name, platform.a.id),
    key(person, roles_) {
      const token = `key-${randomUUID()}`
      const own = principals.get(person.token)!
      principals.set(token, { ...own, kind: 'apiKey', id: token, rights: { member: person.id, roles: roles_ } })
      return { ...person, token }
    },
    ask: (who, method, path, body, headers = {}) =>
      platform.request(undefined, method, `/api/v1/${path}`, body, {
        authorization: `Bearer ${who.token}`,
        ...headers,
      }),
    async rolesOf(person, tenant = 'a') {
      const rows = await database.system((system) =>
        system.run(statement`
          select role from plinth.user_roles
          where tenant_id = ${tenantOf(tenant)}::uuid and user_id = ${person.id}::uuid order by role`),
      )
      return rows.map((row) => String(row['role']))
    },
    principal: (person) => principals.get(person.token)!,
    close: () => platform.close(),
  }
}

/** `403 permission_denied` of an answer; only the status where there is no code. */
export function outcome(reply: TestReply): string {
  const code = (reply.json as { readonly code?: string } | undefined)?.code
  return code === undefined ? String(reply.status) : `${reply.status} ${code}`
}

export function idOf(reply: TestReply): string {
  return (reply.json as { readonly id: string }).id
}

export function dataOf(reply: TestReply): readonly Readonly<Record<string, unknown>>[] {
  return (reply.json as { readonly data: readonly Readonly<Record<string, unknown>>[] }).data
}

export function faultsOf(reply: TestReply): readonly string[] {
  const errors = (reply.json as { readonly errors?: readonly { path: string; code: string }[] }).errors ?? []
  return errors.map((fault) => `${fault.path} ${fault.code}`)
}
