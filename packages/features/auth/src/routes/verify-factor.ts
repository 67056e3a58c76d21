import {
  auditedSystem,
  jsonAnswer,
  personOf,
  validate,
  type Answer,
  type PublicCall,
  type PublicRoute,
} from '@plinth/core'
import { z } from 'zod'
import { findAccount } from '../accounts/find-account.ts'
import type { Auth } from '../auth-parts.ts'
import { authProblem } from '../errors.ts'
import { sendNotice } from '../mails/account-mails.ts'
import { finishSignIn } from '../mfa/pending.ts'
import { codeField } from '../mfa/prove-holder.ts'
import { confirmDevice } from '../mfa/set-up-device.ts'
import { takeShown } from '../mfa/take-second-factor.ts'
import { renewedCookie } from '../sessions/renewed-cookie.ts'
import { showFactor } from '../sessions/show-factor.ts'
import { tokenSetSchema } from '../sign-in/token-set.ts'
import { noStore, publicAuth } from './route-facts.ts'

const input = z
  .object({
    mfa_token: z.string().min(1).max(200).optional().describe('Of a sign-in that waits for its second factor'),
    code: codeField.optional().describe('Six digits of an authenticator'),
    recoveryCode: codeField.optional().describe('Finishes a sign-in; confirms nothing'),
    revokeOtherSessions: z.boolean().default(false).describe('When a factor is confirmed: ends all other sessions'),
  })
  .refine(({ code, recoveryCode }) => (code === undefined) !== (recoveryCode === undefined), {
    path: ['code'],
    message: 'Give a code or a recovery code',
  })
  .refine(({ mfa_token, code }) => mfa_token !== undefined || code !== undefined, {
    path: ['code'],
    message: 'A factor is confirmed by a code of it',
  })

export const recoveryCodesSchema = z
  .object({ recoveryCodes: z.array(z.string()).describe('Ten, shown this once; each works once') })
  .meta({ id: 'RecoveryCodes' })

export const recoveryCodesExample = { recoveryCodes: ['7K3M-9QTX-2C4V-8ZRD', 'H5WN-0B6E-JY1P-4GSA'] }

/**
 * `POST /auth/mfa/verify`: with an `mfa_token`, finishes a sign-in; without one, confirms the factor that the caller has set up.
 */
export function verifyFactor(auth: () => Auth): PublicRoute {
  return {
    ...publicAuth,
    optionalCredential: true,
    method: 'POST',
    path: '/api/v1/auth/mfa/verify',
    operationId: 'verifySecondFactor',
    summary: 'Show a code: finishes a sign-in, or confirms a factor that was set up',
    body: { schema: input, example: { code: '492039' } },
    errors: [
      'validation_failed',
      'unsupported_media_type',
      'invalid_code',
      'mfa_token_invalid',
      'factor_missing',
      'proof_required',
      'tenant_forbidden',
    ],
    answers: [
      {
        status: 200,
        description: 'Tokens, or the recovery codes that come with a factor',
        schema: z.union([tokenSetSchema, recoveryCodesSchema]),
        example: recoveryCodesExample,
        headers: ['X-CSRF-Token'],
      },
    ],
    async handle(call) {
      const parts = auth()
      const { mfa_token: token, code, recoveryCode, revokeOtherSessions } = validate(input, call.body)
      if (token === undefined) return confirm(parts, call, code!, revokeOtherSessions)
      const tokens = await finishSignIn(parts, token, {
        client: call.client,
        requestId: call.requestId,
        guessable: true,
        take: (system, userId) => takeShown(parts, system, userId, { code, recoveryCode }),
      })
      if (!tokens) throw authProblem('invalid_code')
      return jsonAnswer(200, JSON.stringify(tokens), noStore)
    },
  }
}

async function confirm(auth: Auth, call: PublicCall, code: string, endOthers: boolean): Promise<Answer> {
  const principal = await personOf(call, 'POST')
  const { id: userId } = principal
  const attempt = await auth.guard.code(userId)
  const { recoveryCodes, cookie } = await auditedSystem(
    { ...call, principal },
    async (system) => ({
      recoveryCodes: await confirmDevice(auth, system, principal, code),
      cookie: await showFactor(auth, system, principal, endOthers),
    }),
    () => ({ action: 'secondFactor.created', target: userId, detail: { kind: 'totp', endOthers } }),
  )
  await attempt.refund()
  auth.sessions.forget()
  const account = await findAccount(auth.platform, { userId })
  if (account?.email != null) sendNotice(auth, account.email, 'A second factor was added to your account')
  return withRenewed(auth, call, jsonAnswer(200, JSON.stringify({ recoveryCodes }), noStore), cookie)
}

/** The answer, and the new cookie of the session where it has one. */
export function withRenewed(
  auth: Auth,
  { client }: Pick<PublicCall, 'client'>,
  answer: Answer,
  cookie: string | undefined,
): Answer {
  if (cookie === undefined) return answer
  const renewed = renewedCookie(auth, cookie, client)
  return { ...answer, ...renewed, headers: { ...answer.headers, ...renewed.headers } }
}
