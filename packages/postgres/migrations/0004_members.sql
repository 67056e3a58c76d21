-- Who belongs to which tenant, and as what. Begins as the login that migrates.
--
-- A membership is what a tenant sees of a person: its id is the user's, and it carries the user's name and addresses, kept equal
-- by triggers. So a tenant can list, search and sort its people under its own row-level security, with no right on the global
-- table of users and no join into it.

set local role {owner};

alter table plinth.tenants
  add column version int not null default 1,
  add column plan text,
  add column tier text,
  -- Whoever works in this tenant must have shown a second factor.
  add column require_mfa boolean not null default false,
  -- When a tenant that is pending deletion goes for good.
  add column delete_after timestamptz;
comment on column plinth.tenants.status is
  'active; suspended: may be read, not changed; closed: suspended altogether; pending_deletion: closed, and gone after delete_after.';

alter table plinth.users
  add column version int not null default 1,
  -- Above all tenants: sees tenants and users, and no tenant''s rows.
  add column superadmin boolean not null default false,
  add column email_verified_at timestamptz;

alter table plinth.memberships
  add column owner_user_id uuid,
  add column owner_group_id uuid,
  add column version int not null default 1,
  add column email text,
  add column username text,
  add column name text not null default '';

alter table plinth.users no force row level security;
alter table plinth.memberships no force row level security;
update plinth.memberships m
  set id = m.user_id, owner_user_id = m.user_id, email = u.email, username = u.username, name = u.name
  from plinth.users u where u.id = m.user_id;
alter table plinth.memberships force row level security;
alter table plinth.users force row level security;

alter table plinth.memberships
  add constraint memberships_id_check check (id = user_id),
  add constraint memberships_owner_check check (owner_user_id = user_id);
create index memberships_recent_idx on plinth.memberships (tenant_id, created_at desc, id desc);
create index memberships_email_idx on plinth.memberships (tenant_id, lower(email));

-- Run as whoever writes, and only {system} may make members or change users: the runtime login cannot read what they copy.
create function plinth.fill_member() returns trigger language plpgsql
  set search_path = pg_catalog, pg_temp
  as $$
  begin
    select u.id, u.id, u.email, u.username, u.name
      into new.id, new.owner_user_id, new.email, new.username, new.name
      from plinth.users u where u.id = new.user_id;
    return new;
  end
  $$;
create trigger memberships_fill before insert on plinth.memberships for each row execute function plinth.fill_member();

create function plinth.spread_user() returns trigger language plpgsql
  set search_path = pg_catalog, pg_temp
  as $$
  begin
    update plinth.memberships m
      set email = new.email, username = new.username, name = new.name, version = m.version + 1, updated_at = new.updated_at
      where m.user_id = new.id;
    return null;
  end
  $$;
create trigger users_spread after update of email, username, name on plinth.users for each row
  when ((old.email, old.username, old.name) is distinct from (new.email, new.username, new.name))
  execute function plinth.spread_user();

alter table plinth.groups
  add column owner_user_id uuid,
  add column owner_group_id uuid,
  add column version int not null default 1,
  add column description text;
create index groups_recent_idx on plinth.groups (tenant_id, created_at desc, id desc);

-- Roles of a member, by name. What a role may do is the business of whoever defines roles.
create table plinth.user_roles (
  tenant_id uuid not null,
  user_id uuid not null,
  role text not null,
  created_at timestamptz not null default now(),
  constraint user_roles_pk primary key (tenant_id, user_id, role),
  -- To the membership: who leaves the tenant loses its roles in the same statement.
  constraint user_roles_member_fk foreign key (tenant_id, user_id) references plinth.memberships (tenant_id, user_id) on delete cascade
);
create index user_roles_role_idx on plinth.user_roles (tenant_id, role);
comment on table plinth.user_roles is 'The roles that a member has in a tenant, by name.';

alter table plinth.user_roles enable row level security, force row level security;
create policy plinth_tenant on plinth.user_roles as restrictive to {app}
  using (tenant_id = nullif(current_setting('plinth.tenant', true), '')::uuid);
create policy plinth_app on plinth.user_roles to {app} using (true) with check (true);
create policy plinth_system on plinth.user_roles to {system} using (true) with check (true);

create policy plinth_lookup on plinth.users for select to {lookup} using (true);
create policy plinth_lookup on plinth.memberships for select to {lookup} using (true);
create policy plinth_lookup on plinth.group_members for select to {lookup} using (true);
create policy plinth_lookup on plinth.user_roles for select to {lookup} using (true);

-- Read alone: who joins, is suspended or leaves is changed by {system}, together with what he holds elsewhere (sessions, keys).
grant select on plinth.memberships to {app};
grant select, insert, update, delete on plinth.groups to {app};
grant select, insert, delete on plinth.group_members to {app};
grant select on plinth.user_roles to {app};
grant select, insert, update, delete on plinth.user_roles to {system};
grant select (require_mfa) on plinth.tenants to {lookup};
grant select (id, status) on plinth.users to {lookup};
grant select (tenant_id, user_id, status) on plinth.memberships to {lookup};
grant select on plinth.group_members, plinth.user_roles to {lookup};

grant create on schema plinth to {lookup};
set local role {lookup};

drop function plinth.find_tenant(text);
create function plinth.find_tenant(wanted text)
  returns table (id uuid, slug text, name text, status text, require_mfa boolean)
  language sql stable security definer rows 1
  set search_path = pg_catalog, pg_temp
  as $$
    select t.id, t.slug, t.name, t.status, t.require_mfa
    from plinth.tenants t
    where t.slug = wanted
       or t.id = case when wanted ~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' then wanted::uuid end
    limit 1
  $$;
comment on function plinth.find_tenant(text) is 'The tenant of this slug or id, before a tenant is set. At most one row.';
revoke all on function plinth.find_tenant(text) from public;
grant execute on function plinth.find_tenant(text) to {app}, {system};

create function plinth.find_member(wanted_tenant uuid, wanted_user uuid)
  returns table (status text, groups uuid[], roles text[])
  language sql stable security definer rows 1
  set search_path = pg_catalog, pg_temp
  as $$
    select m.status,
      array(select g.group_id from plinth.group_members g where g.tenant_id = m.tenant_id and g.user_id = m.user_id order by g.group_id),
      array(select r.role from plinth.user_roles r where r.tenant_id = m.tenant_id and r.user_id = m.user_id order by r.role)
    from plinth.memberships m join plinth.users u on u.id = m.user_id
    where m.tenant_id = wanted_tenant and m.user_id = wanted_user and u.status = 'active'
  $$;
comment on function plinth.find_member(uuid, uuid) is
  'Standing, groups and roles of one user in one tenant, for every request of his. At most one row; none for a user who is not active.';
revoke all on function plinth.find_member(uuid, uuid) from public;
grant execute on function plinth.find_member(uuid, uuid) to {app}, {system};

set local role {owner};
revoke create on schema plinth from {lookup};
