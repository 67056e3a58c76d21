import type { Connection, Driver } from '@plinth/postgres/driver'

/** A table whose rows belong to tenants: every ordinary or partitioned one with a column `tenant_id`. */
export interface TenantTable {
  readonly schema: string
  readonly name: string
  /** `"plinth"."events"`. */
  readonly sql: string
  /** Its columns as a list of SQL, without those that the database computes: nobody may write these. */
  readonly columns: string
}

/** Read from the live catalog and not from the declaration: a forgotten side table is what a leak looks like. */
export async function tenantTables(superuser: Connection): Promise<readonly TenantTable[]> {
  const rows = await superuser.query(
    `select n.nspname::text as schema, c.relname::text as name,
       (select string_agg(quote_ident(o.attname), ', ' order by o.attnum) from pg_attribute o
        where o.attrelid = c.oid and o.attnum > 0 and not o.attisdropped and o.attgenerated = '') as columns
     from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
     where c.relkind in ('r', 'p') and not c.relispartition and a.attname = 'tenant_id' and not a.attisdropped
       and n.nspname not in ('pg_catalog', 'information_schema') order by 1, 2`,
  )
  return rows.map((row) => {
    const [schema, name] = [String(row['schema']), String(row['name'])]
    return { schema, name, sql: `"${schema}"."${name}"`, columns: String(row['columns']) }
  })
}

/**
 * The rows of one tenant, as the superuser sees them: table → JSON text of each row, sorted. As `json`: what is put back is to the letter what it was,
 * or the log of the tenant would not verify any more.
 */
export type TenantSnapshot = ReadonlyMap<string, readonly string[]>

export async function takeSnapshot(
  superuser: Connection,
  tables: readonly TenantTable[],
  tenantId: string,
): Promise<TenantSnapshot> {
  const parts = tables.map(
    (table) =>
      `select '${table.sql}' as source, to_json(t)::text as content from ${table.sql} t where t.tenant_id = $1::uuid`,
  )
  const rows = await superuser.query(`${parts.join(' union all ')} order by 1, 2`, [tenantId], { prepare: true })
  const found = new Map<string, string[]>(tables.map((table) => [table.sql, []]))
  for (const row of rows) found.get(String(row['source']))!.push(String(row['content']))
  return found
}

/** For one table: a text that changes whenever a row of that tenant is written, and how many rows belong to nobody known. */
export interface TableTrace {
  readonly writes: readonly string[]
  readonly strangers: number
}

/**
 * Whether anything was written, without reading it: the number of rows and the sum of the transactions that wrote them. An
 * update that changes nothing counts as written; what is different is for the snapshot to say. (Over 13 tables 2 ms, where
 * hashing the rows took 10.)
 */
export async function traceTables(
  superuser: Connection,
  tables: readonly TenantTable[],
  tenantIds: readonly string[],
): Promise<ReadonlyMap<string, TableTrace>> {
  const known = tenantIds.map((_, at) => `$${at + 1}::uuid`)
  // What belongs to no tenant is in a chain of the platform's own.
  const ours = [...known, `'00000000-0000-0000-0000-000000000000'`]
  const parts = tables.map((table) => {
    const writes = known.map(
      (id, at) =>
        `count(*) filter (where tenant_id = ${id}) || ' ' || coalesce(sum(xmin::text::int8) filter (where tenant_id = ${id}), 0) as writes${at}`,
    )
    return `select '${table.sql}' as source, ${writes.join(', ')}, count(*) filter (where tenant_id not in (${ours.join(', ')}))::int as strangers from ${table.sql}`
  })
  const rows = await superuser.query(parts.join(' union all '), tenantIds, { prepare: true })
  return new Map(
    rows.map((row) => [
      String(row['source']),
      { writes: tenantIds.map((_, at) => String(row[`writes${at}`])), strangers: Number(row['strangers']) },
    ]),
  )
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
export async function restoreSnapshot(
  superuser: Driver,
  tables: readonly TenantTable[],
  tenantId: string,
  snapshot: TenantSnapshot,
): Promise<void> {
  await superuser.transaction(async (connection) => {
    // Sent behind each other; the server runs them in this order.
    const sent = [connection.query('set local session_replication_role = replica')]
    for (const table of tables) {
      sent.push(connection.query(`delete from ${table.sql} where tenant_id = $1::uuid`, [tenantId], { prepare: true }))
      const rows = snapshot.get(table.sql) ?? []
      if (rows.length === 0) continue
      const text = `insert into ${table.sql} (${table.columns}) overriding system value select ${table.columns} from json_populate_recordset(null::${table.sql}, $1::text::json)`
      sent.push(connection.query(text, [`[${rows.join(',')}]`], { prepare: true }))
    }
    await Promise.all(sent)
  })
}
