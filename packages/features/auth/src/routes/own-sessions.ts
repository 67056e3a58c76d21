import {
  auditedSystem,
  emptyAnswer,
  jsonAnswer,
  problem,
  readQuery,
  refuseQuery,
  statement,
  type PersonalCall,
  type PersonalRoute,
  type RawRow,
} from '@plinth/core'
import { z } from 'zod'
import type { Auth } from '../auth-parts.ts'
import { deviceName } from '../sessions/device-name.ts'
import { endSessions } from '../sessions/end-session.ts'
import { noContent, noStore, personalAuth } from './route-facts.ts'

const sessionSchema = z
  .object({
    id: z.string(),
    current: z.boolean(),
    kind: z.enum(['cookie', 'token']),
    device: z.string(),
    address: z.string().nullable(),
    tenantId: z.string().nullable(),
    secondFactor: z.boolean(),
    createdAt: z.iso.datetime(),
    lastSeenAt: z.iso.datetime(),
    expiresAt: z.iso.datetime(),
  })
  .meta({ id: 'OwnSession' })
const listSchema = z.object({ data: z.array(sessionSchema) })

/** More are of no use to anybody, and a list without an end would be. */
const MOST_SHOWN = 100

/** `GET /auth/sessions`, `DELETE /auth/sessions[/:id]`: where one is signed in, and signing out there. */
export function ownSessions(auth: () => Auth): readonly PersonalRoute[] {
  const path = '/api/v1/auth/sessions'
  return [
    {
      ...personalAuth,
      method: 'GET',
      path,
      operationId: 'listOwnSessions',
      summary: 'Where I am signed in',
      errors: [],
      answers: [{ status: 200, description: 'Living sessions, the last used first', schema: listSchema }],
      async handle({ principal }) {
        const parts = auth()
        const now = parts.platform.clock.now()
        const rows = await parts.platform.database.system((system) =>
          system.run(statement`
            select id, kind, tenant_id, second_factor, address, user_agent,
              extract(epoch from created_at)::float8 * 1000 as created_at,
              extract(epoch from last_seen_at)::float8 * 1000 as last_seen_at,
              extract(epoch from least(expires_at, ends_at))::float8 * 1000 as expires_at
            from plinth.sessions
            where owner_user_id = ${principal.id}::uuid and ended_at is null
              and expires_at > ${now}::text::timestamptz and ends_at > ${now}::text::timestamptz
            order by last_seen_at desc limit ${MOST_SHOWN}::int`),
        )
        const data = rows.map((row) => sessionOf(row, principal.session!.id))
        return jsonAnswer(200, JSON.stringify({ data }), noStore)
      },
    },
    {
      ...personalAuth,
      method: 'DELETE',
      path,
      operationId: 'endOwnSessions',
      summary: 'Sign out everywhere else',
      query: [
        {
          name: 'exceptCurrent',
          description: '`false` ends this session too',
          schema: z.enum(['true', 'false']).default('true'),
        },
      ],
      errors: ['invalid_query'],
      answers: [noContent],
      async handle(call) {
        const parts = auth()
        const { principal } = call
        const all = exceptCurrent(call) === 'false'
        await auditedSystem(
          call,
          (system) =>
            endSessions(parts, system, {
              userId: principal.id,
              except: all ? undefined : principal.session!.id,
              by: 'signed out from another session',
            }),
          (sessions) => ({ action: 'session.ended', detail: { sessions, exceptCurrent: !all } }),
        )
        parts.sessions.forget()
        return emptyAnswer(204)
      },
    },
    {
      ...personalAuth,
      method: 'DELETE',
      path: `${path}/:id`,
      operationId: 'endOwnSession',
      summary: 'Sign out there',
      errors: ['not_found'],
      answers: [noContent],
      async handle(call) {
        const parts = auth()
        const { principal, parameters } = call
        const id = z.uuid().safeParse(parameters.id)
        const ended = id.success
          ? await auditedSystem(
              call,
              (system) =>
                endSessions(parts, system, {
                  userId: principal.id,
                  id: id.data,
                  by: 'signed out from another session',
                }),
              (sessions) => (sessions > 0 ? { action: 'session.ended', target: id.data } : undefined),
            )
          : 0
        if (ended === 0) throw problem('not_found')
        parts.sessions.forget()
        return emptyAnswer(204)
      },
    },
  ]
}

/** @throws invalid_query */
function exceptCurrent(call: PersonalCall): string {
  refuseQuery(call, ['exceptCurrent'])
  const value = readQuery(call.search).get('exceptCurrent') ?? 'true'
  if (!['true', 'false'].includes(value))
    throw problem('invalid_query', {
      errors: [{ path: '?exceptCurrent', code: 'invalid', message: 'Only true or false is read here' }],
    })
  return value
}

function sessionOf(row: RawRow, current: string): z.output<typeof sessionSchema> {
  const time = (name: string): string => new Date(Number(row[name])).toISOString()
  const text = (name: string): string | null => (row[name] === null ? null : String(row[name]))
  return {
    id: String(row['id']),
    current: row['id'] === current,
    kind: row['kind'] === 'cookie' ? 'cookie' : 'token',
    device: deviceName(text('user_agent') ?? undefined),
    address: text('address'),
    tenantId: text('tenant_id'),
    secondFactor: row['second_factor'] === true,
    createdAt: time('created_at'),
    lastSeenAt: time('last_seen_at'),
    expiresAt: time('expires_at'),
  }
}
