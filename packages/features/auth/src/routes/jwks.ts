import { publicAnswer, type PublicRoute } from '@plinth/core'
import { z } from 'zod'
import type { Auth } from '../auth-parts.ts'
import { jwks, jwksCacheControl, jwksMediaType } from '../jwt/jwks.ts'

/** `GET /auth/jwks`: the keys by which others verify our access tokens (RFC 7517). */
export function jwksRoute(auth: () => Auth): PublicRoute {
  return {
    public: true,
    origin: 'platform',
    tag: 'auth',
    method: 'GET',
    path: '/api/v1/auth/jwks',
    operationId: 'readJwks',
    summary: 'The public keys of access tokens',
    errors: [],
    answers: [
      {
        status: 200,
        description: 'A JSON Web Key Set',
        contentType: jwksMediaType,
        schema: z.object({ keys: z.array(z.record(z.string(), z.string())) }),
      },
    ],
    handle(call) {
      const { keys } = auth()
      const headers = { 'content-type': jwksMediaType, 'cache-control': jwksCacheControl(keys) }
      return publicAnswer(call, { status: 200, headers, body: JSON.stringify(jwks(keys)) })
    },
  }
}
