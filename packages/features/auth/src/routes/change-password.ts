import {
  accountFields,
  auditedSystem,
  emptyAnswer,
  validate,
  type PersonalRoute,
  type SystemTransaction,
} from '@plinth/core'
import { z } from 'zod'
import { setPassword } from '../accounts/set-password.ts'
import { revokeKeys } from '../api-keys/revoke-keys.ts'
import type { Auth } from '../auth-parts.ts'
import { sendNotice } from '../mails/account-mails.ts'
import { endSessions } from '../sessions/end-session.ts'
import { provePassword } from '../sign-in/prove-password.ts'
import { noContent, personalAuth, revokeKeysField } from './route-facts.ts'

const input = z.object({
  currentPassword: accountFields.password,
  newPassword: accountFields.password,
  revokeOtherSessions: z.boolean().default(true),
  revokeKeys: revokeKeysField,
})

/** `POST /auth/password/change`. The other sessions end unless the caller says otherwise. */
export function changePassword(auth: () => Auth): PersonalRoute {
  return {
    ...personalAuth,
    method: 'POST',
    path: '/api/v1/auth/password/change',
    operationId: 'changePassword',
    summary: 'Change my password',
    body: { schema: input },
    errors: ['validation_failed', 'unsupported_media_type', 'invalid_credentials', 'rate_limited'],
    answers: [noContent],
    async handle(call) {
      const { principal, body, client } = call
      const parts = auth()
      const given = validate(input, body)
      const shown = { password: given.currentPassword, client, detail: 'The current password is not right.' }
      const account = await provePassword(parts, principal.id, shown)
      await parts.passwords.refuseWeak(given.newPassword, { ...account, path: '/newPassword' })
      const hash = await parts.passwords.hash(given.newPassword)
      const { revokeOtherSessions, revokeKeys: withKeys } = given
      const change = async (system: SystemTransaction): Promise<void> => {
        await setPassword(parts, system, account.userId, hash)
        if (revokeOtherSessions)
          await endSessions(parts, system, {
            userId: account.userId,
            except: principal.session!.id,
            by: 'password changed',
          })
        if (withKeys) await revokeKeys(system, parts.platform.clock.now(), { ownerId: account.userId })
      }
      await auditedSystem(call, change, () => ({
        action: 'password.updated',
        target: account.userId,
        detail: { revokeOtherSessions, revokeKeys: withKeys },
      }))
      await parts.guard.forgive(account)
      parts.sessions.forget()
      parts.apiKeys.forget()
      if (account.email !== null) sendNotice(parts, account.email, 'Your password was changed')
      return emptyAnswer(204)
    },
  }
}
