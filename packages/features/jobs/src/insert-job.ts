import { statement, type RawRow, type StatementRunner } from '@plinth/core'
import type { Asker } from './seal-job.ts'

/** Rows of one statement, and characters of their inputs in all: one input may have 256 KiB. */
const MOST_ROWS = 200
const MOST_LENGTH = 1_048_576

export interface NewJobRow {
  readonly tenantId: string
  readonly id: string
  readonly type: string
  /** As JSON. */
  readonly payload: string
  readonly key: string | null
  readonly priority: number
  readonly attempts: number
  readonly createdAt: Date
  /** Not before; null for {@link delay}. */
  readonly at: Date | null
  /** Seconds. */
  readonly delay: number
  /** What time it is; null for the clock of the server: another process, whose clock is another one, says when it is due. */
  readonly now: Date | null
  readonly idempotencyKey: string | null
  readonly asker: Asker
  readonly requestId: string
  readonly traceparent: string | null
  readonly seal: string
  readonly inputSeal: string
}

interface Waiting {
  readonly row: NewJobRow
  readonly resolve: (made: boolean) => void
  readonly reject: (error: unknown) => void
}

/** What is asked for in this turn of the loop. */
const waiting = new WeakMap<StatementRunner, Waiting[]>()

/**
 * Writes the row; false where its idempotency key is taken. What is asked for at once goes together: one by one, ten thousand wait for the
 * server ten thousand times (2,900 a second). It is sent at the end of the turn, before whoever asked can go on.
 */
export function insertJob(transaction: StatementRunner, row: NewJobRow): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const line = waiting.get(transaction)
    if (line) line.push({ row, resolve, reject })
    else {
      waiting.set(transaction, [{ row, resolve, reject }])
      queueMicrotask(() => sendAll(transaction))
    }
  })
}

function sendAll(transaction: StatementRunner): void {
  const all = waiting.get(transaction) ?? []
  waiting.delete(transaction)
  let batch: Waiting[] = []
  let length = 0
  for (const one of all) {
    length += one.row.payload.length
    if (batch.length > 0 && (batch.length === MOST_ROWS || length > MOST_LENGTH)) {
      void send(transaction, batch)
      batch = []
      length = one.row.payload.length
    }
    batch.push(one)
  }
  void send(transaction, batch)
}

/** Never rejects: each is told what became of its own. */
async function send(transaction: StatementRunner, batch: readonly Waiting[]): Promise<void> {
  const rows = batch.map(({ row }) => row)
  try {
    const made = await (rows.length === 1 ? insertOne(transaction, rows[0]!) : insertMany(transaction, rows))
    for (const { row, resolve } of batch) resolve(made.has(row.id))
  } catch (error) {
    for (const { reject } of batch) reject(error)
  }
}

async function insertOne(transaction: StatementRunner, row: NewJobRow): Promise<ReadonlySet<string>> {
  const { asker } = row
  const made = await transaction.run(statement`
    insert into plinth.background_jobs (tenant_id, id, owner_user_id, created_at, updated_at, type, payload, key, priority,
      status, max_attempts, run_at, idempotency_key, principal_kind, principal_id, second_factor, request_id, traceparent, seal, input_seal)
    select ${row.tenantId}::uuid, ${row.id}::uuid, ${asker.userId}::uuid, ${row.createdAt}::text::timestamptz,
      ${row.createdAt}::text::timestamptz, ${row.type}::text, ${row.payload}::text::jsonb, ${row.key}::text, ${row.priority}::int,
      case when run_at > now then 'scheduled' else 'waiting' end, ${row.attempts}::int, run_at, ${row.idempotencyKey}::text,
      ${asker.principalKind}::text, ${asker.principalId}::text, ${asker.secondFactor}::boolean, ${row.requestId}::text,
      ${row.traceparent}::text, ${row.seal}::text, ${row.inputSeal}::text
    from (select coalesce(${row.now}::text::timestamptz, statement_timestamp()) as now) clock
    cross join lateral (
      select coalesce(${row.at}::text::timestamptz, now + make_interval(secs => ${row.delay}::text::double precision)) as run_at) due
    on conflict (tenant_id, type, idempotency_key) where idempotency_key is not null do nothing
    returning id`)
  return idsOf(made)
}

/** In the order given. Ids of those that were made. */
async function insertMany(transaction: StatementRunner, rows: readonly NewJobRow[]): Promise<ReadonlySet<string>> {
  const facts = rows.map((row) => JSON.stringify({ ...row, ...row.asker, payload: undefined, asker: undefined }))
  const made = await transaction.run(statement`
    insert into plinth.background_jobs (tenant_id, id, owner_user_id, created_at, updated_at, type, payload, key, priority,
      status, max_attempts, run_at, idempotency_key, principal_kind, principal_id, second_factor, request_id, traceparent, seal, input_seal)
    select r."tenantId", r.id, r."userId", r."createdAt", r."createdAt", r.type, t.payload::jsonb, r.key, r.priority,
      case when d.run_at > c.now then 'scheduled' else 'waiting' end, r.attempts, d.run_at, r."idempotencyKey", r."principalKind", r."principalId", r."secondFactor", r."requestId",
      r.traceparent, r.seal, r."inputSeal"
    from unnest(${facts}::text::jsonb[], ${rows.map(({ payload }) => payload)}::text::text[])
      with ordinality t(facts, payload, place)
    cross join lateral jsonb_to_record(t.facts) r("tenantId" uuid, id uuid, "userId" uuid, "createdAt" timestamptz, type text,
      key text, priority int, attempts int, at timestamptz, delay float8, now timestamptz, "idempotencyKey" text, "principalKind" text,
      "principalId" text, "secondFactor" boolean, "requestId" text, traceparent text, seal text, "inputSeal" text)
    cross join lateral (select coalesce(r.now, statement_timestamp()) as now) c
    cross join lateral (select coalesce(r.at, c.now + make_interval(secs => r.delay)) as run_at) d
    order by t.place
    on conflict (tenant_id, type, idempotency_key) where idempotency_key is not null do nothing
    returning id`)
  return idsOf(made)
}

function idsOf(rows: readonly RawRow[]): ReadonlySet<string> {
  return new Set(rows.map(({ id }) => String(id)))
}
