import { accountFields, validate, type PublicRoute } from '@plinth/core'
import { z } from 'zod'
import { findAccount } from '../accounts/find-account.ts'
import type { Auth } from '../auth-parts.ts'
import { sendReset } from '../mails/account-mails.ts'
import { accepted, acceptedAnswer, publicAuth } from './route-facts.ts'

const input = z.object({ email: accountFields.email })

/**
 * `POST /auth/password/forgot`: always the same answer, before anything is looked up. Of more than five an hour for one address, the
 * rest is answered alike and sends nothing: a mailbox is not to be flooded, and whether it is one is not to be learned.
 */
export function forgotPassword(auth: () => Auth): PublicRoute {
  return {
    ...publicAuth,
    method: 'POST',
    path: '/api/v1/auth/password/forgot',
    operationId: 'forgotPassword',
    summary: 'Ask for a link to set a new password',
    body: { schema: input },
    errors: ['validation_failed', 'unsupported_media_type'],
    answers: [accepted],
    handle({ body }) {
      const parts = auth()
      const email = validate(input, body).email.normalize('NFKC').trim()
      parts.platform.after.start('forgot password', async () => {
        if (!(await parts.guard.mailsTo(email, 'reset'))) return
        const account = await findAccount(parts.platform, { email })
        if (account?.active && account.email !== null)
          await sendReset(parts, { userId: account.userId, email: account.email, name: account.name })
      })
      return acceptedAnswer
    },
  }
}
