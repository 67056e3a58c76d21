import {
  accountFields,
  auditedSystem,
  jsonAnswer,
  statement,
  validate,
  type Answer,
  type AuditedAct,
  type PublicCall,
  type PublicRoute,
  type SystemTransaction,
  type Tenant,
} from '@plinth/core'
import { z } from 'zod'
import { keepUnproven } from '../accounts/end-unproven.ts'
import { createAccount } from '../accounts/create-account.ts'
import { emailAddress, userName } from '../accounts/email-address.ts'
import { findAccount } from '../accounts/find-account.ts'
import type { Auth } from '../auth-parts.ts'
import { authProblem } from '../errors.ts'
import { sendAccountExists, sendAccountReady, sendVerification } from '../mails/account-mails.ts'
import { startSession, type StartedSession } from '../sessions/start-session.ts'
import { tokenSet, tokenSetSchema } from '../sign-in/token-set.ts'
import { accepted, acceptedAnswer, noStore, publicAuth, userSchema } from './route-facts.ts'

const input = z.object({
  email: accountFields.email,
  password: accountFields.password,
  name: accountFields.name.optional(),
  username: accountFields.username.optional(),
  organizationName: z.string().trim().min(1).max(200).optional().describe('Founds an organisation of this name'),
  invitationToken: z.string().max(200).optional().describe('Joins the organisation that invited'),
})
type Input = z.output<typeof input>

interface Registered {
  readonly userId: string
  readonly tenant: Tenant | undefined
  /** Whether an invitation has proven the address. */
  readonly emailVerified: boolean
  /** None where the address has to be confirmed first. */
  readonly session: StartedSession | undefined
}

/** `POST /auth/register`: account, tenant and session, all in one transaction or none of them. */
export function register(auth: () => Auth, byMail: boolean): PublicRoute {
  return {
    ...publicAuth,
    method: 'POST',
    path: '/api/v1/auth/register',
    operationId: 'register',
    summary: 'Make an account',
    body: {
      schema: input,
      example: {
        email: 'ada@example.com',
        password: 'correct horse battery staple',
        organizationName: 'Analytical Engines',
      },
    },
    errors: [
      'validation_failed',
      'unsupported_media_type',
      'email_taken',
      'username_taken',
      'registration_closed',
      'rate_limited',
    ],
    answers: byMail
      ? [accepted]
      : [
          {
            status: 201,
            description: 'The account, signed in',
            schema: tokenSetSchema.extend({ user: userSchema }).meta({ id: 'Registered' }),
          },
        ],
    handle: (call) => handle(auth(), call, byMail),
  }
}

async function handle(auth: Auth, call: PublicCall, byMail: boolean): Promise<Answer> {
  const given = validate(input, call.body)
  const email = emailAddress(given.email)
  const username = given.username === undefined ? null : userName(given.username)
  const { registration } = auth.options
  if (registration === 'closed' || (registration === 'invited' && given.invitationToken === undefined))
    throw authProblem('registration_closed')
  await auth.guard.register(call.client)
  // Before the answer in either mode, and before a hash: its holder learns of the invitation alone, and nothing of accounts.
  if (given.invitationToken !== undefined)
    await auth.platform.directory?.verifyInvitation?.(auth.platform, { token: given.invitationToken, email })
  await auth.passwords.refuseWeak(given.password, { email, username, name: given.name, path: '/password' })
  if (byMail && username !== null && (await findAccount(auth.platform, { username })))
    throw authProblem('username_taken')
  const passwordHash = await auth.passwords.hash(given.password)
  const account = { email, username, name: given.name ?? '', passwordHash, emailVerified: false }
  const make = (): Promise<Registered | 'email' | 'username'> =>
    auditedSystem(
      call,
      async (system): Promise<Registered | 'email' | 'username'> => {
        const created = await createAccount(auth, system, account)
        if ('taken' in created) return created.taken
        const tenant = await admit(auth, system, created.userId, email, given)
        const emailVerified = given.invitationToken !== undefined && (await isVerified(system, created.userId))
        // The invitation was sent to the address: who shows it with the password that he chooses has both.
        if (emailVerified) await keepUnproven(system, created.userId)
        const draft = {
          userId: created.userId,
          tenantId: tenant?.id ?? null,
          kind: 'token',
          secondFactor: false,
        } as const
        const session = byMail ? undefined : await startSession(auth, system, { ...draft, client: call.client })
        return { userId: created.userId, tenant, emailVerified, session }
      },
      registered,
    )
  if (byMail) {
    // Everything that depends on whether there is such an account happens after the answer.
    auth.platform.after.start('register', async () => {
      if (await auth.guard.mailsTo(email, 'register')) tell(auth, await make(), email)
    })
    return acceptedAnswer
  }
  const outcome = await make()
  if (outcome === 'email') throw authProblem('email_taken')
  if (outcome === 'username') throw authProblem('username_taken')
  const { session, tenant, userId, emailVerified } = outcome
  if (!emailVerified) sendVerification(auth, { userId, email, name: account.name })
  const tokens = await tokenSet(auth, { userId, tenant, sessionId: session!.id, refreshToken: session!.secret })
  const user = { id: userId, email, username, name: account.name, emailVerified }
  return jsonAnswer(201, JSON.stringify({ ...tokens, user }), noStore)
}

/** The account, and where there is one the tenant that it is in. */
function registered(done: Registered | 'email' | 'username'): AuditedAct | undefined {
  if (typeof done === 'string') return undefined
  const { userId, tenant } = done
  return {
    action: 'account.created',
    target: userId,
    actor: { kind: 'user', id: userId },
    tenantId: tenant?.id ?? null,
  }
}

/** Both mails go to the address itself: only who reads it learns whether there was an account. */
function tell(auth: Auth, outcome: Registered | 'email' | 'username', email: string): void {
  if (outcome === 'email') sendAccountExists(auth, email)
  // A user name was taken between the question and now: the address has no account, and may try again.
  else if (outcome === 'username') return
  else if (outcome.emailVerified) sendAccountReady(auth, email)
  else sendVerification(auth, { userId: outcome.userId, email, name: '' })
}

async function isVerified(system: SystemTransaction, userId: string): Promise<boolean> {
  const [row] = await system.run(statement`
    select email_verified_at is not null as verified from plinth.users where id = ${userId}::uuid`)
  return row?.['verified'] === true
}

async function admit(
  { platform }: Auth,
  system: SystemTransaction,
  userId: string,
  email: string,
  { name, organizationName, invitationToken }: Input,
): Promise<Tenant | undefined> {
  const newcomer = { userId, email, emailVerified: false, name: name ?? '', organizationName, invitationToken }
  return platform.directory?.admit(platform, system, newcomer)
}
