import { statement, type Accounts, type SystemTransaction } from '@plinth/core'
import type { Auth } from '../auth-parts.ts'
import { sendNotice, sendVerification } from '../mails/account-mails.ts'
import { endSessions } from '../sessions/end-session.ts'
import { createAccount } from './create-account.ts'
import { emailAddress, userName } from './email-address.ts'
import { setPassword } from './set-password.ts'

/** The accounts behind users, for features that make or change them. */
export function accountsPort(auth: () => Auth): Accounts {
  return {
    async prepare(_platform, draft, path = '') {
      const parts = auth()
      const email = draft.email === null ? null : emailAddress(draft.email, `${path}/email`)
      const username = draft.username == null ? null : userName(draft.username, `${path}/username`)
      const name = draft.name ?? ''
      let passwordHash: string | null = null
      if (draft.password !== undefined) {
        await parts.passwords.refuseWeak(draft.password, { email, username, name, path: `${path}/password` })
        passwordHash = await parts.passwords.hash(draft.password)
      }
      const emailVerified = draft.emailVerified ?? false
      return {
        create: (system) => createAccount(parts, system, { email, username, name, passwordHash, emailVerified }),
      }
    },

    async prepareChange(_platform, change, path = '') {
      const parts = auth()
      const email = change.email === undefined ? undefined : emailAddress(change.email, `${path}/email`)
      const username =
        typeof change.username === 'string' ? userName(change.username, `${path}/username`) : change.username
      let hash: string | undefined
      if (change.password !== undefined) {
        const owner = { ...(email !== undefined && { email }), ...(username !== undefined && { username }) }
        await parts.passwords.refuseWeak(change.password, { ...owner, path: `${path}/password` })
        hash = await parts.passwords.hash(change.password)
      }
      let announce = (): void => undefined
      return {
        announce: () => announce(),
        async apply(system, userId) {
          const others = await whoseElse(system, userId, email ?? null, username ?? null)
          if (others) return { taken: others }
          const now = parts.platform.clock.now()
          system.changesMembers()
          const [row] = await system.run(statement`
            update plinth.users u set name = coalesce(${change.name ?? null}::text, u.name),
              username = case when ${username !== undefined}::boolean then ${username ?? null}::text else u.username end,
              email = coalesce(${email ?? null}::text, u.email),
              email_verified_at = case when ${email ?? null}::text is null or ${email ?? null}::text = u.email
                then u.email_verified_at end,
              updated_at = ${now}::text::timestamptz, version = u.version + 1
            from (select id, email from plinth.users where id = ${userId}::uuid for update) o
            where u.id = o.id
            returning o.email as before, u.name`)
          if (!row) return false
          if (hash !== undefined) await setPassword(parts, system, userId, hash)
          const before = typeof row['before'] === 'string' ? row['before'] : undefined
          const taken = hash !== undefined || email !== undefined
          if (taken) await endSessions(parts, system, { userId, by: 'changed by an administrator' })
          announce = () => {
            if (taken && before !== undefined) sendNotice(parts, before, 'Your account was changed by an administrator')
            if (email !== undefined && email !== before)
              sendVerification(parts, { userId, email, name: String(row['name']) })
          }
          return true
        },
      }
    },
  }
}

async function whoseElse(
  system: SystemTransaction,
  userId: string,
  email: string | null,
  username: string | null,
): Promise<'email' | 'username' | undefined> {
  const [row] = await system.run(statement`
    select lower(email) = lower(${email}::text) as by_email from plinth.users
    where id <> ${userId}::uuid
      and (lower(email) = lower(${email}::text) or lower(username) = lower(${username}::text)) limit 1`)
  return row && (row['by_email'] === true ? 'email' : 'username')
}
