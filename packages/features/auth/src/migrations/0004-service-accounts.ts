import type { FeatureMigration } from '@plinth/core'

/** Services of a tenant, which are nobody's, and keys that belong to one of them instead of a person. */
export const serviceAccountsMigration: FeatureMigration = {
  id: '0004_service_accounts',
  sql: `
create table plinth.service_accounts (
  tenant_id uuid not null,
  id uuid not null,
  owner_user_id uuid,
  owner_group_id uuid,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  version int not null default 1,
  name text not null,
  description text not null default '',
  roles jsonb not null default '[]',
  disabled_at timestamptz,
  constraint service_accounts_pk primary key (tenant_id, id),
  constraint service_accounts_tenant_fk foreign key (tenant_id) references plinth.tenants (id) on delete cascade
);
create index service_accounts_recent_idx on plinth.service_accounts (tenant_id, created_at desc, id desc);
comment on table plinth.service_accounts is 'Programs that work for a tenant whoever set them up. Changed by plinth_system alone.';

alter table plinth.service_accounts enable row level security, force row level security;
create policy plinth_tenant on plinth.service_accounts as restrictive to {app}
  using (tenant_id = nullif(current_setting('plinth.tenant', true), '')::uuid);
create policy plinth_app on plinth.service_accounts to {app} using (true) with check (true);
create policy plinth_system on plinth.service_accounts to {system} using (true) with check (true);
grant select on plinth.service_accounts to {app};
grant select, insert, update, delete on plinth.service_accounts to {system};

alter table plinth.api_keys
  alter column role drop not null,
  add column service_account_id uuid,
  add constraint api_keys_service_account_fk foreign key (tenant_id, service_account_id)
    references plinth.service_accounts (tenant_id, id) on delete cascade,
  -- A person's key narrows what he may do; a service's is all of it.
  add constraint api_keys_holder_check check (
    (service_account_id is null) = (owner_user_id is not null) and (service_account_id is null) = (role is not null));
create index api_keys_service_account_idx on plinth.api_keys (tenant_id, service_account_id);

create policy plinth_lookup on plinth.service_accounts for select to {lookup} using (true);
grant select (tenant_id, id, name, roles, disabled_at) on plinth.service_accounts to {lookup};
grant create on schema plinth to {lookup};
set local role {lookup};

drop function plinth.find_api_key(text);
create function plinth.find_api_key(wanted_hash text)
  returns table (id uuid, tenant_id uuid, user_id uuid, service_account_id uuid, name text, roles text[], ip_ranges text[],
    rate_requests int, rate_seconds int, created_at float8, expires_at float8, last_used_at float8, second_factor boolean)
  language sql stable security definer rows 1
  set search_path = pg_catalog, pg_temp
  as $$
    select k.id, k.tenant_id, k.owner_user_id, k.service_account_id, coalesce(a.name, k.name),
      case when a.id is null then array[k.role] else array(select jsonb_array_elements_text(a.roles)) end,
      array(select jsonb_array_elements_text(k.ip_ranges)), k.rate_requests, k.rate_seconds,
      extract(epoch from k.created_at)::float8 * 1000,
      extract(epoch from least(k.expires_at, s.expires_at))::float8 * 1000, extract(epoch from k.last_used_at)::float8 * 1000,
      exists (select from plinth.mfa_devices d where d.user_id = k.owner_user_id and d.confirmed_at is not null)
    from plinth.api_key_secrets s
    join plinth.api_keys k on k.id = s.key_id
    left join plinth.users u on u.id = k.owner_user_id
    left join plinth.service_accounts a on a.tenant_id = k.tenant_id and a.id = k.service_account_id
    where s.key_hash = wanted_hash and k.revoked_at is null
      and (u.status = 'active' or a.id is not null and a.disabled_at is null)
  $$;
comment on function plinth.find_api_key(text) is 'The living key with this hash, and what stands behind it. At most one row.';
revoke all on function plinth.find_api_key(text) from public;
grant execute on function plinth.find_api_key(text) to {app}, {system};

set local role {owner};
revoke create on schema plinth from {lookup};
`,
}
