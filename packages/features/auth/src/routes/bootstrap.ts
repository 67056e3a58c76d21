import {
  accountFields,
  auditedSystem,
  hashToken,
  jsonAnswer,
  statement,
  validate,
  type PublicRoute,
  type SystemTransaction,
} from '@plinth/core'
import { z } from 'zod'
import { createAccount } from '../accounts/create-account.ts'
import { emailAddress } from '../accounts/email-address.ts'
import type { Auth } from '../auth-parts.ts'
import { authProblem } from '../errors.ts'
import { isTokenOf } from '../one-time/token.ts'
import { noStore, publicAuth, userSchema } from './route-facts.ts'

const input = z.object({
  token: z.string().min(1).max(200),
  email: accountFields.email,
  password: accountFields.password,
  name: accountFields.name.optional(),
})

/** `POST /auth/bootstrap`: the first operator, by the token that the first start printed. */
export function bootstrap(auth: () => Auth): PublicRoute {
  return {
    ...publicAuth,
    method: 'POST',
    path: '/api/v1/auth/bootstrap',
    operationId: 'bootstrapOperator',
    summary: 'Make the first operator by the token that the first start printed',
    body: { schema: input },
    errors: ['validation_failed', 'unsupported_media_type', 'token_invalid', 'email_taken', 'rate_limited'],
    answers: [
      { status: 201, description: 'The account; it has yet to sign in', schema: z.object({ user: userSchema }) },
    ],
    async handle(call) {
      const { body, client } = call
      const parts = auth()
      const given = validate(input, body)
      const email = emailAddress(given.email)
      await parts.guard.token(client)
      const now = parts.platform.clock.now()
      // Before anything that costs: whoever invents a token makes nobody hash, and learns nothing of the rules for passwords either.
      if (!(await isOffered(parts, given.token, now))) throw noOffer()
      await parts.passwords.refuseWeak(given.password, { email, name: given.name, path: '/password' })
      const passwordHash = await parts.passwords.hash(given.password)
      const name = given.name ?? ''
      const make = async (system: SystemTransaction): Promise<{ readonly userId: string }> => {
        const [token] = await system.run(statement`
          update plinth.one_time_tokens set used_at = ${now}::text::timestamptz
          where token_hash = ${hashToken(given.token)}::text and purpose = 'bootstrap' and used_at is null
            and expires_at > ${now}::text::timestamptz
          returning token_hash`)
        if (!token) throw noOffer()
        const draft = { email, name, passwordHash, username: null, superadmin: true, emailVerified: true }
        const account = await createAccount(parts, system, draft)
        // Rolls back: the token is not used up by an address that was taken.
        if ('taken' in account) throw authProblem('email_taken')
        return account
      }
      const created = await auditedSystem(call, make, ({ userId }) => ({
        action: 'account.created',
        target: userId,
        actor: { kind: 'user', id: userId },
        detail: { superadmin: true },
      }))
      const user = { id: created.userId, email, username: null, name, emailVerified: true }
      return jsonAnswer(201, JSON.stringify({ user }), noStore)
    },
  }
}

/** A look, that uses nothing up: the token is taken in the transaction that makes the account. */
async function isOffered({ platform }: Auth, token: string, now: Date): Promise<boolean> {
  if (!isTokenOf('bootstrap', token)) return false
  const [row] = await platform.database.system((system) =>
    system.run(statement`
      select token_hash from plinth.one_time_tokens where token_hash = ${hashToken(token)}::text and purpose = 'bootstrap'
        and used_at is null and expires_at > ${now}::text::timestamptz`),
  )
  return row !== undefined
}

const noOffer = (): Error =>
  authProblem('token_invalid', {
    detail: 'There is no such offer: it was used, has expired, or there is an operator already.',
  })
