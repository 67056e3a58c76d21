import type { FeatureMigration } from '@plinth/core'

const tables = [
  ['passwords', 'user_id'],
  ['mfa_devices', 'user_id'],
  ['recovery_codes', 'user_id'],
  ['api_keys', 'owner_user_id'],
] as const

/**
 * Of each credential, whether it was added while nobody had proven the address of its account: it ends with the first proof by somebody
 * who does not show it. What was added before an administrator gave the account another address is its owner's, and stays.
 */
export const unprovenCredentials: FeatureMigration = {
  id: '0008_unproven_credentials',
  sql: `
${tables
  .map(
    ([table]) => `
alter table plinth.${table} add column unproven boolean not null default false;`,
  )
  .join('')}

-- Whoever migrates becomes the owner and may not become {system}: the rows are the owner's to see for the length of this transaction.
${[...tables.map(([table]) => table), 'users']
  .map(
    (table) => `
alter table plinth.${table} no force row level security;`,
  )
  .join('')}
${tables
  .map(
    ([table, user]) => `
update plinth.${table} c set unproven = true from plinth.users u
  where u.id = c.${user} and u.email is not null and u.email_verified_at is null;`,
  )
  .join('')}
${[...tables.map(([table]) => table), 'users']
  .map(
    (table) => `
alter table plinth.${table} force row level security;`,
  )
  .join('')}
`,
}
