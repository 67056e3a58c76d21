import type { PortableTable } from '@plinth/core'
import { isTenantSchema } from '../isolation/tenant-schema.ts'
import type { Runner } from '../session/runner.ts'
import { identifier } from '../statements/quote.ts'

/** A table, where it lies and how its columns are cast. */
export interface PlacedTable extends PortableTable {
  /** Qualified, quoted. */
  readonly place: string
  /** Types without a length: `'too long'::varchar(3)` would cut without a word, an assignment refuses. */
  readonly casts: ReadonlyMap<string, string>
}

/*
 * Types are printed with their schema because the search path is empty then. What plinth_system may not read belongs to the host and
 * has nothing to do with tenants of ours, whatever its columns are called.
 */
const tablesText = `
select n.nspname::text as "schema", c.relname::text as "name",
  (select coalesce(json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
      'cast', format_type(a.atttypid, -1), 'notNull', a.attnotnull, 'identity', a.attidentity <> '',
      'hasDefault', a.atthasdef or a.attidentity <> '') order by a.attname collate "C"), '[]')
    from pg_attribute a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and a.attname <> 'tenant_id')::text as "columns",
  (select coalesce(json_agg(a.attname order by k.place), '[]')
    from (select i.indkey from pg_index i
      where i.indrelid = c.oid and i.indisunique and i.indpred is null and i.indexprs is null and i.indisvalid
      order by i.indisprimary desc, (select x.relname from pg_class x where x.oid = i.indexrelid) limit 1) u
    cross join lateral unnest(u.indkey::int2[]) with ordinality k(attnum, place)
    join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
    where a.attname <> 'tenant_id')::text as "key",
  (select coalesce(json_agg(json_build_object('schema', fn.nspname, 'name', f.relname, 'columns', (
      select json_agg(a.attname order by k.place) from unnest(r.conkey) with ordinality k(attnum, place)
      join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum where a.attname <> 'tenant_id')) order by r.conname), '[]')
    from pg_constraint r join pg_class f on f.oid = r.confrelid join pg_namespace fn on fn.oid = f.relnamespace
    where r.conrelid = c.oid and r.contype = 'f' and r.conparentid = 0)::text as "refs"
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and not c.relispartition
  and (n.nspname = $1::text or n.nspname !~ '^(pg_|information_schema$|tenant_[0-9a-f]{32}$)')
  and exists (select from pg_attribute a
    where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped and a.atttypid = 'uuid'::regtype)
  and has_schema_privilege(n.oid, 'usage') and has_any_column_privilege(c.oid, 'select')`

interface LiveColumn {
  readonly name: string
  readonly type: string
  readonly cast: string
  readonly notNull: boolean
  readonly identity: boolean
  readonly hasDefault: boolean
}

interface LiveReference {
  readonly schema: string
  readonly name: string
  readonly columns: readonly string[] | null
}

/**
 * The tables that hold rows of tenants, as this transaction finds them.
 * @param schema of the tenant, where each has one; what lies there goes before a table of the same name in `public`
 */
export async function readTables(runner: Runner, schema: string | undefined): Promise<readonly PlacedTable[]> {
  const parameters = [schema ?? '']
  const rows = await runner.run({ text: tablesText, parameters, shape: 'fixed' }, 'other')
  const found = rows.map((row): PlacedTable => {
    const live = JSON.parse(String(row['columns'])) as readonly LiveColumn[]
    const references = JSON.parse(String(row['refs'])) as readonly LiveReference[]
    return {
      name: nameOf(String(row['schema']), String(row['name'])),
      place: `${identifier(String(row['schema']))}.${identifier(String(row['name']))}`,
      columns: live.map(({ name, type, notNull, hasDefault, identity }) => ({
        name,
        type,
        notNull,
        hasDefault,
        identity,
      })),
      casts: new Map(live.map(({ name, cast }) => [name, cast])),
      key: JSON.parse(String(row['key'])) as readonly string[],
      // A reference by the tenant alone points at the tenant's row.
      references: references
        .filter(({ columns }) => columns !== null)
        .map((each) => ({ table: nameOf(each.schema, each.name), columns: each.columns! })),
    }
  })
  const own = new Set(
    found
      .filter(({ place }) => schema !== undefined && place.startsWith(`${identifier(schema)}.`))
      .map(({ name }) => name),
  )
  return found
    .filter(({ name, place }) => !own.has(name) || place.startsWith(`${identifier(schema!)}.`))
    .sort((left, right) => (left.name < right.name ? -1 : left.name > right.name ? 1 : 0))
}

/** What the product's tables are called does not depend on where they lie. */
function nameOf(schema: string, name: string): string {
  return schema === 'public' || isTenantSchema(schema) ? name : `${schema}.${name}`
}
