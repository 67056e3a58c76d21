import type { FeatureMigration } from '@plinth/core'

/**
 * Passkeys are factors like codes and lie in the same table, so that whatever asks whether somebody has a factor (sign-in, keys, the
 * length of passwords) asks for both. What is kept of one is public: its private half never leaves the device.
 */
export const passkeys: FeatureMigration = {
  id: '0005_passkeys',
  sql: `
alter table plinth.mfa_devices
  alter column secret drop not null,
  drop constraint mfa_devices_kind_check,
  add column credential_id text,
  -- COSE_Key (RFC 9052), base64url.
  add column public_key text,
  -- Of the last use; 0 for authenticators that do not count.
  add column sign_count int8,
  add column transports text[],
  -- Whether it is synced to other devices of its owner.
  add column backed_up boolean,
  -- Set when its counter went backwards: there may be a copy of it.
  add column refused_at timestamptz,
  -- The password beside which it was last shown: after another one was set, it does not sign in alone.
  add column password_since timestamptz,
  add constraint mfa_devices_kind_check check (case kind
    when 'totp' then secret is not null and credential_id is null
    when 'passkey' then secret is null and confirmed_at is not null and credential_id is not null and public_key is not null
      and sign_count is not null and transports is not null and backed_up is not null
    else false end);

-- Of all people together: whoever shows a credential is found by it.
create unique index mfa_devices_credential_key on plinth.mfa_devices (credential_id);
`,
}
