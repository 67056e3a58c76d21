import { statement, type Database, type RawRow, type RememberedPrincipal } from '@plinth/core'

/** A job that this worker has, until its lease ends. */
export interface Claimed {
  readonly tenantId: string
  readonly id: string
  readonly type: string
  readonly key: string | null
  readonly payload: string
  readonly attempt: number
  readonly attempts: number
  readonly requestId: string
  readonly delivery: string
  readonly asker: RememberedPrincipal
}

/**
 * Takes over what the queue gave out, in one statement: what was cancelled, done or handed over again meanwhile is not among it. The
 * attempt is counted here and is kept, whatever becomes of the process.
 */
export async function claim(
  database: Database,
  deliveries: readonly string[],
  { worker, leaseMs }: { readonly worker: string; readonly leaseMs: number },
): Promise<readonly Claimed[]> {
  const rows = await database.system((system) =>
    system.run(statement`
      update plinth.background_jobs
      set status = 'running', attempts = attempts + 1, started_at = clock_timestamp(), worker = ${worker}::text,
        lease_until = clock_timestamp() + make_interval(secs => ${leaseMs / 1_000}::text::double precision),
        queued_at = coalesce(queued_at, clock_timestamp()), error = null, progress = null, note = null
      where delivery = any(${deliveries}::text::uuid[]) and status in ('waiting', 'queued')
      returning tenant_id, id, type, key, payload, attempts, max_attempts, request_id, delivery,
        principal_kind, principal_id, owner_user_id, second_factor, created_at`),
  )
  return rows.map(claimedOf)
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

export interface Said {
  readonly delivery: string
  readonly progress: number | null
  readonly note: string | null
}

/**
 * Says that these are still at work, and how far. What comes back is still this worker's; the others were cancelled, or given to
 * somebody else.
 */
export async function renew(database: Database, said: readonly Said[], leaseMs: number): Promise<ReadonlySet<string>> {
  const texts = said.map(({ delivery, progress, note }) => JSON.stringify([delivery, progress, note]))
  const rows = await database.system((system) =>
    system.run(statement`
      with said as (
        select (s.v->>0)::uuid as delivery, (s.v->>1)::real as progress, s.v->>2 as note
        from unnest(${texts}::text::jsonb[]) s(v)
      )
      update plinth.background_jobs j
      set lease_until = clock_timestamp() + make_interval(secs => ${leaseMs / 1_000}::text::double precision),
        progress = coalesce(said.progress, j.progress), note = coalesce(said.note, j.note)
      from said where j.delivery = said.delivery and j.status = 'running' returning j.delivery`),
  )
  return new Set(rows.map((row) => String(row['delivery'])))
}
