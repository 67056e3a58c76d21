import {
  accountFields,
  emptyAnswer,
  hashToken,
  jsonAnswer,
  lockedRow,
  problem,
  refuseGrant,
  refuseNarrow,
  refuseQuery,
  rolesIn,
  routePartsOf,
  statement,
  validate,
  type Call,
  type GuardedRoute,
  type PersonalCall,
  type PersonalRoute,
  type Registry,
  type Route,
  type TextAnswer,
} from '@plinth/core'
import { z } from 'zod'
import { daysAfter } from '../days-after.ts'
import { joinedTenant } from '../directory/tenant-schema.ts'
import { mailAddress } from '../mail-address.ts'
import { announceMember } from '../people/announce-member.ts'
import { roleNames } from '../people/role-names.ts'
import { tenancyProblem } from '../tenancy-errors.ts'
import { acceptInvitation } from './accept-invitation.ts'
import { sendInvitation } from './invitation-mail.ts'
import { invitations } from './invitation-resource.ts'
import { newToken } from './invitation-token.ts'
import { answerWith, invite, type Inviting } from './invite.ts'
import { limitInvitations } from './limit-invitations.ts'

const newInvitation = z
  .object({
    email: mailAddress,
    name: accountFields.name.default(''),
    roles: roleNames.default(['user']),
  })
  .meta({ id: 'NewInvitation' })

/** The writes of `/invitations`; list and read are generated. */
export function invitationRoutes(registry: Registry, inviting: Inviting): readonly Route[] {
  const { base, common, guard, row } = routePartsOf(registry, registry.byTable.get(invitations)!)
  const one = `${base}/:id`
  const guarded: readonly GuardedRoute[] = [
    {
      ...common,
      ...guard('create'),
      method: 'POST',
      path: base,
      operationId: 'createInvitation',
      summary: 'Ask somebody into the tenant',
      body: { schema: newInvitation, example: { email: 'ada@example.com', roles: ['user'] } },
      errors: ['validation_failed', 'already_exists', 'unsupported_media_type', 'body_too_large', 'rate_limited'],
      answers: [{ ...row, status: 201, description: 'The invitation', headers: ['ETag', 'Location'] }],
      async handle(call) {
        refuseQuery(call)
        refuseNarrow(call)
        const guest = validate(newInvitation, call.body)
        await refuseGrant(call.platform, call.request.principal, call.request.tenant.id, guest.roles)
        return invite(call, inviting, guest)
      },
    },
    {
      ...common,
      ...guard('update'),
      method: 'POST',
      path: `${one}/resend`,
      operationId: 'resendInvitation',
      summary: 'Send a pending invitation again, with a new link; the old one ends',
      errors: ['not_found', 'conflict', 'version_mismatch', 'rate_limited'],
      answers: [row],
      handle: (call) => resend(call, inviting),
    },
    {
      ...common,
      ...guard('delete'),
      method: 'DELETE',
      path: one,
      operationId: 'deleteInvitation',
      summary: 'Revoke a pending invitation',
      errors: ['not_found', 'conflict', 'version_mismatch'],
      answers: [{ status: 204, description: 'Its link is worth nothing any more' }],
      handle: revoke,
    },
  ]
  return [...guarded, acceptRoute(one)]
}

async function resend(call: Call, { days }: Inviting): Promise<TextAnswer> {
  refuseQuery(call)
  const { platform, scope, request } = call
  const resource = platform.registry.byTable.get(invitations)!
  const seen = await call.session.read({ resource, id: call.parameters['id']!, visible: call.visible })
  if (!seen) throw problem('not_found')
  const before = await call.replay()
  if (before) return before
  await limitInvitations(call, String(seen['email']))
  let mail: Parameters<typeof sendInvitation>[1] | undefined
  const answer = await call.transactAsSystem(async (system, transaction) => {
    const row = await lockedRow(call, transaction, resource)
    if (row['status'] !== 'pending') throw problem('conflict', { detail: 'The invitation is not pending any more.' })
    const roles = JSON.parse(String(row['roles'])) as readonly string[]
    await refuseGrant(rolesIn(platform, system), request.principal, scope.tenantId, roles)
    const [id, token] = [String(row['id']), newToken()]
    const expiresAt = daysAfter(scope.now, days)
    await system.run(statement`
      update plinth.invitations set token_hash = ${hashToken(token)}::text, expires_at = ${expiresAt}::text::timestamptz,
        version = version + 1, updated_at = ${scope.now}::text::timestamptz
      where tenant_id = ${scope.tenantId}::uuid and id = ${id}::uuid`)
    mail = { id, token, email: String(row['email']), name: String(row['name']), tenant: request.tenant, days }
    return answerWith(call, transaction, id, 200)
  })
  const sent = mail
  if (sent) platform.after.start('invitation mail', () => sendInvitation(platform, sent))
  return answer
}

async function revoke(call: Call): Promise<TextAnswer> {
  refuseQuery(call)
  const { platform, scope } = call
  const resource = platform.registry.byTable.get(invitations)!
  return call.transactAsSystem(async (system, transaction) => {
    const row = await lockedRow(call, transaction, resource)
    if (row['status'] !== 'pending') throw problem('conflict', { detail: 'The invitation is not pending any more.' })
    const id = String(row['id'])
    await system.run(statement`
      update plinth.invitations set status = 'revoked', token_hash = null, version = version + 1, updated_at = ${scope.now}::text::timestamptz
      where tenant_id = ${scope.tenantId}::uuid and id = ${id}::uuid`)
    await transaction.emit({ type: 'invitation.deleted', key: id, data: { id } })
    return emptyAnswer(204)
  })
}

const acceptance = z.object({ token: z.string().min(1).max(200) }).meta({ id: 'InvitationAcceptance' })

function acceptRoute(one: string): PersonalRoute {
  return {
    public: false,
    personal: 'user',
    // He is no member yet.
    inTenant: false,
    tag: 'invitation',
    origin: 'platform',
    method: 'POST',
    path: `${one}/accept`,
    operationId: 'acceptInvitation',
    summary: 'Join the tenant that invited you, with the token of the link',
    body: { schema: acceptance },
    errors: ['validation_failed', 'invitation_invalid', 'email_unverified', 'unsupported_media_type', 'body_too_large'],
    answers: [{ status: 200, description: 'The tenant, and what you are in it', schema: joinedTenant }],
    handle: accept,
  }
}

async function accept(call: PersonalCall): Promise<TextAnswer> {
  refuseQuery(call)
  const { platform, principal } = call
  const { token } = validate(acceptance, call.body)
  const id = z.guid().safeParse(call.parameters['id'])
  const userId = principal.userId
  if (!id.success || userId === null) throw tenancyProblem('invitation_invalid')
  return platform.database.system(async (system) => {
    const [own] = await system.run(statement`
      select email_verified_at from plinth.users where id = ${userId}::uuid`)
    // Says something of the caller alone, and nothing of the invitation.
    if (own?.['email_verified_at'] == null) throw tenancyProblem('email_unverified')
    const { tenant, roles, added } = await acceptInvitation(platform, system, { id: id.data, token, userId })
    if (added)
      await announceMember(platform, system, {
        principal,
        tenant,
        requestId: call.requestId,
        client: call.client,
        userId,
        roles,
      })
    return jsonAnswer(200, JSON.stringify({ tenant, roles }))
  })
}
