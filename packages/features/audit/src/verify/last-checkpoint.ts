import { problem, statement, type Database, type Platform } from '@plinth/core'
import { auditEvents } from '../log-events.ts'
import type { BookKeys } from '../seal/book-keys.ts'
import { readAcknowledged, type Acknowledged } from './acknowledged.ts'
import type { ChainHead, ChainVerdict } from './chain-verifier.ts'
import { readCheckpoint, signCheckpoint, type Checkpoint } from './checkpoint.ts'

/*
 * The last checkpoint of each chain, kept beside it: what comes next is verified from there on. It is signed, so whoever may write everything
 * in the database can take it away, or put an older one there, and so have more verified; never less. It proves nothing to anybody else:
 * for that a checkpoint lies elsewhere.
 */

type Book = Pick<Platform, 'database' | 'clock' | 'log'>

export interface LastCheckpoint {
  readonly known: Checkpoint | undefined
  /** Whether something was found, and has neither been found to be right since nor been acknowledged. */
  readonly broken: boolean
  /** What an operator has said that he knows of. */
  readonly acknowledged: Acknowledged | undefined
}

export async function lastCheckpoint(
  database: Pick<Database, 'system'>,
  keys: BookKeys,
  tenantId: string,
): Promise<LastCheckpoint> {
  const [row] = await database.system((system) =>
    system.run(statement`select checkpoint, fault from plinth.audit_checkpoints where tenant_id = ${tenantId}::uuid`),
  )
  const known = readCheckpoint(String(row?.['checkpoint']), [keys.publicJwk])
  const fault = row === undefined || row['fault'] === null ? undefined : String(row['fault'])
  const acknowledged = fault === undefined ? undefined : readAcknowledged(keys.macKey, tenantId, fault)
  return {
    known: known?.tenant === tenantId ? known : undefined,
    broken: fault !== undefined && !acknowledged,
    acknowledged,
  }
}

/**
 * Signs what was verified.
 * @param whole whether all of the chain was: then nothing that was found before is wrong with it any more
 */
export async function keepCheckpoint(
  { database, clock }: Book,
  keys: BookKeys,
  tenantId: string,
  { seq, hash }: ChainHead,
  whole: boolean,
): Promise<string> {
  const time = clock.now().toISOString()
  const jws = signCheckpoint(keys, { tenant: tenantId, seq, hash, time })
  await database.system((system) =>
    system.run(statement`
      insert into plinth.audit_checkpoints as c (tenant_id, checkpoint, looked_at)
      values (${tenantId}::uuid, ${jws}::text, ${time}::text::timestamptz)
      on conflict (tenant_id) do update set checkpoint = excluded.checkpoint, looked_at = excluded.looked_at,
        fault = case when ${whole}::boolean then null else c.fault end`),
  )
  return jws
}

/**
 * Into the log, and into the health of every process: whoever is to hear of it is not the one who asked.
 * @param known what is kept in the place of the fault, where it is acknowledged and nobody is to hear of it any more
 */
export async function tellVerdict(
  { database, clock, log }: Book,
  tenantId: string,
  verdict: ChainVerdict,
  known?: string,
): Promise<void> {
  const now = clock.now().toISOString()
  const { valid, firstBad = 0, reason = 'missing' } = verdict
  // Nothing that is there is wrong, and it may be done in a second. Of what waits for long the health says so by itself.
  if (reason === 'unsealed') return
  const fault = known ?? faultOf(verdict)
  if (!valid && known === undefined) log.error(auditEvents.broken, { tenant: tenantId, firstBad, reason })
  await database.system((system) =>
    system.run(
      valid
        ? statement`
      update plinth.audit_checkpoints set fault = null, looked_at = ${now}::text::timestamptz
      where tenant_id = ${tenantId}::uuid and fault is not null`
        : statement`
      insert into plinth.audit_checkpoints (tenant_id, fault, looked_at)
      values (${tenantId}::uuid, ${fault}::text, ${now}::text::timestamptz)
      on conflict (tenant_id) do update set fault = excluded.fault, looked_at = excluded.looked_at`,
    ),
  )
}

/** Chains that were signed once: one that was deleted as a whole is among them. */
export async function signedChains(database: Pick<Database, 'system'>): Promise<readonly string[]> {
  const rows = await database.system((system) => system.run(statement`select tenant_id from plinth.audit_checkpoints`))
  return rows.map((row) => String(row['tenant_id']))
}

/** `entry 3 is forged`. */
export function faultOf({ firstBad = 0, reason = 'missing' }: ChainVerdict): string {
  return `entry ${firstBad} is ${reason}`
}

/** `<tenant>: entry 3 is forged`. */
export function wordsOf(tenant: string, verdict: ChainVerdict): string {
  return `${tenant}: ${faultOf(verdict)}${verdict.acknowledged ? ', which was acknowledged' : ''}`
}

export function brokenLog(words: readonly string[], more = ''): Error {
  return problem('conflict', { detail: `The audit log is not as it was written. ${words.join('; ')}.${more}` })
}
