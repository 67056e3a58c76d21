-- What a tenant has subscribed to, for policies that ask it in every request. Begins as the login that migrates.

set local role {owner};
grant select (plan, tier) on plinth.tenants to {lookup};
grant create on schema plinth to {lookup};
set local role {lookup};

drop function plinth.find_tenant(text);
create function plinth.find_tenant(wanted text)
  returns table (id uuid, slug text, name text, status text, require_mfa boolean, plan text, tier text)
  language sql stable security definer rows 1
  set search_path = pg_catalog, pg_temp
  as $$
    select t.id, t.slug, t.name, t.status, t.require_mfa, t.plan, t.tier
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
