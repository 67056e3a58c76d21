import { auditedSystem, emptyAnswer, jsonAnswer, problem, statement, validate, type PersonalRoute } from '@plinth/core'
import { z } from 'zod'
import type { Auth } from '../auth-parts.ts'
import { renewedCookie } from '../sessions/renewed-cookie.ts'
import { renewSecret } from '../sessions/renew-secret.ts'
import { tenantForSession, tokenSet, tokenSetSchema } from '../sign-in/token-set.ts'
import { noStore, personalAuth, tenantField } from './route-facts.ts'

const input = z.object({ tenant: tenantField })

/**
 * `POST /auth/switch-tenant`: this session works in another of the caller's tenants from now on. What he may do changes with it, so
 * the session's secret changes too.
 */
export function switchTenant(auth: () => Auth): PersonalRoute {
  return {
    ...personalAuth,
    method: 'POST',
    path: '/api/v1/auth/switch-tenant',
    operationId: 'switchTenant',
    summary: 'Work in another of my tenants',
    body: { schema: input },
    errors: ['validation_failed', 'unsupported_media_type', 'tenant_forbidden'],
    answers: [
      { status: 200, description: 'Tokens for that tenant', schema: tokenSetSchema },
      {
        status: 204,
        description: 'A new cookie for that tenant; its CSRF token is in X-CSRF-Token',
        headers: ['X-CSRF-Token'],
      },
    ],
    async handle(call) {
      const { principal, body, client } = call
      const parts = auth()
      const tenant = await tenantForSession(parts, principal.id, validate(input, body).tenant)
      if (!tenant || tenant === 'foreign' || tenant.standing !== 'active') throw problem('tenant_forbidden')
      const { id, credential } = principal.session!
      const secret = await auditedSystem(
        call,
        async (system) => {
          await system.run(statement`
            update plinth.sessions set tenant_id = ${tenant.id}::uuid where id = ${id}::uuid and ended_at is null`)
          return renewSecret(parts, system, id)
        },
        (renewed) =>
          renewed === undefined ? undefined : { action: 'session.switched', target: id, tenantId: tenant.id },
      )
      parts.sessions.forget()
      if (secret === undefined) throw problem('invalid_credential')
      if (credential === 'cookie') return { ...emptyAnswer(204), ...renewedCookie(parts, secret, client) }
      const tokens = await tokenSet(parts, { userId: principal.id, sessionId: id, refreshToken: secret, tenant })
      return jsonAnswer(200, JSON.stringify(tokens), noStore)
    },
  }
}
