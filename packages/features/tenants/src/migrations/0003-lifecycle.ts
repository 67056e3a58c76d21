import type { FeatureMigration } from '@plinth/core'

/**
 * What is left of a tenant when its time has come. The tables are found in the catalog and not in a list: a table that was forgotten
 * in a list would keep the rows of a tenant that is gone.
 */
export const lifecycleMigration: FeatureMigration = {
  id: '0003_lifecycle',
  sql: `
alter table plinth.tenants add column deletion_announced_at timestamptz;
create index tenants_delete_after_idx on plinth.tenants (delete_after) where status = 'pending_deletion';

-- As the owner, who alone may drop a schema; of a tenant that is pending deletion and of no other.
create function plinth.drop_tenant_schema(tenant uuid) returns void language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
  as $$
  begin
    if not exists (
      select from plinth.tenants t
      where t.id = tenant and t.status = 'pending_deletion'
    ) then
      raise exception 'the tenant % is not pending deletion', tenant using errcode = 'object_not_in_prerequisite_state';
    end if;
    execute pg_catalog.format('drop schema if exists %I cascade', 'tenant_' || pg_catalog.replace(tenant::text, '-', ''));
  end
  $$;
comment on function plinth.drop_tenant_schema(uuid) is 'Drops the schema of a tenant that is pending deletion.';
revoke all on function plinth.drop_tenant_schema(uuid) from public;
grant execute on function plinth.drop_tenant_schema(uuid) to {system};

-- Of every table that has rows of tenants, at most so many in all. As whoever calls, so that what {system} may not delete stays to
-- whoever keeps it. Tables that nobody refers to come first; what a foreign key holds back is tried again after the others.
create function plinth.purge_tenant_rows(tenant uuid, most int) returns int language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  as $$
  declare
    one record;
    gone int;
    total int := 0;
    progress boolean := true;
  begin
    while progress and total < most loop
      progress := false;
      for one in
        select format('%I.%I', n.nspname, c.relname) as name
        from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
        where c.relkind in ('r', 'p') and not c.relispartition and n.nspname in ('plinth', 'public')
          and a.attname = 'tenant_id' and not a.attisdropped and a.atttypid = 'uuid'::regtype
          and has_table_privilege(c.oid, 'SELECT') and has_table_privilege(c.oid, 'DELETE')
        order by (select count(*) from pg_constraint k where k.confrelid = c.oid and k.conrelid <> c.oid), c.oid desc
      loop
        exit when total >= most;
        begin
          execute format(
            'with gone as (delete from %1$s where tenant_id = $1 and ctid = any (array(select ctid from %1$s where tenant_id = $1 limit $2)) returning 1) select count(*) from gone',
            one.name) into gone using tenant, most - total;
        exception when foreign_key_violation or restrict_violation then
          -- Rows of one table may refer to each other: those that are left go together.
          begin
            execute format('with gone as (delete from %s where tenant_id = $1 returning 1) select count(*) from gone', one.name)
              into gone using tenant;
          exception when foreign_key_violation or restrict_violation then
            gone := 0;
          end;
        end;
        total := total + gone;
        progress := progress or gone > 0;
      end loop;
    end loop;
    return total;
  end
  $$;
comment on function plinth.purge_tenant_rows(uuid, int) is 'Deletes rows of one tenant from every table, a bounded number. How many.';
revoke all on function plinth.purge_tenant_rows(uuid, int) from public;
grant execute on function plinth.purge_tenant_rows(uuid, int) to {system};

-- Features are told first, while the tenant is still there to be told of; what they have not heard after a day is not waited for.
create function plinth.purge_tenants(at timestamptz, announce boolean, most int) returns int language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  as $$
  declare
    one record;
    gone int;
    total int := 0;
  begin
    for one in
      select t.id, t.slug, t.deletion_announced_at as told from plinth.tenants t
      where t.status = 'pending_deletion' and t.delete_after <= at
      order by t.delete_after limit 20 for update skip locked
    loop
      exit when total >= most;
      if one.told is null then
        update plinth.tenants set deletion_announced_at = at where id = one.id;
        if announce then
          insert into plinth.events (tenant_id, id, type, key, data, actor_kind, actor_id, request_id, occurred_at)
            values (one.id, gen_random_uuid(), 'tenant.deleted', one.id::text, jsonb_build_object('id', one.id, 'slug', one.slug),
              'system', 'tenants', gen_random_uuid()::text, at);
          continue;
        end if;
      elsif one.told > at - interval '1 day' and exists (
        select from plinth.events e where e.tenant_id = one.id and e.type = 'tenant.deleted' and e.delivered_at is null) then
        continue;
      end if;
      gone := plinth.purge_tenant_rows(one.id, most - total);
      total := total + gone;
      if gone = 0 then
        perform plinth.drop_tenant_schema(one.id);
        delete from plinth.tenants where id = one.id;
        total := total + 1;
      end if;
    end loop;
    return total;
  end
  $$;
comment on function plinth.purge_tenants(timestamptz, boolean, int) is
  'Takes tenants whose time has come a step further: a bounded number of rows, and in the end the tenant. How many rows went.';
revoke all on function plinth.purge_tenants(timestamptz, boolean, int) from public;
grant execute on function plinth.purge_tenants(timestamptz, boolean, int) to {system};
`,
}
