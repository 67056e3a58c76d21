import { parseAddress, statement, type Client } from '@plinth/core'
import type { Auth } from '../auth-parts.ts'

/** Of an account that there is not: it is looked up all the same, since a faster answer would tell. */
const NOBODY = '00000000-0000-0000-0000-000000000000'

/**
 * Whether somebody has signed in to this account from there, as far as sessions are kept: until 30 days after their end. A call in this
 * process comes from nowhere else.
 */
export async function isKnownClient(
  { platform }: Pick<Auth, 'platform'>,
  userId: string | undefined,
  { key }: Client,
): Promise<boolean> {
  if (key === undefined) return true
  const rows = await platform.database.system((system) =>
    system.run(statement`
      select address from plinth.sessions
      where owner_user_id = ${userId ?? NOBODY}::uuid and address is not null
      group by address order by max(created_at) desc limit 100`),
  )
  return rows.some((row) => parseAddress(String(row['address']))?.key === key)
}
