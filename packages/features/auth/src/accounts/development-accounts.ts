import { addMember, foundWithin } from '@plinth/core'
import type { Auth } from '../auth-parts.ts'
import { createAccount } from './create-account.ts'

/** They are in every list of default passwords, and so exist where nobody else can reach: in development alone. */
const accounts = [
  {
    username: 'admin',
    email: 'admin@example.com',
    name: 'Admin',
    password: 'admin123',
    superadmin: true,
    role: 'owner',
  },
  { username: 'demo', email: 'demo@example.com', name: 'Demo', password: 'demo123', superadmin: false, role: 'user' },
] as const

/**
 * `admin` and `demo`, members of the tenant `default`. Puts them there once: who deletes or changes one finds it so after the next
 * start.
 */
export async function seedDevelopmentAccounts(auth: Auth): Promise<void> {
  const hashes = await Promise.all(accounts.map(({ password }) => auth.passwords.hash(password)))
  await auth.platform.database.system(async (system) => {
    const made: { readonly userId: string; readonly role: string }[] = []
    for (const [index, { username, email, name, superadmin, role }] of accounts.entries()) {
      const draft = { username, email, name, superadmin, passwordHash: hashes[index]!, emailVerified: true }
      const created = await createAccount(auth, system, draft)
      if ('userId' in created) made.push({ userId: created.userId, role })
    }
    if (made.length === 0 || !auth.platform.directory) return
    const founder = made.find(({ role }) => role === 'owner')?.userId
    const draft = { slug: 'default', name: 'Default Organization' }
    const tenant = await foundWithin(auth.platform, system, { ...draft, founder })
    for (const { userId, role } of made) await addMember(system, { tenantId: tenant.id, userId, roles: [role] })
  })
}
