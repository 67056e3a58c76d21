import { prepareIdentity, type PreparedIdentity } from '../identity/prepare-identity.ts'
import { asked, tokenOf } from '../database/tenants.ts'
import type { BenchTenant } from '../servers/messages.ts'
import { listedRows } from './row-reader.ts'
import { PERMISSIONS_EACH, ROLES, roleName } from './rules.ts'

export interface PreparedAccess {
  readonly identity: PreparedIdentity
  readonly tenants: readonly BenchTenant[]
  /** Access tokens by slug: of an owner, and of somebody whom roles give nothing here, but a list does. */
  readonly plain: ReadonlyMap<string, string>
  readonly listed: ReadonlyMap<string, string>
  /** Ids of the rows on the list, by slug. */
  readonly rows: ReadonlyMap<string, readonly string[]>
}

/** People of the identity benchmark; in each tenant one of them loses ownership and gets roles and a list. */
export async function prepareAccess(say: (words: string) => void): Promise<PreparedAccess> {
  const identity = await prepareIdentity(say)
  const { sql, people } = identity
  const tenants: BenchTenant[] = []
  const [plain, listed] = [new Map<string, string>(), new Map<string, string>()]
  const rows = new Map<string, readonly string[]>()
  for (const slug of asked) {
    const [tenant] = await sql<{ id: string }[]>`select id from plinth.tenants where slug = ${slug}`
    const [owner, other] = people.filter((person) => person.slug === slug)
    const { id } = tenant!
    tenants.push({ id, slug, token: tokenOf(slug) })
    plain.set(slug, owner!.token)
    listed.set(slug, other!.token)
    rows.set(slug, await listedRows(sql, id))
    await giveRoles(identity, id, other!.email)
    await giveList(identity, id, other!.email, rows.get(slug)!)
  }
  await sql`vacuum (analyze)`
  await sql`checkpoint`
  return { identity, tenants, plain, listed, rows }
}

/** 20 roles with ten permissions each, in three scopes, none about projects. */
async function giveRoles({ sql }: PreparedIdentity, tenant: string, email: string): Promise<void> {
  const models = ['apiKey', 'group', 'invitation', 'membership', 'role', 'permission', 'user', 'userRole', 'session']
  const all = models.flatMap((model) =>
    ['read', 'create', 'update', 'delete'].flatMap((action) =>
      ['all', 'group', 'own'].map((scope) => `${model}:${action}:${scope}`),
    ),
  )
  await sql`delete from plinth.user_roles where tenant_id = ${tenant}::uuid
    and user_id = (select id from plinth.users where email = ${email})`
  for (let at = 0; at < ROLES; at += 1) {
    const permissions = Array.from({ length: PERMISSIONS_EACH }, (_, index) => all[(at * 7 + index * 11) % all.length]!)
    await sql`insert into plinth.roles (tenant_id, id, name, permissions)
      values (${tenant}::uuid, gen_random_uuid(), ${roleName(at)}, ${sql.json(permissions)})`
    await sql`insert into plinth.user_roles (tenant_id, user_id, role)
      select ${tenant}::uuid, id, ${roleName(at)} from plinth.users where email = ${email}`
  }
}

async function giveList(
  { sql }: PreparedIdentity,
  tenant: string,
  email: string,
  ids: readonly string[],
): Promise<void> {
  await sql`insert into plinth.acl_entries (tenant_id, id, model, action, record_id, subject_kind, subject_id, effect)
    select ${tenant}::uuid, gen_random_uuid(), 'project', 'read', row, 'user', u.id::text, 'allow'
    from unnest(${ids as string[]}::text[]) row, plinth.users u where u.email = ${email}`
}
