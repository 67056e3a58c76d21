import {
  accountFields,
  auditedSystem,
  emptyAnswer,
  statement,
  validate,
  type PublicRoute,
  type SystemTransaction,
} from '@plinth/core'
import { z } from 'zod'
import { endUnproven } from '../accounts/end-unproven.ts'
import { findAccount } from '../accounts/find-account.ts'
import { setPassword } from '../accounts/set-password.ts'
import { revokeKeys } from '../api-keys/revoke-keys.ts'
import type { Auth } from '../auth-parts.ts'
import { authProblem } from '../errors.ts'
import { sendNotice } from '../mails/account-mails.ts'
import { peekOneTimeToken, takeOneTimeToken } from '../one-time/one-time-tokens.ts'
import { endSessions } from '../sessions/end-session.ts'
import { noContent, publicAuth, revokeKeysField } from './route-facts.ts'

const input = z.object({
  token: z.string().min(1).max(200),
  password: accountFields.password,
  revokeKeys: revokeKeysField,
})

/**
 * `POST /auth/password/reset`: a new password by the link that was sent. Ends all sessions, and starts none: a second factor is still
 * asked for at the next sign-in (ASVS 6.4.3), but for one that is older than the first proof of the address.
 */
export function resetPassword(auth: () => Auth): PublicRoute {
  return {
    ...publicAuth,
    method: 'POST',
    path: '/api/v1/auth/password/reset',
    operationId: 'resetPassword',
    summary: 'Set a new password by the link that was sent',
    body: { schema: input },
    errors: ['validation_failed', 'unsupported_media_type', 'token_invalid', 'rate_limited'],
    answers: [noContent],
    async handle(call) {
      const { body, client } = call
      const parts = auth()
      const { token, password, revokeKeys: withKeys } = validate(input, body)
      const attempt = await parts.guard.token(client)
      // Looked at first, used up last: a password that is too weak must not cost the link.
      const known = await peekOneTimeToken(parts, 'reset', token)
      const account = known && (await findAccount(parts.platform, { userId: known.userId }))
      // The link went to an address: who has another one by now has not read it.
      if (!known || !account?.active || account.email !== known.bound) throw authProblem('token_invalid')
      await parts.passwords.refuseWeak(password, { ...account, path: '/password' })
      const hash = await parts.passwords.hash(password)
      const reset = async (system: SystemTransaction): Promise<boolean> => {
        if (!(await takeOneTimeToken(parts, system, 'reset', token))) return false
        // Whoever opened the link reads the mails of that address. Asked again, and held: it may have changed while the hash was made.
        const now = parts.platform.clock.now()
        const [holder] = await system.run(statement`
          select email_verified_at is null as unproven from plinth.users
          where id = ${account.userId}::uuid and email = ${known.bound}::text and status = 'active' for update`)
        if (!holder) return false
        if (holder['unproven'] === true) {
          await system.run(statement`
            update plinth.users set email_verified_at = ${now}::text::timestamptz where id = ${account.userId}::uuid`)
          await endUnproven(parts, system, account.userId)
        }
        await setPassword(parts, system, account.userId, hash)
        await endSessions(parts, system, { userId: account.userId, by: 'password reset' })
        if (withKeys) await revokeKeys(system, now, { ownerId: account.userId })
        return true
      }
      const done = await auditedSystem(call, reset, (taken) =>
        taken ? { action: 'password.reset', account: account.userId, detail: { revokeKeys: withKeys } } : undefined,
      )
      if (!done) throw authProblem('token_invalid')
      await attempt.refund()
      await parts.guard.forgive(account)
      parts.sessions.forget()
      parts.apiKeys.forget()
      if (account.email !== null) sendNotice(parts, account.email, 'Your password was set anew')
      return emptyAnswer(204)
    },
  }
}
