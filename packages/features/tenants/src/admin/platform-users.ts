import {
  audited,
  depart,
  isoTime,
  jsonAnswer,
  printPage,
  problem,
  readPage,
  refuseQuery,
  scopeOf,
  statement,
  validate,
  type PersonalCall,
  type RawRow,
  type StatementRunner,
  type SystemTransaction,
  type TextAnswer,
} from '@plinth/core'
import { z } from 'zod'
import { tenantWithin } from '../directory/tenant-within.ts'
import { tenancyEvents } from '../log-events.ts'

/** A user as the operator sees him: who he is and where he belongs, and nothing of what lies in the tenants. */
export const platformUser = z
  .object({
    id: z.guid(),
    email: z.string().nullable(),
    username: z.string().nullable(),
    name: z.string(),
    status: z.enum(['active', 'suspended', 'closed', 'pending_deletion']),
    superadmin: z.boolean(),
    emailVerified: z.boolean(),
    createdAt: z.iso.datetime(),
    tenants: z.array(z.object({ id: z.guid(), slug: z.string(), standing: z.enum(['active', 'suspended']) })),
  })
  .meta({ id: 'PlatformUser' })

export const platformUserChange = z
  .object({ status: z.enum(['active', 'suspended']) })
  .meta({ id: 'PlatformUserChange' })

function userOf(row: RawRow): z.input<typeof platformUser> {
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)
  return {
    id: String(row['id']),
    email: text(row['email']),
    username: text(row['username']),
    name: String(row['name']),
    status: row['status'] as z.input<typeof platformUser>['status'],
    superadmin: row['superadmin'] === true,
    emailVerified: row['verified'] === true,
    createdAt: isoTime(String(row['created_at'])),
    tenants: JSON.parse(String(row['tenants'])) as z.input<typeof platformUser>['tenants'],
  }
}

/** `GET /admin/users`: all users, the newest first; by the whole `email`, or by what e-mail, user name or name hold. */
export async function listPlatformUsers(call: PersonalCall): Promise<TextAnswer> {
  const page = readPage(call.search, ['email', 'search'])
  const [email, search] = ['email', 'search'].map((name) => page.others.get(name) ?? null)
  const users = await call.platform.database.system(async (system) => {
    const found = await system.run(statement`
      select u.id from plinth.users u
      where (${email!}::text is null or lower(u.email) = lower(${email!}::text))
        and (${search!}::text is null or strpos(lower(coalesce(u.email, '')), lower(${search!}::text)) > 0
          or strpos(lower(coalesce(u.username, '')), lower(${search!}::text)) > 0 or strpos(lower(u.name), lower(${search!}::text)) > 0)
      order by u.created_at desc, u.id desc limit ${page.pageSize + 1}::int offset ${page.offset}::int`)
    return readUsers(
      system,
      found.map((row) => String(row['id'])),
    )
  })
  return jsonAnswer(200, printPage(page, users))
}

/** In the order of the ids. */
async function readUsers(
  system: StatementRunner,
  ids: readonly string[],
): Promise<readonly z.input<typeof platformUser>[]> {
  const rows = await system.run(statement`
    select u.id, u.email, u.username, u.name, u.status, u.superadmin, u.email_verified_at is not null as verified, u.created_at,
      (select coalesce(jsonb_agg(jsonb_build_object('id', t.id, 'slug', t.slug, 'standing', m.status) order by m.created_at), '[]')
        from plinth.memberships m join plinth.tenants t on t.id = m.tenant_id where m.user_id = u.id) as tenants
    from unnest(${ids}::text::uuid[]) with ordinality w(id, place) join plinth.users u on u.id = w.id
    order by w.place`)
  return rows.map(userOf)
}

/** `GET /admin/users/:id` @throws not_found */
export async function showPlatformUser(call: PersonalCall): Promise<TextAnswer> {
  refuseQuery(call)
  const id = idOf(call)
  return call.platform.database.system(async (system) => answerOf(system, id))
}

/**
 * `PATCH /admin/users/:id`: keeps somebody out of the whole service, or lets him in again. What he holds everywhere (sessions, keys)
 * ends in the same transaction.
 * @throws validation_failed, not_found, conflict
 */
export async function changePlatformUser(call: PersonalCall): Promise<TextAnswer> {
  refuseQuery(call)
  const { platform, principal, requestId } = call
  const { status } = validate(platformUserChange, call.body)
  const id = idOf(call)
  if (status === 'suspended' && id === principal.userId)
    throw problem('conflict', { detail: 'You would lock yourself out: ask another operator.' })
  return platform.database.system(async (system) => {
    system.changesMembers()
    const [before] = await system.run(statement`select status from plinth.users where id = ${id}::uuid for update`)
    if (!before) throw problem('not_found')
    if (before['status'] !== 'active' && before['status'] !== 'suspended')
      throw problem('conflict', { detail: 'The account is closed.' })
    if (before['status'] !== status) {
      await system.run(statement`
        update plinth.users set status = ${status}::text, version = version + 1,
          updated_at = ${platform.clock.now()}::text::timestamptz
        where id = ${id}::uuid`)
      if (status === 'suspended') await depart(platform, system, { tenantId: null, userId: id })
      const told = await tellTenants(call, system, id, status)
      // Of somebody in no tenant, nobody else would keep it.
      if (told === 0)
        await audited(system, call, {
          action: status === 'suspended' ? 'user.suspended' : 'user.reactivated',
          target: id,
          tenantId: null,
        })
      platform.log.info(tenancyEvents.accountStatusChanged, { requestId, by: principal.id, user: id, status })
    }
    return answerOf(system, id)
  })
}

/** His tenants learn of it, each by an event of its own: to them he is gone, although his membership is as it was. How many they are. */
async function tellTenants(
  { platform, principal, requestId, client }: PersonalCall,
  system: SystemTransaction,
  userId: string,
  status: 'active' | 'suspended',
): Promise<number> {
  const rows = await system.run(statement`
    select tenant_id from plinth.memberships where user_id = ${userId}::uuid order by tenant_id`)
  const type = status === 'suspended' ? 'user.suspended' : 'user.reactivated'
  for (const row of rows) {
    const tenant = await tenantWithin(system, String(row['tenant_id']))
    const transaction = await system.within(scopeOf(platform, { principal, tenant, requestId, client }))
    await transaction.emit({ type, key: userId, data: { id: userId } })
  }
  return rows.length
}

function idOf(call: PersonalCall): string {
  const id = z.guid().safeParse(call.parameters['id'])
  if (!id.success) throw problem('not_found')
  return id.data.toLowerCase()
}

async function answerOf(system: StatementRunner, id: string): Promise<TextAnswer> {
  const [user] = await readUsers(system, [id])
  if (!user) throw problem('not_found')
  return jsonAnswer(200, JSON.stringify(user))
}
