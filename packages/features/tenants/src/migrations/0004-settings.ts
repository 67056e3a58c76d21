import type { FeatureMigration } from '@plinth/core'

/** Settings and flags: what the operator says in one table, what tenants and their people say in the other. */
export const settingsMigration: FeatureMigration = {
  id: '0004_settings',
  sql: `
create table plinth.settings (
  tenant_id uuid not null,
  kind text not null,
  key text not null,
  -- Null for what the tenant says.
  user_id uuid,
  value jsonb,
  -- A secret, encrypted and bound to its tenant, user and key.
  sealed text,
  updated_at timestamptz not null default now(),
  constraint settings_key unique nulls not distinct (tenant_id, kind, key, user_id),
  constraint settings_tenant_fk foreign key (tenant_id) references plinth.tenants (id) on delete cascade,
  constraint settings_member_fk foreign key (tenant_id, user_id) references plinth.memberships (tenant_id, user_id) on delete cascade,
  constraint settings_kind_check check (kind in ('setting', 'flag')),
  constraint settings_value_check check ((value is null) <> (sealed is null))
);
comment on table plinth.settings is 'What a tenant, or one of its people, says of a setting or a flag. What nobody says is not here.';
grant select, insert, update, delete on plinth.settings to {app};
grant select, insert, update, delete on plinth.settings to {system};

-- Of no tenant, and so out of the reach of the runtime login.
create table plinth.platform_settings (
  kind text not null,
  key text not null,
  value jsonb,
  sealed text,
  updated_at timestamptz not null default now(),
  constraint platform_settings_pk primary key (kind, key),
  constraint platform_settings_kind_check check (kind in ('setting', 'flag')),
  constraint platform_settings_value_check check ((value is null) <> (sealed is null))
);
comment on table plinth.platform_settings is 'What the operator says of a setting or a flag, for all tenants.';
alter table plinth.platform_settings enable row level security, force row level security;
create policy plinth_system on plinth.platform_settings to {system} using (true) with check (true);
grant select, insert, update, delete on plinth.platform_settings to {system};
`,
}
