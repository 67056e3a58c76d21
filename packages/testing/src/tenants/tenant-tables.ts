import type { Connection, Driver } from '@plinth/postgres/driver'

/** A table whose rows belong to tenants: every ordinary or partitioned one with a column `tenant_id`. */
export interface TenantTable {
  readonly schema: string
  readonly name: string
  /** `"plinth"."events"`. */
  readonly sql: string
}

/** Read from the live catalog and not from the declaration: a forgotten side table is what a leak looks like. */
export async function tenantTables(superuser: Connection): Promise<readonly TenantTable[]> {
  const rows = await superuser.query(
    `select n.nspname::text as schema, c.relname::text as name
     from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
     where c.relkind in ('r', 'p') and not c.relispartition and a.attname = 'tenant_id' and not a.attisdropped
       and n.nspname not in ('pg_catalog', 'information_schema') order by 1, 2`,
  )
  return rows.map((row) => {
    const [schema, name] = [String(row['schema']), String(row['name'])]
    return { schema, name, sql: `"${schema}"."${name}"` }
  })
}

/** The rows of one tenant, as the superuser sees them: table → JSON text of each row, sorted. */
export type TenantSnapshot = ReadonlyMap<string, readonly string[]>

export async function takeSnapshot(superuser: Connection, tables: readonly TenantTable[], tenantId: string): Promise<TenantSnapshot> {
  const parts = tables.map((table) => `select '${table.sql}' as source, to_jsonb(t)::text as content from ${table.sql} t where t.tenant_id = $1::uuid`)
  const rows = await superuser.query(`${parts.join(' union all ')} order by 1, 2`, [tenantId], { prepare: true })
  const found = new Map<string, string[]>(tables.map((table) => [table.sql, []]))
  for (const row of rows) found.get(String(row['source']))!.push(String(row['content']))
  return found
}

/** A short text for the rows of each table of each tenant: cheap enough to compare after every request that writes. */
export async function tableDigests(
  superuser: Connection, tables: readonly TenantTable[], tenantIds: readonly string[],
): Promise<readonly ReadonlyMap<string, string>[]> {
  const parts = tenantIds.flatMap((_, at) => tables.map((table) => `select ${at} as tenant, '${table.sql}' as source,
    (select count(*)::text || ' ' || coalesce(md5(string_agg(to_jsonb(t)::text, e'\\n' order by to_jsonb(t)::text collate "C")), '')
     from ${table.sql} t where t.tenant_id = $${at + 1}::uuid) as digest`))
  const rows = await superuser.query(parts.join(' union all '), tenantIds, { prepare: true })
  const digests = tenantIds.map(() => new Map<string, string>())
  for (const row of rows) digests[Number(row['tenant'])]!.set(String(row['source']), String(row['digest']))
  return digests
}

/** What differs between two snapshots, in words; empty when nothing does. */
export function snapshotDifferences(before: TenantSnapshot, after: TenantSnapshot): readonly string[] {
  const words: string[] = []
  for (const [table, rows] of before) {
    const now = new Set(after.get(table) ?? [])
    const then = new Set(rows)
    for (const row of rows) if (!now.has(row)) words.push(`${table}: gone or changed: ${row.slice(0, 300)}`)
    for (const row of now) if (!then.has(row)) words.push(`${table}: new or changed: ${row.slice(0, 300)}`)
  }
  return words
}

/** Puts the rows of a tenant back as they were. Triggers stay off, so the order of the tables means nothing. */
export async function restoreSnapshot(superuser: Driver, tables: readonly TenantTable[], tenantId: string, snapshot: TenantSnapshot): Promise<void> {
  await superuser.transaction(async (connection) => {
    await connection.query('set local session_replication_role = replica')
    for (const table of tables) {
      await connection.query(`delete from ${table.sql} where tenant_id = $1::uuid`, [tenantId])
      const rows = snapshot.get(table.sql) ?? []
      if (rows.length === 0) continue
      await connection.query(
        `insert into ${table.sql} overriding system value select * from jsonb_populate_recordset(null::${table.sql}, $1::text::jsonb)`,
        [`[${rows.join(',')}]`],
      )
    }
  })
}
