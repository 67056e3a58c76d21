import {
  emptyAnswer,
  jsonAnswer,
  problem,
  routePartsOf,
  statement,
  type Call,
  type GuardedRoute,
  type Registry,
} from '@plinth/core'
import { z } from 'zod'
import type { Auth } from '../auth-parts.ts'
import { endSessions } from '../sessions/end-session.ts'
import { noContent } from './route-facts.ts'

/** `DELETE /sessions[/:id]`: ends sessions of members, as far as they work in this tenant. Listing is the resource's own business. */
export function tenantSessions(auth: () => Auth, registry: Registry): readonly GuardedRoute[] {
  const resource = registry.resources.find(({ name }) => name === 'session')!
  const { base, common, guard } = routePartsOf(registry, resource)
  return [
    {
      ...common,
      ...guard('delete'),
      method: 'DELETE',
      path: `${base}/:id`,
      operationId: 'endSession',
      summary: 'End a session of a member',
      errors: ['not_found'],
      answers: [noContent],
      async handle(call) {
        const parts = auth()
        const id = call.parameters.id!
        // Read under row-level security and the caller's scope: what he may not see he cannot end.
        const row = await call.session.read({ resource, id, visible: call.allowed })
        if (!row) throw problem('not_found')
        await parts.platform.database.system((system) =>
          endSessions(parts, system, {
            id,
            userId: String(row['ownerUserId']),
            tenantId: call.request.tenant.id,
            by: 'ended by an administrator',
          }),
        )
        parts.sessions.forget()
        return emptyAnswer(204)
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

async function endMany(auth: Auth, call: Call): ReturnType<GuardedRoute['handle']> {
  const { confirm, userId } = readQuery(call.search)
  // All of a tenant's people at once: not for whoever may end only some.
  if (call.allowed.kind !== 'always')
    throw problem('permission_denied', { detail: 'This needs session:delete on all sessions.' })
  if (userId === undefined && confirm !== 'sessions')
    throw problem('invalid_query', {
      errors: [{ path: '?confirm', code: 'required', message: 'Send confirm=sessions, or the userId of one member' }],
    })
  const now = auth.platform.clock.now()
  const own = call.request.principal.session?.id ?? null
  const rows = await auth.platform.database.system((system) =>
    system.run(statement`
      update plinth.sessions set ended_at = ${now}::text::timestamptz, ended_by = 'ended by an administrator',
        updated_at = ${now}::text::timestamptz, version = version + 1
      where tenant_id = ${call.request.tenant.id}::uuid and ended_at is null
        and (${userId ?? null}::text is null or owner_user_id = ${userId ?? null}::text::uuid)
        and (${own}::text is null or id <> ${own}::text::uuid)
      returning id`),
  )
  auth.sessions.forget()
  return jsonAnswer(200, JSON.stringify({ deleted: rows.length }))
}

const query = z.strictObject({ confirm: z.literal('sessions').optional(), userId: z.uuid().optional() })

function readQuery(search: string): z.output<typeof query> {
  const given = [...new URLSearchParams(search)]
  const parsed = query.safeParse(Object.fromEntries(given))
  if (parsed.success && given.length === Object.keys(parsed.data).length) return parsed.data
  throw problem('invalid_query', {
    errors: [{ path: '?', code: 'invalid', message: 'Allowed are confirm=sessions and userId=<id>' }],
  })
}
