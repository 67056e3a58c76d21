import { statement, type Database, type FixedStatement, type RawRow, type StatementRunner } from '@plinth/core'
import type { ChainedEntry, ChainLink } from '../entry/chained-entry.ts'
import { storedTime } from '../entry/stored-time.ts'

/** Entries of one batch, and bytes of what they say, up to the entry that goes beyond. */
const BATCH = 1_000
/** With all of the last number, of which there is one; of thousands, enough to see that. */
const MOST_ROWS = 2_000
export const MOST_BYTES = 16_777_216
/** What `entryOf` reads. */
export const entryColumns = statement`
      seq, id, ${storedTime} as occurred_at, actor_kind, actor_id, on_behalf_of, action, target_type, target_id, outcome, request_id, repeated, changes, detail, origin, personal, hash, mac`
/** How many bytes the entries before one say, of those that are read. */
export const saidBefore = statement`
        sum(coalesce(octet_length(changes::text), 0) + coalesce(octet_length(detail::text), 0) + coalesce(octet_length(origin), 0)
        + coalesce(octet_length(personal), 0)) over (order by seq groups between unbounded preceding and 1 preceding) as said`
/** Batches that the database reads while this side computes. */
const AHEAD = 2
/** The lowest number there is, and the highest: whoever slips an entry in under a number below 1 is found as well. */
const FIRST = '-9223372036854775808'
const LAST = '9223372036854775807'

type Read = (system: StatementRunner, which: FixedStatement) => Promise<readonly RawRow[]>

/** A chain, a batch in each transaction. */
export async function* readChain(
  database: Pick<Database, 'system'>,
  tenantId: string,
): AsyncGenerator<readonly ChainedEntry[]> {
  const read: Read = (system, which) => readEntries(system, tenantId, which)
  for await (const rows of batches(database, read)) yield rows.map((row) => entryOf(tenantId, row))
}

/**
 * What is proven of each entry, and no more.
 * @param from a number to begin with; without it, all that there is
 */
export async function* readLinks(
  database: Pick<Database, 'system'>,
  tenantId: string,
  from?: number,
): AsyncGenerator<readonly ChainLink[]> {
  const read: Read = (system, which) => readContents(system, tenantId, which)
  for await (const rows of batches(database, read, from))
    yield rows.map(({ seq, content, hash, mac }): ChainLink => ({
      seq: Number(seq),
      content: String(content),
      hash: String(hash),
      mac: String(mac),
    }))
}

/**
 * Batches one behind the other. Where each begins is guessed from the one before, for a chain has no gaps; where the guess was wrong (a gap,
 * or so much to say that a batch ended early) it is read again from the right place.
 *
 * Whatever a reader can be shown is in one of them. Readers ask for no number at all, and so they see entries without one, where somebody
 * has taken NOT NULL away; and two with the same number, without the key of the table: a batch ends with all of one number.
 */
async function* batches(
  database: Pick<Database, 'system'>,
  read: Read,
  begin?: number,
): AsyncGenerator<readonly RawRow[]> {
  interface Reading {
    readonly from: string
    readonly rows: Promise<readonly RawRow[]>
  }
  const start = (from: string): Reading => {
    const rows = database.system((system) => read(system, statement`seq >= ${from}::bigint`))
    // Who stops in the middle leaves what is read ahead to nobody, and its error too.
    rows.catch(() => undefined)
    return { from, rows }
  }
  // And whoever begins in the middle sees what is below the first all the same. Each asked by itself: of both at once PostgreSQL reads the chain.
  const below = begin === undefined ? [statement`seq is null`] : [statement`seq is null`, statement`seq < 1`]
  for (const outside of below) {
    const rows = await database.system((system) => read(system, outside))
    if (rows.length > 0) yield rows
  }
  let from = begin === undefined ? FIRST : String(begin)
  let guessed = begin ?? 1
  let ahead = 0
  let running: Reading[] = []
  for (;;) {
    const [next] = running
    if (next?.from !== from) running = [start(from)]
    while (running.length <= ahead) running.push(start(String((guessed += BATCH))))
    const rows = await running.shift()!.rows
    const last = rows.at(-1)
    if (!last) return
    yield rows
    // Others want to be served while a long chain is read.
    await new Promise((resolve) => setImmediate(resolve))
    if (String(last['seq']) === LAST) return
    from = String(BigInt(String(last['seq'])) + 1n)
    if (from !== running[0]?.from) guessed = Number(from)
    // Where little is left, nothing is asked for ahead: each takes a connection.
    ahead = rows.length < BATCH ? 0 : AHEAD
  }
}

function readEntries(runner: StatementRunner, tenantId: string, which: FixedStatement): Promise<readonly RawRow[]> {
  return runner.run(statement`
    select ${entryColumns}
    from (
      select *, ${saidBefore}
      from plinth.audit_logs where tenant_id = ${tenantId}::uuid and ${which}
      order by seq fetch first (${BATCH}::int) rows with ties) l
    where said is null or said < ${MOST_BYTES}::int order by seq limit ${MOST_ROWS}::int`)
}

/** A uuid has 36 characters. Each text is made once, and measured as it is. */
function readContents(runner: StatementRunner, tenantId: string, which: FixedStatement): Promise<readonly RawRow[]> {
  return runner.run(statement`
    select seq, hash, mac, content from (
      select seq, hash, mac, content, sum(octet_length(content)) over (order by seq groups between unbounded preceding and 1 preceding) as said
      from (
        select seq, hash, mac, concat(octet_length(seq::text), ':', seq, '36:', id, octet_length(time), ':', time,
          octet_length(actor_kind), ':', actor_kind,
          octet_length(actor_id), ':', actor_id, octet_length(on_behalf_of), ':', on_behalf_of, octet_length(action), ':', action,
          octet_length(target_type), ':', target_type, octet_length(target_id), ':', target_id, octet_length(outcome), ':', outcome,
          octet_length(request_id), ':', request_id, octet_length(repeated::text), ':', repeated,
          octet_length(changes::text), ':', changes, octet_length(detail::text), ':', detail, octet_length(origin), ':', origin,
          octet_length(personal), ':', personal) as content
        from (
          select *, ${storedTime} as time
          from plinth.audit_logs where tenant_id = ${tenantId}::uuid and ${which}
          order by seq fetch first (${BATCH}::int) rows with ties) t) c) l
    where said is null or said < ${MOST_BYTES}::int order by seq limit ${MOST_ROWS}::int`)
}

/** In the place of a NULL that the table does not take: no text of PostgreSQL holds this character, so nothing else is printed so. */
const NOTHING = '\0'

/** A stored entry, its texts as they are stored. */
export function entryOf(tenantId: string, row: RawRow): ChainedEntry {
  const text = (name: string): string => (row[name] === null ? NOTHING : String(row[name]))
  const optional = (value: RawRow[string] | undefined): string | null =>
    value === null || value === undefined ? null : String(value)
  return {
    tenantId,
    seq: Number(row['seq']),
    id: text('id'),
    occurredAt: text('occurred_at'),
    actorKind: text('actor_kind'),
    actorId: text('actor_id'),
    onBehalfOf: optional(row['on_behalf_of']),
    action: text('action'),
    targetType: text('target_type'),
    targetId: optional(row['target_id']),
    outcome: text('outcome'),
    requestId: text('request_id'),
    repeated: Number(row['repeated']),
    changes: optional(row['changes']),
    detail: optional(row['detail']),
    origin: optional(row['origin']),
    personal: optional(row['personal']),
    hash: text('hash'),
    mac: text('mac'),
  }
}

/** The last entry of a chain; undefined where there is none. */
export async function headOf(
  runner: StatementRunner,
  tenantId: string,
): Promise<{ readonly seq: number; readonly hash: string } | undefined> {
  const [row] = await runner.run(statement`
    select seq, hash from plinth.audit_logs where tenant_id = ${tenantId}::uuid and seq > 0 order by seq desc limit 1`)
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
