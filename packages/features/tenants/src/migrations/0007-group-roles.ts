import type { FeatureMigration } from '@plinth/core'

/** The roles in the list of somebody's tenants are those that he comes in with: his own, and those of his groups. */
export const groupRolesMigration: FeatureMigration = {
  id: '0007_group_roles',
  sql: `
grant create on schema plinth to {lookup};
set local role {lookup};

create or replace function plinth.tenants_of(wanted_user uuid)
  returns table (id uuid, slug text, name text, status text, require_mfa boolean, standing text, roles text[])
  language sql stable security definer rows 5
  set search_path = pg_catalog, pg_temp
  as $$
    select t.id, t.slug, t.name, t.status, t.require_mfa, m.status,
      array(
        select r.role from plinth.user_roles r where r.tenant_id = m.tenant_id and r.user_id = m.user_id
        union
        select r.role from plinth.group_members g
        join plinth.user_roles r on r.tenant_id = g.tenant_id and r.group_id = g.group_id
        where g.tenant_id = m.tenant_id and g.user_id = m.user_id
        order by 1)
    from plinth.memberships m join plinth.tenants t on t.id = m.tenant_id
    where m.user_id = wanted_user
    order by m.created_at, t.id
  $$;

set local role {owner};
revoke create on schema plinth from {lookup};
`,
}
