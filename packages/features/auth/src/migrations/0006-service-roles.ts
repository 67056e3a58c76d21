import type { FeatureMigration } from '@plinth/core'

/**
 * The roles of services lie where those of people do, so that who has a role is one question and a role that a service has is not
 * deleted. Their names stay in the row of the service, kept equal by a trigger: a key is found with them in one statement.
 */
export const serviceRolesMigration: FeatureMigration = {
  id: '0006_service_roles',
  sql: `
alter table plinth.user_roles
  add constraint user_roles_service_account_fk foreign key (tenant_id, service_account_id)
    references plinth.service_accounts (tenant_id, id) on delete cascade;

-- No service owns a tenant: what it could do as owner, but making owners, it may do as admin.
alter table plinth.user_roles no force row level security;
alter table plinth.service_accounts no force row level security;
insert into plinth.user_roles (tenant_id, service_account_id, role)
  select distinct a.tenant_id, a.id, case r.role when 'owner' then 'admin' else r.role end
  from plinth.service_accounts a cross join lateral jsonb_array_elements_text(a.roles) r(role);
update plinth.service_accounts a set roles = (
  select coalesce(jsonb_agg(u.role order by u.role collate "C"), '[]') from plinth.user_roles u
  where u.tenant_id = a.tenant_id and u.service_account_id = a.id);
alter table plinth.service_accounts force row level security;
alter table plinth.user_roles force row level security;

-- In two statements: the second one begins when the row is ours, and so sees the roles that another transaction gave meanwhile.
-- FOR NO KEY UPDATE, or it would wait for the key share that each new role holds on the service.
create function plinth.spread_service_roles() returns trigger language plpgsql
  set search_path = pg_catalog, pg_temp
  as $$
  declare
    of_tenant uuid := coalesce(new.tenant_id, old.tenant_id);
    of_service uuid := coalesce(new.service_account_id, old.service_account_id);
  begin
    if of_service is null then return null; end if;
    perform 1 from plinth.service_accounts a where a.tenant_id = of_tenant and a.id = of_service for no key update;
    update plinth.service_accounts a set roles = r.roles, version = a.version + 1, updated_at = now()
      from (
        select coalesce(jsonb_agg(u.role order by u.role collate "C"), '[]') as roles from plinth.user_roles u
        where u.tenant_id = of_tenant and u.service_account_id = of_service) r
      where a.tenant_id = of_tenant and a.id = of_service and a.roles is distinct from r.roles;
    return null;
  end
  $$;
create trigger user_roles_spread_service after insert or update or delete on plinth.user_roles for each row
  execute function plinth.spread_service_roles();
`,
}
