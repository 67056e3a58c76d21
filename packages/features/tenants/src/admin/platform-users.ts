import {
  depart,
  isoTime,
  jsonAnswer,
  problem,
  refuseQuery,
  statement,
  validate,
  type PersonalCall,
  type RawRow,
  type StatementRunner,
  type TextAnswer,
} from '@plinth/core'
import { z } from 'zod'
import { printPage, readPage } from '../paging.ts'

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
  const rows = await call.platform.database.system((system) =>
    system.run(statement`
      select u.id, u.email, u.username, u.name, u.status, u.superadmin, u.email_verified_at is not null as verified, u.created_at,
        (select coalesce(jsonb_agg(jsonb_build_object('id', t.id, 'slug', t.slug, 'standing', m.status) order by m.created_at), '[]')
          from plinth.memberships m join plinth.tenants t on t.id = m.tenant_id where m.user_id = u.id) as tenants
      from plinth.users u
      where (${email!}::text is null or lower(u.email) = lower(${email!}::text))
        and (${search!}::text is null or strpos(lower(coalesce(u.email, '')), lower(${search!}::text)) > 0
          or strpos(lower(coalesce(u.username, '')), lower(${search!}::text)) > 0 or strpos(lower(u.name), lower(${search!}::text)) > 0)
      order by u.created_at desc, u.id desc limit ${page.pageSize + 1}::int offset ${page.offset}::int`),
  )
  return jsonAnswer(200, printPage(page, rows.map(userOf)))
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
  const { platform, principal } = call
  const { status } = validate(platformUserChange, call.body)
  const id = idOf(call)
  if (status === 'suspended' && id === principal.userId)
    throw problem('conflict', { detail: 'You would lock yourself out: ask another operator.' })
  return platform.database.system(async (system) => {
    system.changesMembers()
    const [changed] = await system.run(statement`
      update plinth.users set status = ${status}::text, version = version + 1,
        updated_at = ${platform.clock.now()}::text::timestamptz
      where id = ${id}::uuid and status in ('active', 'suspended')
      returning id`)
    const answer = await answerOf(system, id)
    if (!changed) throw problem('conflict', { detail: 'The account is closed.' })
    if (status === 'suspended') await depart(platform, system, { tenantId: null, userId: id })
    return answer
  })
}

function idOf(call: PersonalCall): string {
  const id = z.guid().safeParse(call.parameters['id'])
  if (!id.success) throw problem('not_found')
  return id.data.toLowerCase()
}

async function answerOf(system: StatementRunner, id: string): Promise<TextAnswer> {
  const [row] = await system.run(statement`
    select u.id, u.email, u.username, u.name, u.status, u.superadmin, u.email_verified_at is not null as verified, u.created_at,
      (select coalesce(jsonb_agg(jsonb_build_object('id', t.id, 'slug', t.slug, 'standing', m.status) order by m.created_at), '[]')
        from plinth.memberships m join plinth.tenants t on t.id = m.tenant_id where m.user_id = u.id) as tenants
    from plinth.users u where u.id = ${id}::uuid`)
  if (!row) throw problem('not_found')
  return jsonAnswer(200, JSON.stringify(userOf(row)))
}
