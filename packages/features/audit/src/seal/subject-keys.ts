import { statement, type Secrets, type StatementRunner } from '@plinth/core'
import { createSecretKey, randomBytes, randomUUID } from 'node:crypto'
import type { PartKey } from './part-key.ts'

/*
 * Keys are looked up one by one, by the first row from a place on in the order of an index. No other plan can be cheaper, whatever the
 * statistics say: as a condition on subjects, a tenant that they did not know yet was read as a whole by the key of the table, and
 * each row compared with each subject (40,000 entries of 200 tenants took minutes).
 */

const KEY_BYTES = 32

const contextOf = (tenantId: string, id: string): string => `audit_subject_keys|${tenantId}|${id}`

/**
 * The keys of these subjects in one tenant, made where there are none. Kept by nobody beyond the batch: a key that was shredded must
 * be gone from memory as well.
 * @param system a transaction that holds the tenant's chain, so that nobody makes the same key at once
 */
export async function keysOf(
  system: StatementRunner,
  secrets: Secrets,
  tenantId: string,
  subjects: readonly string[],
  now: Date,
): Promise<ReadonlyMap<string, PartKey>> {
  const keys = new Map<string, PartKey>()
  if (subjects.length === 0) return keys
  const known = await system.run(statement`
    select k.id, k.subject, k.sealed from unnest(${subjects}::text[]) w(subject) cross join lateral (
      select s.id, s.subject, s.sealed, s.tenant_id from plinth.audit_subject_keys s
      where (s.subject, s.tenant_id) >= (w.subject collate "C", ${tenantId}::uuid) order by s.subject, s.tenant_id limit 1) k
    where k.tenant_id = ${tenantId}::uuid and k.subject = w.subject collate "C"`)
  for (const row of known) keys.set(String(row['subject']), opened(secrets, tenantId, row))
  const missing = subjects.filter((subject) => !keys.has(subject))
  if (missing.length === 0) return keys
  const bytes = randomBytes(missing.length * KEY_BYTES)
  const made = missing.map((subject, at) => ({
    subject,
    id: randomUUID(),
    key: bytes.subarray(at * KEY_BYTES, (at + 1) * KEY_BYTES),
  }))
  const sealed = made.map(({ id, key }) => secrets.seal(key.toString('base64url'), contextOf(tenantId, id)))
  await system.run(statement`
    insert into plinth.audit_subject_keys (tenant_id, id, subject, sealed, created_at)
    select ${tenantId}::uuid, k.id, k.subject, k.sealed, ${now}::text::timestamptz
    from unnest(${made.map(({ id }) => id)}::text::uuid[], ${missing}::text::text[], ${sealed}::text::text[]) k(id, subject, sealed)`)
  for (const { subject, id, key } of made) keys.set(subject, { id, key: createSecretKey(key) })
  bytes.fill(0)
  return keys
}

/** The keys of these ids, as far as they are still there. */
export async function keysById(
  runner: StatementRunner,
  secrets: Secrets,
  tenantId: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, PartKey>> {
  if (ids.length === 0) return new Map()
  const rows = await runner.run(statement`
    select k.id, k.sealed from unnest(${ids}::uuid[]) w(id) cross join lateral (
      select s.id, s.sealed, s.tenant_id from plinth.audit_subject_keys s
      where (s.tenant_id, s.id) >= (${tenantId}::uuid, w.id) order by s.tenant_id, s.id limit 1) k
    where k.tenant_id = ${tenantId}::uuid and k.id = w.id`)
  return new Map(rows.map((row) => [String(row['id']), opened(secrets, tenantId, row)]))
}

function opened(secrets: Secrets, tenantId: string, row: Readonly<Record<string, unknown>>): PartKey {
  const id = String(row['id'])
  const key = secrets.open(String(row['sealed']), contextOf(tenantId, id))
  return { id, key: createSecretKey(key, 'base64url') }
}

const BATCH = 500

/** Seals every key anew under the first key of the ring. How many. */
export async function resealSubjectKeys(
  system: StatementRunner,
  secrets: Secrets,
  after: readonly [tenantId: string, id: string],
): Promise<{ readonly count: number; readonly last: readonly [string, string] | undefined }> {
  const [tenantId, id] = after
  const rows = await system.run(statement`
    select tenant_id, id, sealed from plinth.audit_subject_keys
    where (tenant_id, id) > (${tenantId}::uuid, ${id}::uuid) order by tenant_id, id limit ${BATCH}::int for update`)
  for (const row of rows) {
    const place = [String(row['tenant_id']), String(row['id'])] as const
    const context = contextOf(...place)
    const sealed = secrets.seal(secrets.open(String(row['sealed']), context), context)
    await system.run(statement`
      update plinth.audit_subject_keys set sealed = ${sealed}::text where tenant_id = ${place[0]}::uuid and id = ${place[1]}::uuid`)
  }
  const last = rows.length < BATCH ? undefined : rows.at(-1)
  return { count: rows.length, last: last && [String(last['tenant_id']), String(last['id'])] }
}
