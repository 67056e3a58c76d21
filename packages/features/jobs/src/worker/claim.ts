import { statement, type Database, type Platform, type RawRow, type RememberedPrincipal } from '@plinth/core'
import { isGenuine } from '../seal-job.ts'
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
  /** Whether it is signed that it runs in this name, with this input. */
  readonly genuine: boolean
  readonly asker: RememberedPrincipal
}

/**
 * Takes over what the queue gave out or the mover chose, in one statement: what was cancelled, done or handed over again meanwhile is not
 * among it. The attempt is counted here and is kept, whatever becomes of the process.
 */
export async function claim(
  { database, secrets }: Pick<Platform, 'database' | 'secrets'>,
  deliveries: readonly Delivery[],
  { worker, leaseMs }: { readonly worker: string; readonly leaseMs: number },
): Promise<readonly Claimed[]> {
  const { delivery, tenantId, id } = columnsOf(deliveries)
  const rows = await database.systemStatement(statement`
      update plinth.background_jobs j
      set status = 'running', attempts = j.attempts + 1, started_at = clock_timestamp(), worker = ${worker}::text,
        lease_until = clock_timestamp() + make_interval(secs => ${leaseMs / 1_000}::text::double precision),
        queued_at = coalesce(j.queued_at, clock_timestamp()), error = null, progress = null, note = null,
        version = j.version + 1
      from unnest(${tenantId}::text::uuid[], ${id}::text::uuid[], ${delivery}::text::uuid[]) t(tenant_id, id, delivery)
      where j.tenant_id = t.tenant_id and j.id = t.id and j.delivery = t.delivery
        and coalesce(j.status, '') in ('waiting', 'queued')
      returning j.tenant_id, j.id, j.type, j.key, j.payload, j.attempts, j.max_attempts, j.request_id, j.traceparent, j.seal, j.input_seal, j.delivery,
        j.principal_kind, j.principal_id, j.owner_user_id, j.second_factor, j.created_at`)
  // As they were given: PostgreSQL tells of rows in the order in which it found them.
  // Signatures are looked at here, one after the other: between other work one took five times as long.
  const claimed = new Map(rows.map((row) => claimedOf(row, secrets)).map((one) => [one.delivery, one]))
  return deliveries.flatMap((one) => claimed.get(one.delivery) ?? [])
}

function claimedOf(row: RawRow, secrets: Platform['secrets']): Claimed {
  const text = (name: string): string => String(row[name])
  const asker: RememberedPrincipal = {
    kind: text('principal_kind') as RememberedPrincipal['kind'],
    id: text('principal_id'),
    userId: row['owner_user_id'] === null ? null : text('owner_user_id'),
    secondFactor: row['second_factor'] === true,
    at: new Date(text('created_at')),
  }
  const [tenantId, id, type, payload] = [text('tenant_id'), text('id'), text('type'), text('payload')]
  const key = row['key'] === null ? null : text('key')
  const { kind: principalKind, id: principalId, userId, secondFactor } = asker
  return {
    tenantId,
    id,
    type,
    asker,
    key,
    payload,
    attempt: Number(row['attempts']),
    attempts: Number(row['max_attempts']),
    requestId: text('request_id'),
    traceparent: row['traceparent'] === null ? null : text('traceparent'),
    genuine: isGenuine(
      { secrets },
      { tenantId, id, type, key, payload, createdAt: asker.at, principalKind, principalId, userId, secondFactor },
      { seal: text('seal'), inputSeal: row['input_seal'] === null ? null : text('input_seal') },
    ),
    delivery: text('delivery'),
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
        progress = coalesce(said.progress, j.progress), note = coalesce(said.note, j.note),
        version = j.version + (coalesce(said.progress, j.progress) is distinct from j.progress
          or coalesce(said.note, j.note) is distinct from j.note)::int
      from said
      where j.tenant_id = said.tenant_id and j.id = said.id and j.delivery = said.delivery
        and coalesce(j.status, '') = 'running' returning j.delivery`)
  return new Set(rows.map((row) => String(row['delivery'])))
}
