import { auditedByPlatform, problem, statement, type FeatureCommand, type SystemTransaction } from '@plinth/core'
import { createAccount } from '../accounts/create-account.ts'
import { emailAddress, userName } from '../accounts/email-address.ts'
import { setPassword } from '../accounts/set-password.ts'
import type { Auth } from '../auth-parts.ts'
import { authProblem } from '../errors.ts'
import { endSessions } from '../sessions/end-session.ts'

/** `plinth admin:create`: an operator. The password is asked for or read from a variable, never from the arguments, which `ps` shows. */
export function adminCreate(auth: () => Auth): FeatureCommand {
  return {
    name: 'admin:create',
    summary: 'make an operator (superadmin), or make an account one',
    options: {
      email: { type: 'string', description: 'e-mail address', required: true },
      username: { type: 'string', description: 'user name to sign in with' },
      name: { type: 'string', description: 'name to show' },
      existing: {
        type: 'boolean',
        description: 'make the account with this address an operator and set its password anew',
      },
    },
    async run(_platform, options, terminal) {
      const parts = auth()
      const email = emailAddress(String(options['email']))
      const username = options['username'] === undefined ? null : userName(String(options['username']))
      const name = String(options['name'] ?? '')
      const password =
        process.env['PLINTH_ADMIN_PASSWORD'] ?? (await terminal.ask('Password (not shown): ', { hidden: true }))
      if (password === undefined)
        throw problem('validation_failed', {
          detail: 'There is no terminal to ask for the password: set PLINTH_ADMIN_PASSWORD.',
        })
      await parts.passwords.refuseWeak(password, { email, username, name, path: '/password' })
      const passwordHash = await parts.passwords.hash(password)
      const now = parts.platform.clock.now()
      const userId = await parts.platform.database.system(async (system) => {
        await system.run(statement`
          update plinth.one_time_tokens set used_at = ${now}::text::timestamptz where purpose = 'bootstrap' and used_at is null`)
        if (options['existing'] === true) {
          const [row] = await system.run(statement`
            update plinth.users set superadmin = true, version = version + 1, updated_at = ${now}::text::timestamptz
            where lower(email) = lower(${email}::text) and status = 'active' returning id`)
          if (!row) throw problem('not_found', { detail: `There is no active account with the address ${email}.` })
          const target = String(row['id'])
          await setPassword(parts, system, target, passwordHash)
          const sessions = await endSessions(parts, system, { userId: target, by: 'became an operator' })
          await tellExisting(parts, system, target, sessions)
          return target
        }
        const draft = { email, username, name, passwordHash, superadmin: true, emailVerified: true }
        const created = await createAccount(parts, system, draft)
        if ('taken' in created)
          throw authProblem(created.taken === 'email' ? 'email_taken' : 'username_taken', {
            detail: 'Add --existing to make that account an operator.',
          })
        const detail = { superadmin: true }
        await auditedByPlatform(system, parts.platform, { action: 'account.created', target: created.userId, detail })
        return created.userId
      })
      return { id: userId, email, superadmin: true }
    },
  }
}

/**
 * The book of the platform says who became an operator; that the password is another one and the sessions are over, each of his tenants
 * learns: it opens them all.
 */
async function tellExisting(
  { platform }: Auth,
  system: SystemTransaction,
  target: string,
  sessions: number,
): Promise<void> {
  await auditedByPlatform(system, platform, {
    action: 'account.updated',
    target,
    detail: { changed: ['superadmin', 'password'], superadmin: true, sessions },
  })
  const rows = await system.run(statement`
    select tenant_id from plinth.memberships where user_id = ${target}::uuid order by tenant_id`)
  for (const row of rows)
    await auditedByPlatform(system, platform, {
      action: 'password.updated',
      target,
      tenantId: String(row['tenant_id']),
      detail: { sessions },
    })
}
