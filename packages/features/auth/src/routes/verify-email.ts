import {
  accountFields,
  auditedSystem,
  emptyAnswer,
  personOf,
  PlinthError,
  problem,
  statement,
  validate,
  type Client,
  type PublicCall,
  type PublicRoute,
  type SystemTransaction,
} from '@plinth/core'
import { z } from 'zod'
import { endUnproven, keepUnproven } from '../accounts/end-unproven.ts'
import { findAccount } from '../accounts/find-account.ts'
import type { Auth } from '../auth-parts.ts'
import { authProblem } from '../errors.ts'
import { sendChoice, sendNotice, sendVerification } from '../mails/account-mails.ts'
import { peekOneTimeToken, takeOneTimeToken } from '../one-time/one-time-tokens.ts'
import { endSessions } from '../sessions/end-session.ts'
import { isKnownClient } from '../sessions/is-known-client.ts'
import { provePassword } from '../sign-in/prove-password.ts'
import { accepted, acceptedAnswer, noContent, publicAuth } from './route-facts.ts'

const tokenInput = z.object({
  token: z.string().min(1).max(200),
  password: accountFields.password
    .optional()
    .describe(
      'The one that was chosen with the account. Where accounts begin with a mail it is needed; elsewhere the first proof of an address ends it, where neither it nor a session of the account is shown and the link is opened far from where the account was made. A change of address takes a session or the password',
    ),
})
const emailInput = z.object({ email: accountFields.email })

/**
 * `POST /auth/email/verify`: the address to which the link was sent is the account's from now on, and proven. The first
 * proof ends what was added to the account before, its password and sessions too, unless a session or the password comes with the link,
 * or the link is opened from where the account was made. Who is left without a password is sent a link to set one. Another address than the account has takes a session or the password in any case.
 * @param byMail whether an account begins with this link: then it takes the password in any case
 */
export function verifyEmail(auth: () => Auth, byMail: boolean): PublicRoute {
  return {
    ...publicAuth,
    optionalCredential: true,
    method: 'POST',
    path: '/api/v1/auth/email/verify',
    operationId: 'verifyEmail',
    summary: 'Confirm an address by the link that was sent',
    body: { schema: tokenInput },
    errors: [
      'validation_failed',
      'unsupported_media_type',
      'token_invalid',
      'email_taken',
      'rate_limited',
      'invalid_credentials',
    ],
    answers: [noContent],
    async handle(call) {
      const parts = auth()
      const { client } = call
      const { token, password } = validate(tokenInput, call.body)
      const attempt = await parts.guard.token(client)
      const reader = await readerOf(call)
      const shown = (byMail || password !== undefined) && (await proveRegistrant(parts, token, password, client))
      const near = !byMail && (await isNear(parts, token, client))
      const now = parts.platform.clock.now()
      const confirm = async (system: SystemTransaction): Promise<Confirmed | 'token_invalid' | 'email_taken'> => {
        const taken = await takeOneTimeToken(parts, system, 'verify', token)
        if (!taken || taken.bound === null) return 'token_invalid'
        system.changesMembers()
        const [before] = await system.run(statement`
          select name, email, email is not null and email_verified_at is null as unproven from plinth.users
          where id = ${taken.userId}::uuid and status = 'active' for update`)
        if (!before) return 'token_invalid'
        const account = shown || reader === taken.userId
        if (!account && !isSame(before['email'], taken.bound)) throw unshown()
        const [other] = await system.run(statement`
          select id from plinth.users where lower(email) = lower(${taken.bound}::text) and id <> ${taken.userId}::uuid`)
        if (other) return 'email_taken'
        await system.run(statement`
          update plinth.users set email = ${taken.bound}::text, email_verified_at = ${now}::text::timestamptz,
            updated_at = ${now}::text::timestamptz, version = version + 1
          where id = ${taken.userId}::uuid`)
        let ended = false
        if (account || near) await keepUnproven(system, taken.userId)
        else if (before['unproven'] === true) {
          ended = await endUnproven(parts, system, taken.userId)
          await endSessions(parts, system, { userId: taken.userId, by: 'address proven elsewhere' })
        }
        return { userId: taken.userId, name: String(before['name']), before: before['email'], now: taken.bound, ended }
      }
      const outcome = await auditedSystem(call, confirm, (done) =>
        typeof done === 'string'
          ? undefined
          : // Another address is another way into the account. Which, is personal.
            { action: 'email.verified', account: done.userId, detail: { changed: !isSame(done.before, done.now) } },
      )
      if (typeof outcome === 'string') throw authProblem(outcome)
      await attempt.refund()
      parts.sessions.forget()
      parts.apiKeys.forget()
      if (outcome.ended) sendChoice(parts, { ...outcome, email: outcome.now })
      // Told to the old address: who lost his account to somebody at his keyboard learns of it there.
      if (typeof outcome.before === 'string' && outcome.before !== outcome.now)
        sendNotice(parts, outcome.before, 'The address of your account was changed')
      return emptyAnswer(204)
    },
  }
}

function isSame(before: unknown, now: string): boolean {
  return typeof before === 'string' && before.toLowerCase() === now.toLowerCase()
}

/**
 * Whoever has an account could ask to have somebody else's address, who would give it to him by a click: he would be in tenants that take
 * in the people of a domain. So another address than the account has is confirmed by who shows the account with the link. Thrown in the
 * transaction, so that the link stays good.
 */
function unshown(): Error {
  const message = 'Show the password of the account, or open the link where you are signed in to it'
  return problem('validation_failed', { errors: [{ path: '/password', code: 'required', message }] })
}

interface Confirmed {
  readonly userId: string
  readonly name: string
  readonly before: unknown
  readonly now: string
  /** Whether the account is left without the password that was chosen with it. */
  readonly ended: boolean
}

/**
 * Whether the link is opened from an address at which the account was made or signed in to. Who registers on a computer and opens the mail
 * on the telephone beside it keeps his password; who registers somebody else's address does it from elsewhere.
 */
async function isNear(auth: Auth, token: string, client: Client): Promise<boolean> {
  // A call in this process comes from nowhere, and may be made for anybody. And the address of a proxy that the settings do not name is
  // everybody's: the squatter's as well as the owner's.
  if (!client.own) return false
  const known = await peekOneTimeToken(auth, 'verify', token)
  return known !== undefined && isKnownClient(auth, known.userId, client)
}

/**
 * Who is signed in where the link was opened, if anybody. Read as for a GET: no other site can forge this request, which has the link's
 * token, and a page that is opened from a mail has no CSRF token.
 */
async function readerOf(call: PublicCall): Promise<string | undefined> {
  try {
    return (await personOf(call, 'GET')).id
  } catch (error) {
    if (PlinthError.is(error) && (error.status === 401 || error.status === 403)) return undefined
    throw error
  }
}

/**
 * Whoever registers somebody else's address knows the password of that account, and a click of its owner would open it to him. So the
 * link alone opens nothing: one shows what was chosen with the account, which its owner did not choose and does not know.
 * @returns whether a password was shown: there may be none
 * @throws token_invalid, validation_failed, invalid_credentials, rate_limited, unavailable
 */
async function proveRegistrant(
  auth: Auth,
  token: string,
  password: string | undefined,
  client: Client,
): Promise<boolean> {
  // Looked at first, used up last: a mistyped password must not cost the link.
  const known = await peekOneTimeToken(auth, 'verify', token)
  const account = known && (await findAccount(auth.platform, { userId: known.userId }))
  if (!account) throw authProblem('token_invalid')
  // Without a password nobody gets in by one.
  if (account.passwordHash === null) return false
  if (password === undefined)
    throw problem('validation_failed', {
      errors: [{ path: '/password', code: 'required', message: 'Send the password that was chosen with the account' }],
    })
  await provePassword(auth, account.userId, { password, client })
  return true
}

/** `POST /auth/email/resend`: another link, if there is something to confirm; the same answer in any case. */
export function resendVerification(auth: () => Auth): PublicRoute {
  return {
    ...publicAuth,
    method: 'POST',
    path: '/api/v1/auth/email/resend',
    operationId: 'resendVerification',
    summary: 'Ask for another link to confirm an address',
    body: { schema: emailInput },
    errors: ['validation_failed', 'unsupported_media_type'],
    answers: [accepted],
    handle({ body }) {
      const parts = auth()
      const email = validate(emailInput, body).email.normalize('NFKC').trim()
      parts.platform.after.start('resend verification', async () => {
        if (!(await parts.guard.mailsTo(email, 'verify'))) return
        const account = await findAccount(parts.platform, { email })
        if (account?.active && !account.emailVerified && account.email !== null)
          sendVerification(parts, { userId: account.userId, email: account.email, name: account.name })
      })
      return acceptedAnswer
    },
  }
}
