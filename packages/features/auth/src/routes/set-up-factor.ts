import { jsonAnswer, validate, type PersonalRoute } from '@plinth/core'
import { z } from 'zod'
import type { Auth } from '../auth-parts.ts'
import { proofInput, proveHolder } from '../mfa/prove-holder.ts'
import { setUpDevice } from '../mfa/set-up-device.ts'
import { noStore, personalAuth, provingErrors } from './route-facts.ts'

const input = proofInput.extend({
  name: z.string().trim().min(1).max(100).default('Authenticator').describe('What you call it'),
})

const pendingSchema = z
  .object({
    id: z.string(),
    secret: z.string().describe('Base32, for who types it'),
    otpauthUri: z.string(),
    qr: z.string().describe('The URI as a QR code, SVG'),
  })
  .meta({ id: 'PendingFactor' })

const example = {
  id: '0198f0a6-6f0e-4a56-9a6e-0f8a2c1f3b11',
  secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
  otpauthUri:
    'otpauth://totp/Plinth:ada%40example.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Plinth&algorithm=SHA1&digits=6&period=30',
  qr: '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 57 57"/>',
}

/** `POST /auth/mfa/setup`: an authenticator that is to be confirmed by a code of it. */
export function setUpFactor(auth: () => Auth): PersonalRoute {
  return {
    ...personalAuth,
    method: 'POST',
    path: '/api/v1/auth/mfa/setup',
    operationId: 'setUpSecondFactor',
    summary: 'Set up an authenticator, which counts once a code of it was shown',
    body: { schema: input, optional: true, example: { name: 'Phone' } },
    errors: [...provingErrors, 'conflict'],
    answers: [{ status: 200, description: 'To be read by an authenticator', schema: pendingSchema, example }],
    async handle(call) {
      const { principal, client, body } = call
      const parts = auth()
      const { name, ...proof } = validate(input, body)
      const began = parts.platform.clock.now()
      const account = await proveHolder(parts, { principal, client, proof })
      return jsonAnswer(200, JSON.stringify(await setUpDevice(parts, call, account, { name, began })), noStore)
    },
  }
}
