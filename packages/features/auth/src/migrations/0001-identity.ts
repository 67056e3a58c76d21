import type { FeatureMigration } from '@plinth/core'

/**
 * What identity keeps. All of it belongs to people and not to tenants, so the runtime login has no right on it but through functions
 * of {lookup} (one credential in, at most one row out) and, of sessions, what a tenant may see of those that work in it.
 */
export const identity: FeatureMigration = {
  id: '0001_identity',
  sql: `
create table plinth.passwords (
  user_id uuid not null,
  hash text not null,
  changed_at timestamptz not null,
  constraint passwords_pk primary key (user_id),
  constraint passwords_user_fk foreign key (user_id) references plinth.users (id) on delete cascade
);
comment on table plinth.passwords is 'argon2id, as PHC strings. Apart from users, so that no list of users can carry one along.';

-- An account elsewhere that is known to be this user: single sign-on finds him by provider and subject, never by address.
create table plinth.identities (
  provider text not null,
  subject text not null,
  user_id uuid not null,
  created_at timestamptz not null,
  last_used_at timestamptz,
  constraint identities_pk primary key (provider, subject),
  constraint identities_user_fk foreign key (user_id) references plinth.users (id) on delete cascade
);
create index identities_user_idx on plinth.identities (user_id);
comment on table plinth.identities is 'Accounts of other providers, by provider and subject.';

create table plinth.sessions (
  id uuid not null,
  -- The tenant that it works in; null until one is chosen.
  tenant_id uuid,
  owner_user_id uuid not null,
  owner_group_id uuid,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  version int not null default 1,
  kind text not null,
  -- SHA-256 of the cookie; null for sessions that hold access and refresh tokens.
  token_hash text,
  second_factor boolean not null default false,
  authenticated_at timestamptz not null,
  last_seen_at timestamptz not null,
  -- Idle end, moved by use; never beyond the absolute one.
  expires_at timestamptz not null,
  ends_at timestamptz not null,
  address text,
  user_agent text,
  ended_at timestamptz,
  ended_by text,
  constraint sessions_pk primary key (id),
  constraint sessions_token_key unique (token_hash),
  constraint sessions_user_fk foreign key (owner_user_id) references plinth.users (id) on delete cascade,
  constraint sessions_tenant_fk foreign key (tenant_id) references plinth.tenants (id) on delete cascade,
  constraint sessions_kind_check check (kind in ('cookie', 'token'))
);
create index sessions_user_idx on plinth.sessions (owner_user_id, created_at desc);
create index sessions_tenant_idx on plinth.sessions (tenant_id, created_at desc, id desc);
create index sessions_ends_idx on plinth.sessions (ends_at);
comment on table plinth.sessions is 'One row for each sign-in. An access token names its session, and is worth nothing without it.';

create table plinth.refresh_tokens (
  id uuid not null,
  session_id uuid not null,
  token_hash text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  -- The token that took its place.
  child_id uuid,
  constraint refresh_tokens_pk primary key (id),
  constraint refresh_tokens_token_key unique (token_hash),
  constraint refresh_tokens_session_fk foreign key (session_id) references plinth.sessions (id) on delete cascade
);
create index refresh_tokens_session_idx on plinth.refresh_tokens (session_id);
comment on table plinth.refresh_tokens is 'SHA-256 of each. The family is the session: one that comes back after its use ends it.';

create table plinth.one_time_tokens (
  token_hash text not null,
  purpose text not null,
  user_id uuid,
  -- What else it is bound to: the address that it was sent to, the session that asked.
  bound text,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  constraint one_time_tokens_pk primary key (token_hash),
  constraint one_time_tokens_user_fk foreign key (user_id) references plinth.users (id) on delete cascade
);
create index one_time_tokens_user_idx on plinth.one_time_tokens (user_id, purpose);
create index one_time_tokens_expires_idx on plinth.one_time_tokens (expires_at);
-- One start of several prints it.
create unique index one_time_tokens_bootstrap_key on plinth.one_time_tokens (purpose) where purpose = 'bootstrap' and used_at is null;
comment on table plinth.one_time_tokens is 'Links and codes that work once: SHA-256, purpose, whom they are for.';

create table plinth.mfa_devices (
  id uuid not null,
  user_id uuid not null,
  name text not null,
  kind text not null,
  -- Sealed by the key ring, bound to the user.
  secret text not null,
  created_at timestamptz not null,
  confirmed_at timestamptz,
  last_used_at timestamptz,
  -- The step of the last code that was taken: this one and all before are used up.
  last_step bigint,
  constraint mfa_devices_pk primary key (id),
  constraint mfa_devices_user_fk foreign key (user_id) references plinth.users (id) on delete cascade,
  constraint mfa_devices_kind_check check (kind in ('totp'))
);
create index mfa_devices_user_idx on plinth.mfa_devices (user_id);
comment on table plinth.mfa_devices is 'Second factors. Only a confirmed one counts.';

create table plinth.recovery_codes (
  user_id uuid not null,
  code_hash text not null,
  created_at timestamptz not null,
  used_at timestamptz,
  constraint recovery_codes_pk primary key (user_id, code_hash),
  constraint recovery_codes_user_fk foreign key (user_id) references plinth.users (id) on delete cascade
);
comment on table plinth.recovery_codes is 'For who lost his second factor: hashed, each works once.';

${['passwords', 'identities', 'sessions', 'refresh_tokens', 'one_time_tokens', 'mfa_devices', 'recovery_codes']
  .map(
    (table) => `
alter table plinth.${table} enable row level security, force row level security;
create policy plinth_system on plinth.${table} to {system} using (true) with check (true);
grant select, insert, update, delete on plinth.${table} to {system};`,
  )
  .join('\n')}

create policy plinth_tenant on plinth.sessions as restrictive to {app}
  using (tenant_id = nullif(current_setting('plinth.tenant', true), '')::uuid);
create policy plinth_app on plinth.sessions to {app} using (true) with check (true);
grant select (id, tenant_id, owner_user_id, owner_group_id, created_at, updated_at, version, kind, second_factor,
  authenticated_at, last_seen_at, expires_at, ends_at, address, user_agent, ended_at, ended_by) on plinth.sessions to {app};

create policy plinth_lookup on plinth.sessions for select to {lookup} using (true);
grant select (id, tenant_id, owner_user_id, kind, token_hash, second_factor, authenticated_at, last_seen_at, expires_at, ends_at, ended_at)
  on plinth.sessions to {lookup};
grant select (name, superadmin) on plinth.users to {lookup};

grant create on schema plinth to {lookup};
set local role {lookup};

create function plinth.find_session(wanted_id uuid, wanted_hash text)
  returns table (id uuid, user_id uuid, tenant_id uuid, kind text, second_factor boolean, authenticated_at float8, last_seen_at float8,
    expires_at float8, name text, superadmin boolean)
  language sql stable security definer rows 1
  set search_path = pg_catalog, pg_temp
  as $$
    select s.id, s.owner_user_id, s.tenant_id, s.kind, s.second_factor,
      extract(epoch from s.authenticated_at)::float8 * 1000, extract(epoch from s.last_seen_at)::float8 * 1000,
      extract(epoch from least(s.expires_at, s.ends_at))::float8 * 1000, u.name, u.superadmin
    from plinth.sessions s join plinth.users u on u.id = s.owner_user_id
    where s.id = coalesce(wanted_id, (select h.id from plinth.sessions h where h.token_hash = wanted_hash))
      and s.ended_at is null and u.status = 'active'
  $$;
comment on function plinth.find_session(uuid, text) is 'The living session of this id, or of the cookie with this hash. At most one row.';
revoke all on function plinth.find_session(uuid, text) from public;
grant execute on function plinth.find_session(uuid, text) to {app}, {system};

set local role {owner};
revoke create on schema plinth from {lookup};
`,
}
