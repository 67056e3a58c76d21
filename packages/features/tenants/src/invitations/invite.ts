import { randomUUID } from 'node:crypto'
import {
  always,
  hashToken,
  jsonAnswer,
  problem,
  rowPrinter,
  statement,
  type Call,
  type StatementRunner,
  type TextAnswer,
} from '@plinth/core'
import { daysAfter } from '../days-after.ts'
import { sendInvitation } from './invitation-mail.ts'
import { invitations } from './invitation-resource.ts'
import { newToken } from './invitation-token.ts'
import { limitInvitations } from './limit-invitations.ts'

export interface Inviting {
  readonly days: number
}

export interface Guest {
  readonly email: string
  readonly name: string
  readonly roles: readonly string[]
}

/**
 * Asks somebody into the tenant. Whether he has an account somewhere is told to nobody: he gets the same mail, and the caller the same
 * answer. Asked again before he came, he gets a new link, and the old one ends.
 * @throws already_exists where he is a member
 */
export async function invite(call: Call, { days }: Inviting, guest: Guest): Promise<TextAnswer> {
  const { platform, scope, request } = call
  const { tenant } = request
  // A request that is sent again is not charged again.
  const before = await call.replay()
  if (before) return before
  await limitInvitations(call, guest.email)
  let mailed: { readonly id: string; readonly token: string } | undefined
  const answer = await call.transactAsSystem(async (system, transaction) => {
    await refuseMember(system, tenant.id, guest.email)
    const token = newToken()
    const expiresAt = daysAfter(scope.now, days)
    const [made] = await system.run(statement`
      insert into plinth.invitations as i
        (tenant_id, id, owner_user_id, service_id, created_at, updated_at, email, name, roles, token_hash, expires_at)
      values (${tenant.id}::uuid, ${randomUUID()}::uuid, ${scope.facts.userId}::uuid, ${serviceOf(request.principal)}::text, ${scope.now}::text::timestamptz,
        ${scope.now}::text::timestamptz, ${guest.email}::text, ${guest.name}::text, ${JSON.stringify(guest.roles)}::text::jsonb,
        ${hashToken(token)}::text, ${expiresAt}::text::timestamptz)
      on conflict (tenant_id, lower(email)) where status = 'pending' do update
      set token_hash = excluded.token_hash, roles = excluded.roles, name = excluded.name, expires_at = excluded.expires_at,
        owner_user_id = excluded.owner_user_id, service_id = excluded.service_id, version = i.version + 1, updated_at = excluded.updated_at
      returning i.id`)
    const id = String(made?.['id'])
    mailed = { id, token }
    return answerWith(call, transaction, id, 201)
  })
  // Undefined where an idempotency key gave back what the first request was answered: its mail was sent then.
  const sent = mailed
  if (sent) platform.after.start('invitation mail', () => sendInvitation(platform, { ...guest, ...sent, tenant, days }))
  return answer
}

/** Whoever has no user behind him is asked by his own name when the invitation is taken up. */
function serviceOf({ userId, id }: Call['request']['principal']): string | null {
  return userId === null ? id : null
}

/** The invitation as it is now, and the event. */
export async function answerWith(
  call: Call,
  transaction: Parameters<Parameters<Call['transactAsSystem']>[0]>[1],
  id: string,
  status: 200 | 201,
): Promise<TextAnswer> {
  const resource = call.platform.registry.byTable.get(invitations)!
  const row = await transaction.read({ resource, id, visible: always })
  if (!row) throw problem('not_found')
  await transaction.emit({ type: 'invitation.created', key: id, data: { id, roles: JSON.parse(String(row['roles'])) } })
  const printer = rowPrinter(resource)
  const location = `${call.platform.basePath}/api/v1/invitations/${id}`
  return jsonAnswer(status, printer.print(row), { etag: printer.etag(row), ...(status === 201 && { location }) })
}

/** @throws already_exists */
export async function refuseMember(system: StatementRunner, tenantId: string, email: string): Promise<void> {
  const [member] = await system.run(statement`
    select id from plinth.memberships where tenant_id = ${tenantId}::uuid and lower(email) = lower(${email}::text)`)
  if (!member) return
  const errors = [{ path: '/email', code: 'member', message: 'He belongs to the tenant already' }]
  throw problem('already_exists', { errors })
}
