import {
  accountFields,
  auditedSystem,
  jsonAnswer,
  statement,
  validate,
  type Client,
  type PersonalRoute,
  type SystemTransaction,
} from '@plinth/core'
import { z } from 'zod'
import { emailAddress, userName } from '../accounts/email-address.ts'
import type { Auth } from '../auth-parts.ts'
import { authProblem } from '../errors.ts'
import { sendVerification } from '../mails/account-mails.ts'
import { provePassword } from '../sign-in/prove-password.ts'
import { describe, meSchema } from './me.ts'
import { noStore, personalAuth } from './route-facts.ts'

const input = z.object({
  name: accountFields.name.optional(),
  username: accountFields.username.nullable().optional(),
  email: accountFields.email
    .optional()
    .describe('Takes effect when the link that is sent there is opened by who is signed in, or shows the password'),
  currentPassword: accountFields.password.optional().describe('Needed to change the e-mail address'),
})

/**
 * `PATCH /auth/me`: one's own name, user name and address. A new address is sent a link, and counts from when that is opened: until
 * then the old one gets the mails, since whoever holds the address holds the account.
 */
export function changeMe(auth: () => Auth): PersonalRoute {
  return {
    ...personalAuth,
    method: 'PATCH',
    path: '/api/v1/auth/me',
    operationId: 'updateMe',
    summary: 'Change my name, user name or address',
    body: { schema: input, mergePatch: true },
    errors: ['validation_failed', 'unsupported_media_type', 'username_taken', 'invalid_credentials', 'rate_limited'],
    answers: [{ status: 200, description: 'The caller', schema: meSchema }],
    async handle(call) {
      const parts = auth()
      const given = validate(input, call.body)
      const userId = call.principal.id
      const username = typeof given.username === 'string' ? userName(given.username) : given.username
      const proven =
        given.email !== undefined &&
        (await proveForAddress(parts, userId, emailAddress(given.email), given, call.client))
      if (given.name !== undefined || username !== undefined) {
        const now = parts.platform.clock.now()
        const change = async (system: SystemTransaction): Promise<boolean> => {
          system.changesMembers()
          const [row] = await system.run(statement`
            update plinth.users u set name = coalesce(${given.name ?? null}::text, name),
              username = case when ${username !== undefined}::boolean then ${username ?? null}::text else username end,
              updated_at = ${now}::text::timestamptz, version = version + 1
            where id = ${userId}::uuid and (${username ?? null}::text is null or not exists (
              select from plinth.users o where lower(o.username) = lower(${username ?? null}::text) and o.id <> u.id))
            returning id`)
          return row !== undefined
        }
        const changed = Object.keys(given).filter((key) => key === 'name' || key === 'username')
        const done = await auditedSystem(call, change, (found) =>
          found ? { action: 'account.updated', target: userId, detail: { changed } } : undefined,
        )
        if (!done) throw authProblem('username_taken')
        parts.sessions.forget()
      }
      // Last: a request that is refused must not leave a link behind that changes the address.
      // Whether the address is somebody's is told to its reader alone, by what the link does.
      if (proven) sendVerification(parts, { userId, ...proven })
      return jsonAnswer(200, JSON.stringify(await describe(parts, call)), noStore)
    },
  }
}

/** @returns to whom the link goes; nothing where it is the address that he has */
async function proveForAddress(
  auth: Auth,
  userId: string,
  email: string,
  { currentPassword }: { readonly currentPassword?: string | undefined },
  client: Client,
): Promise<{ readonly email: string; readonly name: string } | undefined> {
  const detail = 'The current password is needed for this.'
  const account = await provePassword(auth, userId, { password: currentPassword ?? '', client, detail })
  if (email === account.email) return undefined
  await auth.guard.newAddress(userId, email)
  return { email, name: account.name }
}
