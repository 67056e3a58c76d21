import type { FeatureMigration } from '@plinth/core'

/**
 * A tenant is purged by the feature, step by step, and no longer by one function that could write no entry: whoever called that one would
 * leave none. Its name stays, for processes of the release before it call it as long as they run, and what a call that fails leaves
 * undone behind it, nobody does.
 */
export const purgeMigration: FeatureMigration = {
  id: '0009_purge',
  sql: `
create or replace function plinth.purge_tenants(at timestamptz, announce boolean, most int) returns int language sql immutable
  set search_path = pg_catalog, pg_temp
  as 'select 0';
comment on function plinth.purge_tenants(timestamptz, boolean, int) is
  'Removes nothing: the name is left for processes of the release before. Tenants are purged by the feature, which leaves entries.';

-- Entries that are not in the book yet are taken from the inbox by whoever seals it: gone with the rows, what was done last to the tenant
-- would be known to nobody, that its end was announced among it.
create or replace function plinth.purge_tenant_rows(tenant uuid, most int) returns int language plpgsql volatile
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
          and c.oid is distinct from to_regclass('plinth.audit_inbox')
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
`,
}
