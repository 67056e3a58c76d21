import { statement, type StatementRunner } from '@plinth/core'
import type { Asker } from './seal-job.ts'

/** Rows of one statement. Each may have an input of 256 KiB. */
const MOST_ROWS = 200

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
  readonly runAt: Date
  readonly idempotencyKey: string | null
  readonly asker: Asker
  readonly requestId: string
  readonly traceparent: string | null
  readonly seal: string
}

interface Waiting {
  readonly row: NewJobRow
  readonly resolve: (made: boolean) => void
  readonly reject: (error: unknown) => void
}

/** What was asked for while a statement of its transaction runs. */
const waiting = new WeakMap<StatementRunner, Waiting[]>()

/**
 * Writes the row; false where its idempotency key is taken. The first goes at once, and whatever is asked for before it is written goes with
 * the next: one by one, ten thousand wait for the server ten thousand times (2,900 a second).
 */
export function insertJob(transaction: StatementRunner, row: NewJobRow): Promise<boolean> {
  const line = waiting.get(transaction)
  if (line) return new Promise((resolve, reject) => void line.push({ row, resolve, reject }))
  waiting.set(transaction, [])
  return insertOne(transaction, row).finally(() => void writeWaiting(transaction))
}

/** Never rejects: each is told what became of its own. */
async function writeWaiting(transaction: StatementRunner): Promise<void> {
  for (let line = waiting.get(transaction) ?? []; line.length > 0;) {
    const some = line.splice(0, MOST_ROWS)
    try {
      const made = await insertMany(
        transaction,
        some.map(({ row }) => row),
      )
      for (const { row, resolve } of some) resolve(made.has(row.id))
    } catch (error) {
      for (const { reject } of some) reject(error)
    }
  }
  waiting.delete(transaction)
}

async function insertOne(transaction: StatementRunner, row: NewJobRow): Promise<boolean> {
  const { asker } = row
  const [made] = await transaction.run(statement`
    insert into plinth.background_jobs (tenant_id, id, owner_user_id, created_at, updated_at, type, payload, key, priority,
      status, max_attempts, run_at, idempotency_key, principal_kind, principal_id, second_factor, request_id, traceparent, seal)
    values (${row.tenantId}::uuid, ${row.id}::uuid, ${asker.userId}::uuid, ${row.createdAt}::text::timestamptz,
      ${row.createdAt}::text::timestamptz, ${row.type}::text, ${row.payload}::text::jsonb, ${row.key}::text, ${row.priority}::int,
      ${statusOf(row)}::text, ${row.attempts}::int, ${row.runAt}::text::timestamptz, ${row.idempotencyKey}::text,
      ${asker.principalKind}::text, ${asker.principalId}::text, ${asker.secondFactor}::boolean, ${row.requestId}::text,
      ${row.traceparent}::text, ${row.seal}::text)
    on conflict (tenant_id, type, idempotency_key) where idempotency_key is not null do nothing
    returning id`)
  return made !== undefined
}

/** In the order given. Ids of those that were made. */
async function insertMany(transaction: StatementRunner, rows: readonly NewJobRow[]): Promise<ReadonlySet<string>> {
  const texts = rows.map(({ asker, ...row }) => JSON.stringify({ ...row, ...asker, status: statusOf(row) }))
  const made = await transaction.run(statement`
    insert into plinth.background_jobs (tenant_id, id, owner_user_id, created_at, updated_at, type, payload, key, priority,
      status, max_attempts, run_at, idempotency_key, principal_kind, principal_id, second_factor, request_id, traceparent, seal)
    select r."tenantId", r.id, r."userId", r."createdAt", r."createdAt", r.type, r.payload::jsonb, r.key, r.priority,
      r.status, r.attempts, r."runAt", r."idempotencyKey", r."principalKind", r."principalId", r."secondFactor", r."requestId",
      r.traceparent, r.seal
    from unnest(${texts}::text::jsonb[]) with ordinality t(v, place)
    cross join lateral jsonb_to_record(t.v) r("tenantId" uuid, id uuid, "userId" uuid, "createdAt" timestamptz, type text, payload text,
      key text, priority int, status text, attempts int, "runAt" timestamptz, "idempotencyKey" text, "principalKind" text,
      "principalId" text, "secondFactor" boolean, "requestId" text, traceparent text, seal text)
    order by t.place
    on conflict (tenant_id, type, idempotency_key) where idempotency_key is not null do nothing
    returning id`)
  return new Set(made.map(({ id }) => String(id)))
}

function statusOf({ runAt, createdAt }: Pick<NewJobRow, 'runAt' | 'createdAt'>): string {
  return runAt > createdAt ? 'scheduled' : 'waiting'
}
