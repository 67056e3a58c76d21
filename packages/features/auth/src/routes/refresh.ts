import { jsonAnswer, validate, type PublicRoute } from '@plinth/core'
import { z } from 'zod'
import type { Auth } from '../auth-parts.ts'
import { refreshSession } from '../sessions/refresh-session.ts'
import { tokenSet, tokenSetSchema } from '../sign-in/token-set.ts'
import { noStore, publicAuth } from './route-facts.ts'

const input = z.object({ refresh_token: z.string().min(1).max(200) })

/** `POST /auth/refresh`: the next pair of tokens. The one that was shown is used up. */
export function refresh(auth: () => Auth): PublicRoute {
  return {
    ...publicAuth,
    method: 'POST',
    path: '/api/v1/auth/refresh',
    operationId: 'refreshTokens',
    summary: 'Exchange a refresh token for the next pair of tokens',
    body: { schema: input },
    errors: ['validation_failed', 'unsupported_media_type', 'refresh_invalid', 'refresh_superseded', 'refresh_reused'],
    answers: [{ status: 200, description: 'The next tokens', schema: tokenSetSchema }],
    async handle(call) {
      const parts = auth()
      const { sessionId, userId, tenantId, refreshToken } = await refreshSession(
        parts,
        validate(input, call.body).refresh_token,
        call,
      )
      const tenant = tenantId === null ? undefined : await parts.platform.database.findTenant(tenantId)
      const tokens = await tokenSet(parts, { userId, sessionId, refreshToken, tenant })
      return jsonAnswer(200, JSON.stringify(tokens), noStore)
    },
  }
}
