import type { FeatureMigration } from '@plinth/core'

/**
 * API keys. What a tenant may see of them is a table of its own; the hashes lie beside it, out of the runtime login's reach, two of a
 * key while it is rotated.
 */
export const apiKeys: FeatureMigration = {
  id: '0003_api_keys',
  sql: `
create table plinth.api_keys (
  tenant_id uuid not null,
  id uuid not null,
  -- Who made it, and whose membership it rests on.
  owner_user_id uuid,
  owner_group_id uuid,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  version int not null default 1,
  name text not null,
  key_prefix text not null,
  role text not null,
  expires_at timestamptz,
  -- In one spelling each; an empty list limits nothing.
  ip_ranges jsonb not null default '[]',
  rate_requests int,
  rate_seconds int,
  last_used_at timestamptz,
  revoked_at timestamptz,
  constraint api_keys_pk primary key (tenant_id, id),
  constraint api_keys_id_key unique (id),
  constraint api_keys_tenant_fk foreign key (tenant_id) references plinth.tenants (id) on delete cascade,
  constraint api_keys_user_fk foreign key (owner_user_id) references plinth.users (id) on delete cascade,
  constraint api_keys_rate_check check ((rate_requests is null) = (rate_seconds is null))
);
create index api_keys_recent_idx on plinth.api_keys (tenant_id, created_at desc, id desc);
create index api_keys_owner_idx on plinth.api_keys (owner_user_id, tenant_id) where revoked_at is null;
create index api_keys_ended_idx on plinth.api_keys (revoked_at) where revoked_at is not null;
comment on table plinth.api_keys is 'Keys of programs: whose they are and what they may do. Changed by plinth_system alone.';

create table plinth.api_key_secrets (
  key_hash text not null,
  key_id uuid not null,
  created_at timestamptz not null,
  -- Set when another one takes its place: until then both work.
  expires_at timestamptz,
  constraint api_key_secrets_pk primary key (key_hash),
  constraint api_key_secrets_key_fk foreign key (key_id) references plinth.api_keys (id) on delete cascade
);
create index api_key_secrets_key_idx on plinth.api_key_secrets (key_id);
comment on table plinth.api_key_secrets is 'SHA-256 of each key that works. One that was revoked has none.';

alter table plinth.api_keys enable row level security, force row level security;
create policy plinth_tenant on plinth.api_keys as restrictive to {app}
  using (tenant_id = nullif(current_setting('plinth.tenant', true), '')::uuid);
create policy plinth_app on plinth.api_keys to {app} using (true) with check (true);
create policy plinth_system on plinth.api_keys to {system} using (true) with check (true);
grant select on plinth.api_keys to {app};
grant select, insert, update, delete on plinth.api_keys to {system};

alter table plinth.api_key_secrets enable row level security, force row level security;
create policy plinth_system on plinth.api_key_secrets to {system} using (true) with check (true);
grant select, insert, update, delete on plinth.api_key_secrets to {system};

create policy plinth_lookup on plinth.api_keys for select to {lookup} using (true);
create policy plinth_lookup on plinth.api_key_secrets for select to {lookup} using (true);
create policy plinth_lookup on plinth.mfa_devices for select to {lookup} using (true);
grant select on plinth.api_keys to {lookup};
grant select (key_hash, key_id, expires_at) on plinth.api_key_secrets to {lookup};
grant select (user_id, confirmed_at) on plinth.mfa_devices to {lookup};

grant create on schema plinth to {lookup};
set local role {lookup};

create function plinth.find_api_key(wanted_hash text)
  returns table (id uuid, tenant_id uuid, user_id uuid, name text, role text, ip_ranges text[], rate_requests int, rate_seconds int,
    created_at float8, expires_at float8, last_used_at float8, second_factor boolean)
  language sql stable security definer rows 1
  set search_path = pg_catalog, pg_temp
  as $$
    select k.id, k.tenant_id, k.owner_user_id, k.name, k.role, array(select jsonb_array_elements_text(k.ip_ranges)),
      k.rate_requests, k.rate_seconds, extract(epoch from k.created_at)::float8 * 1000,
      extract(epoch from least(k.expires_at, s.expires_at))::float8 * 1000, extract(epoch from k.last_used_at)::float8 * 1000,
      exists (select from plinth.mfa_devices d where d.user_id = k.owner_user_id and d.confirmed_at is not null)
    from plinth.api_key_secrets s
    join plinth.api_keys k on k.id = s.key_id
    join plinth.users u on u.id = k.owner_user_id
    where s.key_hash = wanted_hash and k.revoked_at is null and u.status = 'active'
  $$;
comment on function plinth.find_api_key(text) is 'The living key with this hash, and what stands behind it. At most one row.';
revoke all on function plinth.find_api_key(text) from public;
grant execute on function plinth.find_api_key(text) to {app}, {system};

set local role {owner};
revoke create on schema plinth from {lookup};
`,
}
