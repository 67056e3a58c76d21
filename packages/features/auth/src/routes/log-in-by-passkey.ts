import { jsonAnswer, validate, type PersonalRoute, type PublicRoute } from '@plinth/core'
import { z } from 'zod'
import type { Auth } from '../auth-parts.ts'
import { peekPending } from '../mfa/pending.ts'
import { proofCeremony } from '../mfa/prove-holder.ts'
import { requestOptions } from '../passkeys/options.ts'
import { assertionExample, shownPasskey } from '../passkeys/shown-passkey.ts'
import {
  finishByPasskey,
  firstFactor,
  secondFactorOf,
  signInByPasskey,
  tokensByPasskey,
} from '../sign-in/sign-in-by-passkey.ts'
import { tokenSetSchema } from '../sign-in/token-set.ts'
import { askedSchema, requestExample } from './passkey-answers.ts'
import { noStore, personalAuth, publicAuth, tenantField } from './route-facts.ts'

const mfaToken = z.string().min(1).max(200).optional().describe('Of a sign-in that waits for its second factor')
const optionsInput = z.object({ mfa_token: mfaToken })
const input = shownPasskey.extend({
  mfa_token: mfaToken,
  tenant: tenantField
    .optional()
    .describe('Id or slug of one of your tenants; with mfa_token the one chosen with the password counts'),
})

/**
 * `POST /auth/passkeys/login/{options,verify}`: by a passkey alone, or by one as the second factor. The options name nobody and are the
 * same for everybody, but for who has shown a password.
 */
export function logInByPasskey(auth: () => Auth): readonly PublicRoute[] {
  return [
    {
      ...publicAuth,
      method: 'POST',
      path: '/api/v1/auth/passkeys/login/options',
      operationId: 'askForPasskey',
      summary: 'Options for navigator.credentials.get',
      body: { schema: optionsInput, optional: true, example: {} },
      errors: [
        'validation_failed',
        'unsupported_media_type',
        'mfa_token_invalid',
        'passkeys_unavailable',
        'rate_limited',
      ],
      answers: [{ status: 200, description: 'For the browser', schema: askedSchema, example: requestExample }],
      async handle({ body, client }) {
        const parts = auth()
        const { mfa_token: token } = validate(optionsInput, body)
        await parts.guard.ceremony(client)
        const of = token === undefined ? firstFactor : secondFactorOf(await peekPending(parts, token, client), token)
        return jsonAnswer(200, JSON.stringify(await requestOptions(parts, of)), noStore)
      },
    },
    {
      ...publicAuth,
      method: 'POST',
      path: '/api/v1/auth/passkeys/login/verify',
      operationId: 'logInByPasskey',
      summary: 'Sign in with a passkey',
      body: { schema: input, example: assertionExample },
      errors: [
        'validation_failed',
        'unsupported_media_type',
        'passkey_refused',
        'passkey_needs_password',
        'mfa_token_invalid',
        'passkeys_unavailable',
        'tenant_forbidden',
        'rate_limited',
      ],
      answers: [{ status: 200, description: 'Tokens', schema: tokenSetSchema }],
      async handle({ body, client, requestId }) {
        const parts = auth()
        const { mfa_token: token, tenant, ...shown } = validate(input, body)
        const tokens =
          token === undefined
            ? await tokensByPasskey(
                parts,
                await signInByPasskey(parts, { shown, tenant, client, requestId, kind: 'token' }),
              )
            : await finishByPasskey(parts, token, { shown, client, requestId })
        return jsonAnswer(200, JSON.stringify(tokens), noStore)
      },
    },
  ]
}

/** `POST /auth/reauthenticate/options`: for showing a passkey of one's own to `POST /auth/reauthenticate`, or where a proof is asked for. */
export function askForOwnPasskey(auth: () => Auth): PersonalRoute {
  return {
    ...personalAuth,
    method: 'POST',
    path: '/api/v1/auth/reauthenticate/options',
    operationId: 'askForOwnPasskey',
    summary: 'Options for navigator.credentials.get, to show again who I am',
    errors: ['passkeys_unavailable', 'rate_limited'],
    answers: [{ status: 200, description: 'For the browser', schema: askedSchema, example: requestExample }],
    async handle({ principal, client }) {
      const parts = auth()
      await parts.guard.ceremony(client)
      return jsonAnswer(200, JSON.stringify(await requestOptions(parts, proofCeremony(principal))), noStore)
    },
  }
}
