import { statement, type SystemTransaction } from '@plinth/core'
import { randomUUID } from 'node:crypto'
import type { Auth } from '../auth-parts.ts'
import { setPassword } from './set-password.ts'

export interface NewAccount {
  readonly email: string | null
  readonly username: string | null
  readonly name: string
  /** A PHC string; null for an account that is entered by a link first. */
  readonly passwordHash: string | null
  readonly emailVerified: boolean
  readonly superadmin?: boolean
}

export type CreatedAccount = { readonly userId: string } | { readonly taken: 'email' | 'username' }

/** A user and his password. Two who register one address at once: the index decides, and one is told that it is taken. */
export async function createAccount(auth: Auth, system: SystemTransaction, draft: NewAccount): Promise<CreatedAccount> {
  const userId = randomUUID()
  const now = auth.platform.clock.now()
  const [made] = await system.run(statement`
    insert into plinth.users (id, email, username, name, superadmin, email_verified_at, created_at, updated_at)
    values (${userId}::uuid, ${draft.email}::text, ${draft.username}::text, ${draft.name}::text,
      ${draft.superadmin ?? false}::boolean, ${draft.emailVerified ? now : null}::text::timestamptz,
      ${now}::text::timestamptz, ${now}::text::timestamptz)
    on conflict do nothing
    returning id`)
  if (!made) return { taken: await whatIsTaken(system, draft) }
  if (draft.passwordHash !== null) await setPassword(auth, system, userId, draft.passwordHash)
  return { userId }
}

async function whatIsTaken(system: SystemTransaction, { email }: NewAccount): Promise<'email' | 'username'> {
  const [row] = await system.run(statement`select id from plinth.users where lower(email) = lower(${email}::text)`)
  return row ? 'email' : 'username'
}
