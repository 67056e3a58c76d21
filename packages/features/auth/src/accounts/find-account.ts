import { statement, type Platform, type RawRow } from '@plinth/core'

/** An account as sign-in needs it. The hash goes nowhere but into the comparison. */
export interface Account {
  readonly userId: string
  readonly email: string | null
  readonly username: string | null
  readonly name: string
  readonly active: boolean
  readonly superadmin: boolean
  readonly emailVerified: boolean
  readonly passwordHash: string | null
  /** Which password that is, as text; the same after a rehash. */
  readonly passwordSince: string | null
  /** Whether a second factor is confirmed. */
  readonly secondFactor: boolean
  /** Which kinds of them can be shown. */
  readonly factors: readonly ('totp' | 'passkey')[]
}

/** By e-mail address, by user name, or by id. Undefined where there is none. */
export async function findAccount(
  { database }: Pick<Platform, 'database'>,
  by: { readonly email: string } | { readonly username: string } | { readonly userId: string },
): Promise<Account | undefined> {
  const email = 'email' in by ? by.email : null
  const username = 'username' in by ? by.username : null
  const id = 'userId' in by ? by.userId : null
  const [row] = await database.system((system) =>
    system.run(statement`
      select u.id, u.email, u.username, u.name, u.status, u.superadmin, u.email_verified_at is not null as verified, p.hash,
        p.changed_at::text as password_since,
        exists (select from plinth.mfa_devices d where d.user_id = u.id and d.confirmed_at is not null) as second_factor,
        array(select distinct d.kind from plinth.mfa_devices d
          where d.user_id = u.id and d.confirmed_at is not null and d.refused_at is null order by d.kind) as factors
      from (select * from plinth.users where lower(email) = lower(${email}::text)
        union all select * from plinth.users where lower(username) = lower(${username}::text)
        union all select * from plinth.users where id = ${id}::uuid) u
      left join plinth.passwords p on p.user_id = u.id`),
  )
  return row && accountOf(row)
}

function accountOf(row: RawRow): Account {
  const text = (name: string): string | null => (row[name] === null ? null : String(row[name]))
  return {
    userId: String(row['id']),
    email: text('email'),
    username: text('username'),
    name: String(row['name']),
    active: row['status'] === 'active',
    superadmin: row['superadmin'] === true,
    emailVerified: row['verified'] === true,
    passwordHash: text('hash'),
    passwordSince: text('password_since'),
    secondFactor: row['second_factor'] === true,
    factors: row['factors'] as Account['factors'],
  }
}
