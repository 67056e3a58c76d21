import type { FeatureMigration } from '@plinth/core'

/**
 * The names of a member's roles stand in his membership too, kept equal by a trigger as his name and address are: a page of people
 * shows them without a statement for each, and a change of roles is a new version of the row.
 */
export const peopleMigration: FeatureMigration = {
  id: '0001_people',
  sql: `
alter table plinth.memberships add column roles jsonb not null default '[]';

alter table plinth.user_roles no force row level security;
alter table plinth.memberships no force row level security;
update plinth.memberships m set roles = (
  select coalesce(jsonb_agg(r.role order by r.role), '[]') from plinth.user_roles r
  where r.tenant_id = m.tenant_id and r.user_id = m.user_id);
alter table plinth.memberships force row level security;
alter table plinth.user_roles force row level security;

-- In two statements: the second one begins when the row is ours, and so sees the roles that another transaction gave meanwhile.
-- FOR NO KEY UPDATE, or it would wait for the key share that each new role holds on the membership.
create function plinth.spread_roles() returns trigger language plpgsql
  set search_path = pg_catalog, pg_temp
  as $$
  declare
    of_tenant uuid := coalesce(new.tenant_id, old.tenant_id);
    of_user uuid := coalesce(new.user_id, old.user_id);
  begin
    perform 1 from plinth.memberships m where m.tenant_id = of_tenant and m.user_id = of_user for no key update;
    update plinth.memberships m set roles = r.roles, version = m.version + 1, updated_at = now()
      from (
        select coalesce(jsonb_agg(u.role order by u.role), '[]') as roles from plinth.user_roles u
        where u.tenant_id = of_tenant and u.user_id = of_user) r
      where m.tenant_id = of_tenant and m.user_id = of_user and m.roles is distinct from r.roles;
    return null;
  end
  $$;
create trigger user_roles_spread after insert or update or delete on plinth.user_roles for each row
  execute function plinth.spread_roles();

grant select (created_at, roles) on plinth.memberships to {lookup};
grant create on schema plinth to {lookup};
set local role {lookup};

create function plinth.tenants_of(wanted_user uuid)
  returns table (id uuid, slug text, name text, status text, require_mfa boolean, standing text, roles text[])
  language sql stable security definer rows 5
  set search_path = pg_catalog, pg_temp
  as $$
    select t.id, t.slug, t.name, t.status, t.require_mfa, m.status,
      array(select r.role from plinth.user_roles r where r.tenant_id = m.tenant_id and r.user_id = m.user_id order by r.role)
    from plinth.memberships m join plinth.tenants t on t.id = m.tenant_id
    where m.user_id = wanted_user
    order by m.created_at, t.id
  $$;
comment on function plinth.tenants_of(uuid) is 'The tenants of one user, the first he joined before the others.';
revoke all on function plinth.tenants_of(uuid) from public;
grant execute on function plinth.tenants_of(uuid) to {app}, {system};

set local role {owner};
revoke create on schema plinth from {lookup};
`,
}
