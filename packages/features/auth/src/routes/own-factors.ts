import {
  auditedSystem,
  emptyAnswer,
  jsonAnswer,
  problem,
  statement,
  validate,
  type PersonalCall,
  type PersonalRoute,
} from '@plinth/core'
import type { Answer } from '@plinth/core'
import { z } from 'zod'
import type { Auth } from '../auth-parts.ts'
import { authProblem } from '../errors.ts'
import { sendNotice } from '../mails/account-mails.ts'
import { factorExample, factorSchema, factorsOf } from '../mfa/factors.ts'
import { proofInput, proveHolder } from '../mfa/prove-holder.ts'
import { removeDevices, renameDevice } from '../mfa/remove-devices.ts'
import { replaceRecoveryCodes } from '../mfa/replace-recovery-codes.ts'
import { noContent, noStore, personalAuth, provingErrors } from './route-facts.ts'
import { recoveryCodesExample, recoveryCodesSchema } from './verify-factor.ts'

const listSchema = z.object({
  data: z.array(factorSchema),
  recoveryCodesLeft: z.int().describe('How many recovery codes are not used yet'),
})
const nameInput = z.object({ name: z.string().trim().min(1).max(100).describe('What you call it') })

const path = '/api/v1/auth/mfa/devices'
/** `GET`, `PATCH`, `DELETE /auth/mfa/devices[/:id]`, `POST /auth/mfa/recovery-codes`: one's own second factors. */
export function ownFactors(auth: () => Auth): readonly PersonalRoute[] {
  return [
    {
      ...personalAuth,
      method: 'GET',
      path,
      operationId: 'listSecondFactors',
      summary: 'My second factors',
      errors: [],
      answers: [
        {
          status: 200,
          description: 'The oldest first',
          schema: listSchema,
          example: { data: [factorExample], recoveryCodesLeft: 10 },
        },
      ],
      async handle({ principal }) {
        const data = await factorsOf(auth(), principal.id)
        const recoveryCodesLeft = await codesLeft(auth(), principal.id)
        return jsonAnswer(200, JSON.stringify({ data, recoveryCodesLeft }), noStore)
      },
    },
    {
      ...personalAuth,
      method: 'GET',
      path: `${path}/:id`,
      operationId: 'readSecondFactor',
      summary: 'One of my second factors',
      errors: ['not_found'],
      answers: [
        { status: 200, description: 'The factor, without its secret', schema: factorSchema, example: factorExample },
      ],
      async handle({ principal, parameters }) {
        const found = (await factorsOf(auth(), principal.id)).find((factor) => factor.id === parameters.id)
        if (!found) throw problem('not_found')
        return jsonAnswer(200, JSON.stringify(found), noStore)
      },
    },
    {
      ...personalAuth,
      method: 'PATCH',
      path: `${path}/:id`,
      operationId: 'renameSecondFactor',
      summary: 'Call one of my second factors something else, just after showing who I am',
      body: { schema: nameInput, mergePatch: true, example: { name: 'Laptop' } },
      errors: ['validation_failed', 'unsupported_media_type', 'proof_required', 'not_found'],
      answers: [
        { status: 200, description: 'The factor, without its secret', schema: factorSchema, example: factorExample },
      ],
      async handle(call) {
        const parts = auth()
        const { principal, client, parameters } = call
        const { name } = validate(nameInput, call.body)
        await proveHolder(parts, { principal, client, proof: {} })
        await renameDevice(call, principal.id, parameters.id!, name)
        const renamed = (await factorsOf(parts, principal.id)).find((factor) => factor.id === parameters.id)
        if (!renamed) throw problem('not_found')
        return jsonAnswer(200, JSON.stringify(renamed), noStore)
      },
    },
    {
      ...personalAuth,
      method: 'DELETE',
      path,
      operationId: 'removeSecondFactors',
      summary: 'Do without a second factor from now on',
      errors: ['proof_required', 'not_found', 'factor_needed'],
      answers: [noContent],
      handle: (call) => remove(auth(), call, undefined),
    },
    {
      ...personalAuth,
      method: 'DELETE',
      path: `${path}/:id`,
      operationId: 'removeSecondFactor',
      summary: 'Remove one of my second factors, just after showing who I am',
      errors: ['proof_required', 'not_found', 'factor_needed'],
      answers: [noContent],
      handle(call) {
        const id = z.uuid().safeParse(call.parameters.id)
        if (!id.success) throw problem('not_found')
        return remove(auth(), call, id.data)
      },
    },
    {
      ...personalAuth,
      method: 'POST',
      path: '/api/v1/auth/mfa/recovery-codes',
      operationId: 'replaceRecoveryCodes',
      summary: 'New recovery codes; those before are worth nothing any more',
      body: { schema: proofInput, optional: true, example: { currentPassword: 'correct horse battery staple' } },
      errors: [...provingErrors, 'factor_missing'],
      answers: [{ status: 200, description: 'Ten codes', schema: recoveryCodesSchema, example: recoveryCodesExample }],
      async handle(call) {
        const parts = auth()
        const { principal, client, body } = call
        const proof = validate(proofInput, body)
        const account = await proveHolder(parts, { principal, client, proof })
        if (!account.secondFactor) throw authProblem('factor_missing')
        const recoveryCodes = await auditedSystem(
          call,
          (system) => replaceRecoveryCodes(parts, system, account.userId),
          () => ({ action: 'recoveryCodes.replaced', target: account.userId }),
        )
        if (account.email !== null) sendNotice(parts, account.email, 'Your recovery codes were replaced')
        return jsonAnswer(200, JSON.stringify({ recoveryCodes }), noStore)
      },
    },
  ]
}

async function remove(auth: Auth, call: PersonalCall, id: string | undefined): Promise<Answer> {
  const { principal, client } = call
  const account = await proveHolder(auth, { principal, client, proof: {} })
  await removeDevices(auth, call, account.userId, id)
  if (account.email !== null) sendNotice(auth, account.email, 'A second factor was removed from your account')
  return emptyAnswer(204)
}

async function codesLeft({ platform }: Auth, userId: string): Promise<number> {
  const [row] = await platform.database.system((system) =>
    system.run(statement`
      select count(*)::int as left from plinth.recovery_codes where user_id = ${userId}::uuid and used_at is null`),
  )
  return Number(row!['left'])
}
