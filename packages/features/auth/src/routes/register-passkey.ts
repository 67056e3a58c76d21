import { auditedSystem, jsonAnswer, problem, validate, type PersonalRoute, type Principal } from '@plinth/core'
import { z } from 'zod'
import { findAccount } from '../accounts/find-account.ts'
import type { Auth } from '../auth-parts.ts'
import { authProblem } from '../errors.ts'
import { sendNotice } from '../mails/account-mails.ts'
import { factorExample, factorSchema, factorsOf } from '../mfa/factors.ts'
import { proofInput, proveHolder } from '../mfa/prove-holder.ts'
import { addPasskey } from '../passkeys/add-passkey.ts'
import { takeCeremony, type Ceremony } from '../passkeys/ceremonies.ts'
import { creationOptions } from '../passkeys/options.ts'
import { ceremonyField, createdExample, createdSchema } from '../passkeys/shown-passkey.ts'
import { verifyCreated } from '../passkeys/verify-passkey.ts'
import { showFactor } from '../sessions/show-factor.ts'
import { askedSchema, creationExample } from './passkey-answers.ts'
import { noStore, personalAuth, provingErrors } from './route-facts.ts'
import { recoveryCodesExample, withRenewed } from './verify-factor.ts'

const input = z.object({
  ceremony: ceremonyField,
  credential: createdSchema,
  name: z.string().trim().min(1).max(100).default('Passkey').describe('What you call it'),
  revokeOtherSessions: z.boolean().default(false).describe('Ends all other sessions'),
})

const addedSchema = factorSchema
  .extend({
    recoveryCodes: z
      .array(z.string())
      .optional()
      .describe('Where you had none left: ten, shown this once; each works once'),
  })
  .meta({ id: 'AddedPasskey' })

/** Asked for and answered in one session, of somebody who has just shown who he is. */
function ceremonyOf({ id, session }: Principal): Ceremony {
  return { purpose: 'passkey register', userId: id, bound: session!.id }
}

/** `POST /auth/passkeys/register/{options,verify}`: one more way in. */
export function registerPasskey(auth: () => Auth): readonly PersonalRoute[] {
  return [
    {
      ...personalAuth,
      method: 'POST',
      path: '/api/v1/auth/passkeys/register/options',
      operationId: 'askForNewPasskey',
      summary: 'Options for navigator.credentials.create, just after showing who I am',
      body: { schema: proofInput, optional: true, example: { currentPassword: 'correct horse battery staple' } },
      errors: [...provingErrors, 'passkeys_unavailable'],
      answers: [{ status: 200, description: 'For the browser', schema: askedSchema, example: creationExample }],
      async handle({ principal, client, body }) {
        const parts = auth()
        const proof = validate(proofInput, body)
        await parts.guard.ceremony(client)
        const account = await proveHolder(parts, { principal, client, proof })
        const asked = await creationOptions(parts, account, ceremonyOf(principal))
        return jsonAnswer(200, JSON.stringify(asked), noStore)
      },
    },
    {
      ...personalAuth,
      method: 'POST',
      path: '/api/v1/auth/passkeys/register/verify',
      operationId: 'registerPasskey',
      summary: 'Register the passkey that the browser made; this session has shown a second factor from then on',
      body: { schema: input, example: { ...createdExample, name: 'Laptop' } },
      errors: [
        'validation_failed',
        'unsupported_media_type',
        'passkey_invalid',
        'passkey_taken',
        'passkeys_unavailable',
        'proof_required',
        'conflict',
      ],
      answers: [
        {
          status: 201,
          description: 'The passkey, and recovery codes with the first factor',
          schema: addedSchema,
          example: { ...factorExample, kind: 'passkey', synced: true, ...recoveryCodesExample },
          headers: ['X-CSRF-Token'],
        },
      ],
      async handle(call) {
        const parts = auth()
        const { principal } = call
        const { ceremony, credential, name, revokeOtherSessions } = validate(input, call.body)
        const began = await takeCeremony(parts, ceremonyOf(principal), ceremony)
        const passkey = began && (await verifyCreated(parts, ceremony, credential))
        if (!passkey) throw authProblem('passkey_invalid')
        const { added, cookie } = await auditedSystem(
          call,
          async (system) => ({
            added: await addPasskey(parts, system, principal, { passkey, name, began }),
            cookie: await showFactor(parts, system, principal, revokeOtherSessions),
          }),
          ({ added: { id } }) => ({ action: 'secondFactor.created', target: id, detail: { kind: 'passkey' } }),
        )
        parts.sessions.forget()
        const account = await findAccount(parts.platform, { userId: principal.id })
        if (account?.email != null) sendNotice(parts, account.email, 'A passkey was added to your account')
        const factor = (await factorsOf(parts, principal.id)).find((one) => one.id === added.id)
        if (!factor) throw problem('conflict', { detail: 'The passkey was removed already.' })
        const { recoveryCodes } = added
        const answer = JSON.stringify({ ...factor, ...(recoveryCodes && { recoveryCodes }) })
        return withRenewed(parts, call, jsonAnswer(201, answer, noStore), cookie)
      },
    },
  ]
}
