import type { FeatureMigration } from '@plinth/core'

/** What bounds guessing at a second factor, and how many of them wait to be confirmed. */
export const secondFactor: FeatureMigration = {
  id: '0002_second_factor',
  sql: `
-- Counted by the UPDATE that looks the token up, before the code is judged: of a hundred guesses at once the first few are heard.
alter table plinth.one_time_tokens add column tries int not null default 0;

-- At most one waits to be confirmed: setting up again replaces it.
create unique index mfa_devices_pending_key on plinth.mfa_devices (user_id) where confirmed_at is null;
`,
}
