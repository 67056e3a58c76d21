import type { FeatureMigration } from '@plinth/core'

/*
 * Text that lists are sorted by is `collate "C"`: built-in rows are put among the stored ones by code point.
 */
export const migrations: readonly FeatureMigration[] = [
  {
    id: '0001_roles',
    sql: `
create table plinth.roles (
  tenant_id uuid not null,
  id uuid not null,
  owner_user_id uuid,
  owner_group_id uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version int not null default 1,
  name text collate "C" not null,
  description text collate "C",
  permissions jsonb not null default '[]',
  built_in boolean not null default false,
  constraint roles_pk primary key (tenant_id, id),
  constraint roles_name_key unique (tenant_id, name),
  constraint roles_tenant_fk foreign key (tenant_id) references plinth.tenants (id) on delete cascade
);
create index roles_recent_idx on plinth.roles (tenant_id, created_at desc, id desc);
comment on table plinth.roles is 'Roles that a tenant made itself; the built-in ones are code.';

create table plinth.role_permissions (
  tenant_id uuid not null,
  role_id uuid not null,
  model text not null,
  action text not null,
  scope text not null,
  constraint role_permissions_pk primary key (tenant_id, role_id, model, action, scope),
  constraint role_permissions_role_fk foreign key (tenant_id, role_id) references plinth.roles (tenant_id, id) on delete cascade,
  constraint role_permissions_scope_check check (scope in ('all', 'group', 'own'))
);
create index role_permissions_model_idx on plinth.role_permissions (tenant_id, model, action);
comment on table plinth.role_permissions is
  'What each role may do, in three parts. Kept equal to roles.permissions by a trigger: in the row of the role it is recorded when it changes.';

-- Runs as whoever writes, under the same row-level security.
create function plinth.spread_role_permissions() returns trigger language plpgsql
  set search_path = pg_catalog, pg_temp
  as $$
  begin
    if tg_op = 'UPDATE' then
      if new.permissions = old.permissions then return null; end if;
      delete from plinth.role_permissions p where p.tenant_id = new.tenant_id and p.role_id = new.id;
    end if;
    insert into plinth.role_permissions (tenant_id, role_id, model, action, scope)
      select new.tenant_id, new.id, split_part(p.name, ':', 1),
        coalesce(nullif(split_part(p.name, ':', 2), ''), '*'), coalesce(nullif(split_part(p.name, ':', 3), ''), 'all')
      from jsonb_array_elements_text(new.permissions) p(name)
      on conflict do nothing;
    return null;
  end
  $$;
create trigger roles_spread after insert or update on plinth.roles for each row execute function plinth.spread_role_permissions();

-- A role that somebody has is still referenced. It is no foreign key, for built-in roles are in no table; the row is locked by whoever
-- gives the role, so that the two wait for each other.
create function plinth.keep_used_role() returns trigger language plpgsql
  set search_path = pg_catalog, pg_temp
  as $$
  begin
    if exists (select from plinth.tenants t where t.id = old.tenant_id)
      and exists (select from plinth.user_roles u where u.tenant_id = old.tenant_id and u.role = old.name) then
      raise exception 'somebody has the role'
        using errcode = '23503', schema = 'plinth', table = 'user_roles', constraint = 'user_roles_role_used';
    end if;
    return null;
  end
  $$;
create trigger roles_used after delete on plinth.roles for each row execute function plinth.keep_used_role();

create table plinth.permissions (
  tenant_id uuid not null,
  id uuid not null,
  owner_user_id uuid,
  owner_group_id uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version int not null default 1,
  name text collate "C" not null default '',
  model text collate "C" not null,
  action text collate "C" not null,
  scope text collate "C" not null default 'all',
  description text collate "C",
  built_in boolean not null default false,
  constraint permissions_pk primary key (tenant_id, id),
  constraint permissions_key unique (tenant_id, model, action, scope),
  constraint permissions_tenant_fk foreign key (tenant_id) references plinth.tenants (id) on delete cascade
);
create index permissions_recent_idx on plinth.permissions (tenant_id, created_at desc, id desc);
comment on table plinth.permissions is
  'Permissions with a wildcard that a tenant describes for those who put roles together. They give nothing by themselves.';

create function plinth.keep_used_permission() returns trigger language plpgsql
  set search_path = pg_catalog, pg_temp
  as $$
  begin
    if exists (select from plinth.tenants t where t.id = old.tenant_id)
      and exists (select from plinth.role_permissions r
        where r.tenant_id = old.tenant_id and r.model = old.model and r.action = old.action and r.scope = old.scope) then
      raise exception 'a role has the permission'
        using errcode = '23503', schema = 'plinth', table = 'role_permissions', constraint = 'role_permissions_permission_used';
    end if;
    return null;
  end
  $$;
create trigger permissions_used after delete on plinth.permissions for each row execute function plinth.keep_used_permission();

create view plinth.rbac_policies with (security_invoker = true) as
  select r.tenant_id, r.name as role,
    coalesce(jsonb_agg(jsonb_build_object('resource', p.model, 'action', p.action, 'scope', p.scope) order by p.model, p.action, p.scope)
      filter (where p.model is not null), '[]') as permissions
  from plinth.roles r left join plinth.role_permissions p on p.tenant_id = r.tenant_id and p.role_id = r.id
  group by r.tenant_id, r.name;
comment on view plinth.rbac_policies is 'Each role with its permissions as a list of resource, action and scope.';
grant select on plinth.rbac_policies to {app}, {system};

create policy plinth_lookup on plinth.roles for select to {lookup} using (true);
grant select (tenant_id, name, permissions) on plinth.roles to {lookup};
grant create on schema plinth to {lookup};
set local role {lookup};

create function plinth.find_role(wanted_tenant uuid, wanted_name text)
  returns table (permissions text)
  language sql stable security definer rows 1
  set search_path = pg_catalog, pg_temp
  as $$
    select r.permissions::text from plinth.roles r where r.tenant_id = wanted_tenant and r.name = wanted_name
  $$;
comment on function plinth.find_role(uuid, text) is 'What one role of one tenant may do, for every request of whoever has it. At most one row.';
revoke all on function plinth.find_role(uuid, text) from public;
grant execute on function plinth.find_role(uuid, text) to {app}, {system};

set local role {owner};
revoke create on schema plinth from {lookup};
`,
  },
  {
    id: '0002_acl_subjects',
    sql: `
create trigger roles_acl after delete on plinth.roles
  for each row execute function plinth.forget_acl_subject('role', 'name');
`,
  },
]
