-- The platform's own tables. Begins as the login that migrates; everything is made by {owner}, so that {owner} owns it.
-- `{owner}` `{app}` `{lookup}` `{system}` `{backup}` are replaced with the quoted names of the roles.
--
-- FORCE binds the owner too, and he has no policy of his own: an UPDATE as {owner} touches 0 rows and reports no error. A
-- backfill in a later migration therefore opens the table for its own transaction, which nobody else sees half done
-- (ALTER TABLE holds the table until commit):
--   alter table plinth.groups no force row level security;
--   update plinth.groups set …;
--   alter table plinth.groups force row level security;
--
-- What is written in every request (events, idempotency_keys) has no foreign key to tenants: each check would lock the
-- tenant's row FOR KEY SHARE, one row for all writers of a tenant.

create schema if not exists plinth authorization {owner};

set local role {owner};

comment on schema plinth is 'Platform tables of Plinth. Made and changed by plinth.migrate() alone.';

grant usage on schema plinth to {app}, {system}, {lookup};

-- What was applied -----------------------------------------------------------------------------------------------------

create table plinth.migrations (
  feature text not null,
  id text not null,
  checksum text not null,
  applied_at timestamptz not null default now(),
  constraint migrations_pk primary key (feature, id)
);
comment on table plinth.migrations is
  'One row per applied migration, written in its transaction. The checksum finds a migration edited afterwards.';

-- Tenants --------------------------------------------------------------------------------------------------------------

create table plinth.tenants (
  id uuid not null,
  slug text not null,
  name text not null,
  status text not null default 'active',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint tenants_pk primary key (id),
  constraint tenants_slug_key unique (slug),
  -- A label of a host name. Never the form of an id: find_tenant takes either, and whoever may choose a slug could
  -- otherwise choose the id of another tenant.
  constraint tenants_slug_check check (
    slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$' and slug !~ '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$'
  ),
  constraint tenants_status_check check (status in ('active', 'suspended', 'closed', 'pending_deletion'))
);
comment on table plinth.tenants is
  'The customers of the product. The runtime login sees the tenant of its transaction; before one is known it asks find_tenant.';

-- Users are global: one person, one login, many tenants ----------------------------------------------------------------

create table plinth.users (
  id uuid not null,
  email text,
  username text,
  name text not null default '',
  status text not null default 'active',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint users_pk primary key (id),
  constraint users_status_check check (status in ('active', 'suspended', 'closed', 'pending_deletion'))
);
create unique index users_email_key on plinth.users (lower(email));
create unique index users_username_key on plinth.users (lower(username));
comment on table plinth.users is
  'People, global. No tenant column, so no right of the runtime login: a tenant sees its members by functions and by memberships.';

create table plinth.memberships (
  tenant_id uuid not null,
  id uuid not null,
  user_id uuid not null,
  status text not null default 'active',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint memberships_pk primary key (tenant_id, id),
  constraint memberships_user_key unique (tenant_id, user_id),
  constraint memberships_tenant_fk foreign key (tenant_id) references plinth.tenants (id) on delete cascade,
  constraint memberships_user_fk foreign key (user_id) references plinth.users (id) on delete cascade,
  constraint memberships_status_check check (status in ('active', 'suspended'))
);
create index memberships_user_idx on plinth.memberships (user_id);
comment on table plinth.memberships is 'Ties a user to a tenant. Without one a user is nobody there.';

create table plinth.groups (
  tenant_id uuid not null,
  id uuid not null,
  name text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint groups_pk primary key (tenant_id, id),
  constraint groups_name_key unique (tenant_id, name),
  constraint groups_tenant_fk foreign key (tenant_id) references plinth.tenants (id) on delete cascade
);
comment on table plinth.groups is 'Teams of a tenant: the scope `group` of a permission, and owner_group_id of a row.';

create table plinth.group_members (
  tenant_id uuid not null,
  group_id uuid not null,
  user_id uuid not null,
  constraint group_members_pk primary key (tenant_id, group_id, user_id),
  constraint group_members_group_fk foreign key (tenant_id, group_id) references plinth.groups (tenant_id, id) on delete cascade,
  -- To the membership and not to the user: who leaves the tenant leaves its groups in the same statement.
  constraint group_members_member_fk foreign key (tenant_id, user_id) references plinth.memberships (tenant_id, user_id) on delete cascade
);
create index group_members_user_idx on plinth.group_members (tenant_id, user_id);
comment on table plinth.group_members is 'Who is in a group. Only members of the tenant can be.';

-- Idempotency ----------------------------------------------------------------------------------------------------------

create table plinth.idempotency_keys (
  tenant_id uuid not null,
  principal text not null,
  key text not null,
  fingerprint text not null,
  sealed text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  constraint idempotency_keys_pk primary key (tenant_id, principal, key)
);
create index idempotency_keys_expires_idx on plinth.idempotency_keys (expires_at);
comment on table plinth.idempotency_keys is
  'Answers kept for a repeated request, encrypted. Per tenant and principal: one caller''s key never opens another''s answer.';

-- The outbox -----------------------------------------------------------------------------------------------------------

create table plinth.events (
  tenant_id uuid not null,
  id uuid not null,
  seq bigint not null generated always as identity,
  type text not null,
  key text not null,
  data jsonb not null,
  actor_kind text not null,
  actor_id text not null,
  request_id text not null,
  occurred_at timestamptz not null,
  delivered_at timestamptz,
  attempts int not null default 0,
  next_attempt_at timestamptz not null default now(),
  last_error text,
  constraint events_pk primary key (tenant_id, id)
);
create index events_undelivered_idx on plinth.events (seq) where delivered_at is null;
-- What failed holds back what came after it under its key.
create index events_failed_idx on plinth.events (tenant_id, key) where delivered_at is null and attempts > 0;
-- For the sweep.
create index events_delivered_idx on plinth.events (delivered_at) where delivered_at is not null;
comment on table plinth.events is
  'The outbox: written in the statement of the change itself, handed on by the relay after commit, in order per key.';

-- Row-level security ---------------------------------------------------------------------------------------------------
-- RESTRICTIVE binds the runtime login to its tenant whatever permissive policy comes later; TO {app} only, because
-- {system} sees all tenants by a policy of its own. Without a tenant the setting is NULL or '' and matches no row.

alter table plinth.migrations enable row level security, force row level security;
create policy plinth_owner on plinth.migrations to {owner} using (true) with check (true);
-- At start the runtime login asks which migrations it is missing.
create policy plinth_app on plinth.migrations for select to {app} using (true);

alter table plinth.tenants enable row level security, force row level security;
create policy plinth_tenant on plinth.tenants as restrictive to {app}
  using (id = nullif(current_setting('plinth.tenant', true), '')::uuid);
create policy plinth_app on plinth.tenants to {app} using (true) with check (true);
create policy plinth_system on plinth.tenants to {system} using (true) with check (true);
create policy plinth_lookup on plinth.tenants for select to {lookup} using (true);

alter table plinth.users enable row level security, force row level security;
create policy plinth_system on plinth.users to {system} using (true) with check (true);

alter table plinth.memberships enable row level security, force row level security;
create policy plinth_tenant on plinth.memberships as restrictive to {app}
  using (tenant_id = nullif(current_setting('plinth.tenant', true), '')::uuid);
create policy plinth_app on plinth.memberships to {app} using (true) with check (true);
create policy plinth_system on plinth.memberships to {system} using (true) with check (true);

alter table plinth.groups enable row level security, force row level security;
create policy plinth_tenant on plinth.groups as restrictive to {app}
  using (tenant_id = nullif(current_setting('plinth.tenant', true), '')::uuid);
create policy plinth_app on plinth.groups to {app} using (true) with check (true);
create policy plinth_system on plinth.groups to {system} using (true) with check (true);

alter table plinth.group_members enable row level security, force row level security;
create policy plinth_tenant on plinth.group_members as restrictive to {app}
  using (tenant_id = nullif(current_setting('plinth.tenant', true), '')::uuid);
create policy plinth_app on plinth.group_members to {app} using (true) with check (true);
create policy plinth_system on plinth.group_members to {system} using (true) with check (true);

alter table plinth.idempotency_keys enable row level security, force row level security;
create policy plinth_tenant on plinth.idempotency_keys as restrictive to {app}
  using (tenant_id = nullif(current_setting('plinth.tenant', true), '')::uuid);
create policy plinth_app on plinth.idempotency_keys to {app} using (true) with check (true);
create policy plinth_system on plinth.idempotency_keys to {system} using (true) with check (true);

alter table plinth.events enable row level security, force row level security;
create policy plinth_tenant on plinth.events as restrictive to {app}
  using (tenant_id = nullif(current_setting('plinth.tenant', true), '')::uuid);
create policy plinth_app on plinth.events to {app} using (true) with check (true);
create policy plinth_system on plinth.events to {system} using (true) with check (true);

-- Grants: what is written here and nothing else. TRUNCATE ignores row-level security, TRIGGER would run the runtime login's
-- code as whoever writes next: nobody but the owner has them.

grant select on plinth.migrations to {app};
grant select on plinth.tenants to {app};
grant insert on plinth.events to {app};
grant select, insert, delete on plinth.idempotency_keys to {app};
grant select, insert, update, delete on
  plinth.tenants, plinth.users, plinth.memberships, plinth.groups, plinth.group_members, plinth.idempotency_keys, plinth.events
  to {system};
grant select (id, slug, name, status) on plinth.tenants to {lookup};

-- Before a tenant is known ---------------------------------------------------------------------------------------------
-- {lookup} owns what may look across tenants: a function that takes one value and gives at most one row. The search_path is
-- fixed, or a caller could put a table of his own in front of ours; pg_temp last, or it would be searched first.

grant create on schema plinth to {lookup};
set local role {lookup};

create function plinth.find_tenant(wanted text) returns table (id uuid, slug text, name text, status text)
  language sql stable security definer rows 1
  set search_path = pg_catalog, pg_temp
  as $$
    select t.id, t.slug, t.name, t.status
    from plinth.tenants t
    where t.slug = wanted
       or t.id = case when wanted ~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' then wanted::uuid end
    limit 1
  $$;
comment on function plinth.find_tenant(text) is 'The tenant of this slug or id, before a tenant is set. At most one row.';
revoke all on function plinth.find_tenant(text) from public;
grant execute on function plinth.find_tenant(text) to {app}, {system};

set local role {owner};
revoke create on schema plinth from {lookup};
