import { statement, type Database, type RawRow, type StatementRunner } from '@plinth/core'
import type { ChainedEntry } from '../entry/chained-entry.ts'

const BATCH = 5_000
/** Before the first: whoever slips an entry in under a number below 1 is found as well. */
const FIRST = '-9223372036854775808'

/** A chain from its beginning, or from behind an entry, a batch in each transaction. */
export async function* readChain(
  database: Pick<Database, 'system'>,
  tenantId: string,
  after?: number,
): AsyncGenerator<readonly ChainedEntry[]> {
  const read = (from: string): Promise<readonly RawRow[]> =>
    database.system((system) => readBatch(system, tenantId, from))
  let next = read(after === undefined ? FIRST : String(after))
  for (;;) {
    const rows = await next
    const more = rows.length === BATCH
    // The database reads while this side computes. Who stops in the middle leaves a batch to nobody, and its error too.
    if (more) (next = read(String(rows.at(-1)!['seq']))).catch(() => undefined)
    if (rows.length > 0) yield rows.map((row) => entryOf(tenantId, row))
    if (!more) return
  }
}

function readBatch(runner: StatementRunner, tenantId: string, after: string): Promise<readonly RawRow[]> {
  return runner.run(statement`
    select seq, id, to_char(occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as occurred_at, actor_kind, actor_id,
      on_behalf_of, action, target_type, target_id, outcome, request_id, repeated, changes, detail, origin, personal, hash, mac
    from plinth.audit_logs where tenant_id = ${tenantId}::uuid and seq > ${after}::bigint order by seq limit ${BATCH}::int`)
}

/** A stored entry, its texts as they are stored. */
export function entryOf(tenantId: string, row: RawRow): ChainedEntry {
  const optional = (value: RawRow[string] | undefined): string | null =>
    value === null || value === undefined ? null : String(value)
  return {
    tenantId,
    seq: Number(row['seq']),
    id: String(row['id']),
    occurredAt: String(row['occurred_at']),
    actorKind: String(row['actor_kind']),
    actorId: String(row['actor_id']),
    onBehalfOf: optional(row['on_behalf_of']),
    action: String(row['action']),
    targetType: String(row['target_type']),
    targetId: optional(row['target_id']),
    outcome: String(row['outcome']),
    requestId: String(row['request_id']),
    repeated: Number(row['repeated']),
    changes: optional(row['changes']),
    detail: optional(row['detail']),
    origin: optional(row['origin']),
    personal: optional(row['personal']),
    hash: String(row['hash']),
    mac: String(row['mac']),
  }
}

/** The last entry of a chain; undefined where there is none. */
export async function headOf(
  runner: StatementRunner,
  tenantId: string,
): Promise<{ readonly seq: number; readonly hash: string } | undefined> {
  const [row] = await runner.run(statement`
    select seq, hash from plinth.audit_logs where tenant_id = ${tenantId}::uuid order by seq desc limit 1`)
  return row && { seq: Number(row['seq']), hash: String(row['hash']) }
}

/** Every chain that there is. */
export async function chainsOf(database: Pick<Database, 'system'>): Promise<readonly string[]> {
  const rows = await database.system((system) =>
    system.run(statement`
      with recursive t as (
        (select tenant_id from plinth.audit_logs order by tenant_id limit 1)
        union all
        select f.tenant_id from t cross join lateral (
          select l.tenant_id from plinth.audit_logs l where l.tenant_id > t.tenant_id order by l.tenant_id limit 1) f)
      select tenant_id from t`),
  )
  return rows.map((row) => String(row['tenant_id']))
}
