import { accountFields, jsonAnswer, problem, validate, type PublicRoute } from '@plinth/core'
import { z } from 'zod'
import type { Auth } from '../auth-parts.ts'
import { MFA_PENDING_SECONDS } from '../mfa/pending.ts'
import { makeOneTimeToken } from '../one-time/one-time-tokens.ts'
import { completeSignIn, tokensOf } from '../sign-in/complete-sign-in.ts'
import { tokenSetSchema } from '../sign-in/token-set.ts'
import { verifyCredentials } from '../sign-in/verify-credentials.ts'
import { noStore, publicAuth, tenantField } from './route-facts.ts'

export const loginInput = z
  .object({
    email: accountFields.email.optional(),
    username: accountFields.username.min(1).optional(),
    password: accountFields.password,
    tenant: tenantField.optional(),
  })
  .refine(({ email, username }) => (email === undefined) !== (username === undefined), {
    path: ['email'],
    message: 'Give an e-mail address or a user name',
  })

export const mfaPendingSchema = z
  .object({
    mfa_required: z.literal(true),
    mfa_token: z.string(),
    expires_in: z.int().describe('Seconds'),
    factors: z.array(z.enum(['totp', 'passkey'])).describe('What can be shown, beside a recovery code'),
  })
  .meta({ id: 'SecondFactorPending' })

/** `POST /auth/login`: tokens, or a token to show with the second factor. */
export function logIn(auth: () => Auth): PublicRoute {
  return {
    ...publicAuth,
    method: 'POST',
    path: '/api/v1/auth/login',
    operationId: 'logIn',
    summary: 'Sign in with a password',
    body: { schema: loginInput, example: { email: 'ada@example.com', password: 'correct horse battery staple' } },
    errors: ['validation_failed', 'unsupported_media_type', 'invalid_credentials', 'tenant_forbidden', 'rate_limited'],
    answers: [
      {
        status: 200,
        description: 'Tokens, or a second factor is asked for',
        schema: z.union([tokenSetSchema, mfaPendingSchema]),
      },
    ],
    async handle({ body, client, requestId }) {
      const parts = auth()
      const shown = validate(loginInput, body)
      const account = await verifyCredentials(parts, { ...shown, client })
      if (account.secondFactor) {
        const token = await parts.platform.database.system((system) =>
          makeOneTimeToken(parts, system, {
            purpose: 'mfa',
            userId: account.userId,
            // Chosen with the password; the second step cannot change it.
            bound: shown.tenant ?? null,
            seconds: MFA_PENDING_SECONDS,
          }),
        )
        const { factors } = account
        const pending = { mfa_required: true, mfa_token: token, expires_in: MFA_PENDING_SECONDS, factors }
        return jsonAnswer(200, JSON.stringify(pending), noStore)
      }
      const done = await completeSignIn(parts, {
        account,
        secondFactor: false,
        kind: 'token',
        tenant: shown.tenant,
        client,
        requestId,
      })
      if (!done) throw problem('conflict')
      return jsonAnswer(200, JSON.stringify(await tokensOf(parts, account.userId, done)), noStore)
    },
  }
}
