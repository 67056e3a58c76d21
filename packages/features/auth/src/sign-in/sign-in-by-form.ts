import { validate, type PublicCall, type SystemTransaction } from '@plinth/core'
import { z } from 'zod'
import type { Auth } from '../auth-parts.ts'
import { authProblem } from '../errors.ts'
import { takeRecoveryCode, takeSecondFactor } from '../mfa/take-second-factor.ts'
import { shownPasskey, type ShownPasskey } from '../passkeys/shown-passkey.ts'
import { believePasskey, takePasskey } from '../passkeys/take-passkey.ts'
import { tenantField } from '../routes/route-facts.ts'
import { completeSignIn, type SignedIn } from './complete-sign-in.ts'
import { firstFactor, signInByPasskey } from './sign-in-by-passkey.ts'
import { verifyCredentials } from './verify-credentials.ts'

/** A form sends every field, those that nobody filled in as empty texts. */
const filled = (most: number): z.ZodType<string | undefined> =>
  z
    .string()
    .max(most)
    .optional()
    .transform((text) => (text === '' ? undefined : text))

/** Everything in one step: a name and a password, with a code or a passkey where there is a second factor; or a passkey alone. */
export const shownInForm = z.object({
  identifier: filled(320).describe('E-mail address or user name'),
  password: filled(4096),
  code: filled(64).describe('Code of the second factor, or a recovery code'),
  passkey: z
    .union([shownPasskey, z.string().max(60_000)])
    .optional()
    .describe('Answers POST /auth/passkeys/login/options; in a form as JSON'),
  tenant: tenantField.optional(),
})

export type ShownInForm = z.output<typeof shownInForm>

/**
 * @param within what else belongs into the transaction of the sign-in
 * @throws validation_failed, invalid_credentials, invalid_code, passkey_refused, passkey_needs_password, tenant_forbidden, rate_limited,
 * unavailable
 */
export async function signInByForm(
  auth: Auth,
  given: ShownInForm,
  { client, requestId }: Pick<PublicCall, 'client' | 'requestId'>,
  within: (system: SystemTransaction) => Promise<void>,
): Promise<SignedIn> {
  const { identifier, password, tenant } = given
  const passkey = passkeyIn(given)
  if (passkey && password === undefined)
    return signInByPasskey(auth, { shown: passkey, kind: 'cookie', tenant, client, requestId, within })
  const typed = validate(typedSchema, { identifier, password })
  const shown = typed.identifier.includes('@') ? { email: typed.identifier } : { username: typed.identifier }
  const account = await verifyCredentials(auth, { ...shown, password: typed.password, client })
  const attempt = account.secondFactor && !passkey ? await auth.guard.code(account.userId) : undefined
  const believed = passkey && account.secondFactor ? await believePasskey(auth, firstFactor, passkey) : undefined
  const done = await completeSignIn(
    auth,
    { account, kind: 'cookie', secondFactor: account.secondFactor, tenant, client, requestId },
    async (system) => {
      if (account.secondFactor) {
        const right = passkey
          ? believed?.userId === account.userId && (await takePasskey(auth, system, believed, 'password')) === 'taken'
          : await takeAny(auth, system, account.userId, given.code ?? '')
        if (!right) return false
      }
      await within(system)
      return true
    },
  )
  if (!done) throw authProblem(passkey ? 'passkey_refused' : 'invalid_code')
  await attempt?.refund()
  return done
}

const typedSchema = z.object({ identifier: z.string(), password: z.string() })

async function takeAny(auth: Auth, system: SystemTransaction, userId: string, code: string): Promise<boolean> {
  return (await takeSecondFactor(auth, system, userId, code)) || takeRecoveryCode(auth, system, userId, code)
}

/** @throws validation_failed where it is no answer of a browser */
function passkeyIn({ passkey }: ShownInForm): ShownPasskey | undefined {
  if (passkey === undefined || passkey === '') return undefined
  if (typeof passkey !== 'string') return passkey
  let parsed: unknown
  try {
    parsed = JSON.parse(passkey)
  } catch {
    parsed = undefined
  }
  return validate(z.object({ passkey: shownPasskey }), { passkey: parsed }).passkey
}
