import type { Connection } from '../drivers/driver.ts'
import { TENANT_SCHEMAS } from './tenant-schema.ts'

/*
 * A thousand tenants' schemas are alike, or else something is wrong. So PostgreSQL makes one digest of everything that isolation
 * and the statements rest on for each schema, in one query, and one schema of each digest is compared with the declaration.
 * Nothing is printed for it: expressions are compared by their stored trees, which is some ten times as fast. Two that
 * mean the same and are stored otherwise are two digests, and one comparison more.
 */
const digests = `
with s as materialized (
  select n.oid, n.nspname, n.nspowner, n.nspacl from pg_catalog.pg_namespace n
  where n.nspname ~ '${TENANT_SCHEMAS}' and ($1::text is null or n.nspname = $1::text)
), t as materialized (
  select c.oid, c.relname, s.oid as place, c.relkind, c.relrowsecurity, c.relforcerowsecurity, c.relowner, c.relacl, c.reloptions,
    c.relispartition, c.relam
  from pg_catalog.pg_class c join s on s.oid = c.relnamespace
), parts as (
  select s.oid as place, concat_ws('|', 'schema', s.nspowner, s.nspacl) as part from s
  union all
  select place, concat_ws('|', 'relation', relname, relkind, relrowsecurity, relforcerowsecurity, relowner, relacl, reloptions, relispartition, relam) from t
  union all
  select t.place, concat_ws('|', 'column', t.relname, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.attidentity, a.attgenerated, a.attcollation, a.attacl)
  from t join pg_catalog.pg_attribute a on a.attrelid = t.oid where a.attnum > 0 and not a.attisdropped and t.relkind <> 'i'
  union all
  select t.place, concat_ws('|', 'default', t.relname, d.adnum, d.adbin::text) from t join pg_catalog.pg_attrdef d on d.adrelid = t.oid
  union all
  select t.place, concat_ws('|', 'index', t.relname, o.relname, i.indisunique, i.indisprimary, i.indisvalid, i.indkey, i.indnkeyatts, i.indclass::text,
    i.indoption, i.indcollation::text, i.indexprs::text, i.indpred::text)
  from t join pg_catalog.pg_index i on i.indexrelid = t.oid join t o on o.oid = i.indrelid
  union all
  select t.place, concat_ws('|', 'constraint', t.relname, k.conname, k.contype, k.conkey::text, k.convalidated, k.condeferrable, k.confupdtype, k.confdeltype,
    k.confkey::text, f.relname, case when f.relnamespace = t.place then '' else f.relnamespace::text end, k.conbin::text)
  from t join pg_catalog.pg_constraint k on k.conrelid = t.oid left join pg_catalog.pg_class f on f.oid = k.confrelid
  union all
  select t.place, concat_ws('|', 'policy', t.relname, p.polname, p.polpermissive, p.polcmd, p.polroles::text, p.polqual::text, p.polwithcheck::text)
  from t join pg_catalog.pg_policy p on p.polrelid = t.oid
  union all
  select t.place, concat_ws('|', 'trigger', t.relname, g.tgname, g.tgtype, g.tgenabled, g.tgfoid)
  from t join pg_catalog.pg_trigger g on g.tgrelid = t.oid where not g.tgisinternal
  union all
  select t.place, concat_ws('|', 'rule', t.relname, r.rulename, r.ev_action::text)
  from t join pg_catalog.pg_rewrite r on r.ev_class = t.oid
  union all
  select s.oid, concat_ws('|', 'function', f.proname, f.proargtypes, f.prosecdef, f.proowner, f.proacl, md5(f.prosrc))
  from s join pg_catalog.pg_proc f on f.pronamespace = s.oid
)
select s.nspname::text as schema, md5(string_agg(p.part, E'\\n' order by p.part collate "C")) as digest
from parts p join s on s.oid = p.place group by s.nspname`

/**
 * Schema → digest, for all tenants' schemas or one of them. Reads catalogs only, which every login may.
 * @param schema only this one
 */
export async function schemaDigests(connection: Connection, schema?: string): Promise<ReadonlyMap<string, string>> {
  const rows = await connection.query(digests, [schema ?? null])
  return new Map(rows.map((row) => [String(row['schema']), String(row['digest'])]))
}
