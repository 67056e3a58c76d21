-- Roles of groups and of service accounts, beside those of members: one table, so that who has a role is one question. Begins as the
-- login that migrates.

set local role {owner};

alter table plinth.user_roles
  alter column user_id drop not null,
  add column group_id uuid,
  -- Whoever brings service accounts ties it to them.
  add column service_account_id uuid,
  add constraint user_roles_holder_check check (num_nonnulls(user_id, group_id, service_account_id) = 1),
  -- The last owner is counted among people: a tenant whose owner is a group would have none when the group is emptied.
  add constraint user_roles_owner_check check (role <> 'owner' or user_id is not null),
  add constraint user_roles_group_fk foreign key (tenant_id, group_id) references plinth.groups (tenant_id, id) on delete cascade;
-- Partial: the rows of members, nearly all there are, are not in them.
create unique index user_roles_group_key on plinth.user_roles (tenant_id, group_id, role) where group_id is not null;
create unique index user_roles_service_account_key on plinth.user_roles (tenant_id, service_account_id, role)
  where service_account_id is not null;
comment on table plinth.user_roles is 'The roles that a member, a group or a service account has in a tenant, by name.';

create or replace function plinth.fill_user_role() returns trigger language plpgsql
  set search_path = pg_catalog, pg_temp
  as $$
  begin
    new.owner_user_id := new.user_id;
    new.owner_group_id := new.group_id;
    return new;
  end
  $$;

-- To delete a group is to take from its members what its roles gave them, and that is measured where roles are taken. Before the row
-- goes: the cascade has no say yet. The row is locked by then, and whoever gives the group a role holds it too.
create function plinth.keep_group_with_roles() returns trigger language plpgsql
  set search_path = pg_catalog, pg_temp
  as $$
  begin
    if exists (select from plinth.tenants t where t.id = old.tenant_id)
      and exists (select from plinth.user_roles r where r.tenant_id = old.tenant_id and r.group_id = old.id) then
      raise exception 'the group has a role'
        using errcode = '23503', schema = 'plinth', table = 'user_roles', constraint = 'user_roles_group_used';
    end if;
    return old;
  end
  $$;
create trigger groups_with_roles before delete on plinth.groups for each row execute function plinth.keep_group_with_roles();

grant create on schema plinth to {lookup};
set local role {lookup};

create or replace function plinth.find_member(wanted_tenant uuid, wanted_user uuid)
  returns table (status text, groups uuid[], roles text[])
  language sql stable security definer rows 1
  set search_path = pg_catalog, pg_temp
  as $$
    select m.status,
      array(select g.group_id from plinth.group_members g where g.tenant_id = m.tenant_id and g.user_id = m.user_id order by g.group_id),
      array(
        select r.role from plinth.user_roles r where r.tenant_id = m.tenant_id and r.user_id = m.user_id
        union
        select r.role from plinth.group_members g
        join plinth.user_roles r on r.tenant_id = g.tenant_id and r.group_id = g.group_id
        where g.tenant_id = m.tenant_id and g.user_id = m.user_id
        order by 1)
    from plinth.memberships m join plinth.users u on u.id = m.user_id
    where m.tenant_id = wanted_tenant and m.user_id = wanted_user and u.status = 'active'
  $$;
comment on function plinth.find_member(uuid, uuid) is
  'Standing, groups and roles (his own and those of his groups) of one user in one tenant, for every request of his. At most one row; none for a user who is not active.';

set local role {owner};
revoke create on schema plinth from {lookup};
