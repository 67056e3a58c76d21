import { statement, type Database, type RawRow, type RememberedPrincipal } from '@plinth/core'
import { columnsOf, type Delivery } from '../queue/deliveries.ts'

/** A job that this worker has, until its lease ends. */
export interface Claimed extends Delivery {
  readonly type: string
  readonly key: string | null
  readonly payload: string
  readonly attempt: number
  readonly attempts: number
  readonly requestId: string
  readonly traceparent: string | null
  readonly seal: string
  readonly asker: RememberedPrincipal
}

/**
 * Takes over what the queue gave out or the mover chose, in one statement: what was cancelled, done or handed over again meanwhile is not
 * among it. The attempt is counted here and is kept, whatever becomes of the process.
 */
export async function claim(
  database: Database,
  deliveries: readonly Delivery[],
  { worker, leaseMs }: { readonly worker: string; readonly leaseMs: number },
): Promise<readonly Claimed[]> {
  const { delivery, tenantId, id } = columnsOf(deliveries)
  const rows = await database.systemStatement(statement`
      update plinth.background_jobs j
      set status = 'running', attempts = j.attempts + 1, started_at = clock_timestamp(), worker = ${worker}::text,
        lease_until = clock_timestamp() + make_interval(secs => ${leaseMs / 1_000}::text::double precision),
        queued_at = coalesce(j.queued_at, clock_timestamp()), error = null, progress = null, note = null
      from unnest(${tenantId}::text::uuid[], ${id}::text::uuid[], ${delivery}::text::uuid[]) t(tenant_id, id, delivery)
      where j.tenant_id = t.tenant_id and j.id = t.id and j.delivery = t.delivery
        and coalesce(j.status, '') in ('waiting', 'queued')
      returning j.tenant_id, j.id, j.type, j.key, j.payload, j.attempts, j.max_attempts, j.request_id, j.traceparent, j.seal, j.delivery,
        j.principal_kind, j.principal_id, j.owner_user_id, j.second_factor, j.created_at`)
  // As they were given: PostgreSQL tells of rows in the order in which it found them.
  const claimed = new Map(rows.map(claimedOf).map((one) => [one.delivery, one]))
  return deliveries.flatMap((one) => claimed.get(one.delivery) ?? [])
}

function claimedOf(row: RawRow): Claimed {
  const text = (name: string): string => String(row[name])
  return {
    tenantId: text('tenant_id'),
    id: text('id'),
    type: text('type'),
    key: row['key'] === null ? null : text('key'),
    payload: text('payload'),
    attempt: Number(row['attempts']),
    attempts: Number(row['max_attempts']),
    requestId: text('request_id'),
    traceparent: row['traceparent'] === null ? null : text('traceparent'),
    seal: text('seal'),
    delivery: text('delivery'),
    asker: {
      kind: text('principal_kind') as RememberedPrincipal['kind'],
      id: text('principal_id'),
      userId: row['owner_user_id'] === null ? null : text('owner_user_id'),
      secondFactor: row['second_factor'] === true,
      at: new Date(text('created_at')),
    },
  }
}

export interface Said extends Delivery {
  readonly progress: number | null
  readonly note: string | null
}

/**
 * Says that these are still at work, and how far. What comes back is still this worker's; the others were cancelled, or given to
 * somebody else.
 */
export async function renew(database: Database, said: readonly Said[], leaseMs: number): Promise<ReadonlySet<string>> {
  const { delivery, tenantId, id } = columnsOf(said)
  const texts = said.map(({ progress, note }) => JSON.stringify([progress, note]))
  const rows = await database.systemStatement(statement`
      with said as (
        select s.tenant_id, s.id, s.delivery, (s.v->>0)::real as progress, s.v->>1 as note
        from unnest(${tenantId}::text::uuid[], ${id}::text::uuid[], ${delivery}::text::uuid[], ${texts}::text::jsonb[])
          s(tenant_id, id, delivery, v)
      )
      update plinth.background_jobs j
      set lease_until = clock_timestamp() + make_interval(secs => ${leaseMs / 1_000}::text::double precision),
        progress = coalesce(said.progress, j.progress), note = coalesce(said.note, j.note)
      from said
      where j.tenant_id = said.tenant_id and j.id = said.id and j.delivery = said.delivery
        and coalesce(j.status, '') = 'running' returning j.delivery`)
  return new Set(rows.map((row) => String(row['delivery'])))
}
