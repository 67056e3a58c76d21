import {
  emptyAnswer,
  jsonAnswer,
  lockedRow,
  problem,
  readQuery,
  refuseNarrow,
  refuseQuery,
  routePartsOf,
  statement,
  type Call,
  type GuardedRoute,
  type Registry,
  type TextAnswer,
  type Transaction,
} from '@plinth/core'
import { z } from 'zod'
import type { Auth } from '../auth-parts.ts'
import { endSessions } from '../sessions/end-session.ts'
import { sessions } from '../tables.ts'
import { noContent } from './route-facts.ts'

/** What a list of sessions says of why it ended. */
const by = 'ended by an administrator'

/** `DELETE /sessions[/:id]`: ends sessions of members, as far as they work in this tenant. Listing is the resource's own business. */
export function tenantSessions(auth: () => Auth, registry: Registry): readonly GuardedRoute[] {
  const resource = registry.byTable.get(sessions)!
  const { base, common, guard } = routePartsOf(registry, resource)
  return [
    {
      ...common,
      ...guard('delete'),
      method: 'DELETE',
      path: `${base}/:id`,
      operationId: 'endSession',
      summary: 'End a session of a member',
      errors: ['invalid_query', 'not_found', 'permission_denied', 'version_mismatch'],
      answers: [noContent],
      async handle(call) {
        refuseQuery(call)
        const { tenantId } = call.scope
        const answer = await call.transactAsSystem(async (system, transaction) => {
          const row = await lockedRow(call, transaction, resource)
          const [id, userId] = [String(row['id']), String(row['ownerUserId'])]
          const ended = await endSessions(auth(), system, { id, userId, tenantId, by })
          if (ended > 0) await tellEnded(transaction, id, userId)
          return emptyAnswer(204)
        })
        auth().sessions.forget()
        return answer
      },
    },
    {
      ...common,
      ...guard('delete'),
      method: 'DELETE',
      path: base,
      operationId: 'endSessions',
      summary: 'End the sessions of all members, or of one; the caller keeps his own',
      query: [
        { name: 'confirm', description: 'Must be `sessions` where no user is named', schema: z.literal('sessions') },
        { name: 'userId', description: 'Only those of this user', schema: z.uuid() },
      ],
      errors: ['invalid_query', 'permission_denied'],
      answers: [{ status: 200, description: 'How many', schema: z.object({ deleted: z.int() }) }],
      handle: (call) => endMany(auth(), call),
    },
  ]
}

async function endMany(auth: Auth, call: Call): Promise<TextAnswer> {
  const { confirm, userId = null } = readFilter(call)
  // All of a tenant's people at once: not for whoever may end only some.
  refuseNarrow(call)
  if (userId === null && confirm !== 'sessions')
    throw problem('invalid_query', {
      errors: [{ path: '?confirm', code: 'required', message: 'Send confirm=sessions, or the userId of one member' }],
    })
  const { now, tenantId } = call.scope
  const own = call.request.principal.session?.id ?? null
  const answer = await call.transactAsSystem(async (system, transaction) => {
    const rows = await system.run(statement`
      update plinth.sessions set ended_at = ${now}::text::timestamptz, ended_by = ${by}::text,
        updated_at = ${now}::text::timestamptz, version = version + 1
      where tenant_id = ${tenantId}::uuid and ended_at is null
        and (${userId}::text is null or owner_user_id = ${userId}::text::uuid)
        and (${own}::text is null or id <> ${own}::text::uuid)
      returning id, owner_user_id`)
    for (const row of rows) await tellEnded(transaction, String(row['id']), String(row['owner_user_id']))
    return jsonAnswer(200, JSON.stringify({ deleted: rows.length }))
  })
  auth.sessions.forget()
  return answer
}

function tellEnded(transaction: Transaction, id: string, userId: string): Promise<void> {
  return transaction.emit({ type: 'session.ended', key: id, data: { id, userId } })
}

const filter = z.object({ confirm: z.literal('sessions').optional(), userId: z.uuid().optional() })

function readFilter(call: Call): z.output<typeof filter> {
  refuseQuery(call, ['confirm', 'userId'])
  const parsed = filter.safeParse(Object.fromEntries(readQuery(call.search)))
  if (parsed.success) return parsed.data
  throw problem('invalid_query', {
    errors: [{ path: '?', code: 'invalid', message: 'Allowed are confirm=sessions and userId=<id>' }],
  })
}
