import type { ResourceInfo } from '@plinth/core'
import type { Driver } from '@plinth/postgres/driver'

/** What the database asks of rows beyond the declaration: tables of the platform have constraints of their own. */
export interface StoredShape {
  /** Whether an id is one row's in all tenants together, so that no other tenant can have a row with the same one. */
  readonly ownKey: (resource: ResourceInfo) => boolean
  readonly notNull: (resource: ResourceInfo, column: string) => boolean
}

export async function storedShape(superuser: Driver): Promise<StoredShape> {
  const rows = await superuser.query(
    `select c.relname::text as name,
       exists (select from pg_index i join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
         where i.indrelid = c.oid and i.indisunique and i.indnkeyatts = 1 and a.attname = 'id') as alone,
       (select string_agg(a.attname::text, ' ') from pg_attribute a where a.attrelid = c.oid and a.attnotnull and a.attnum > 0) as filled
     from pg_class c where c.relnamespace = 'plinth'::regnamespace and c.relkind = 'r'`,
  )
  const shapes = new Map(
    rows.map((row) => [
      String(row['name']),
      { ownKey: row['alone'] === true, filled: new Set(String(row['filled']).split(' ')) },
    ]),
  )
  const of = (resource: ResourceInfo): { ownKey: boolean; filled: ReadonlySet<string> } | undefined =>
    resource.origin === 'platform' ? shapes.get(resource.sqlName) : undefined
  return {
    ownKey: (resource) => of(resource)?.ownKey ?? false,
    notNull: (resource, column) => of(resource)?.filled.has(column) ?? false,
  }
}
