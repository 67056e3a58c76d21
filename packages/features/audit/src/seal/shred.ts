import { statement, type Database, type Platform, type Secrets } from '@plinth/core'
import { randomUUID } from 'node:crypto'
import { PLATFORM } from '../entry/chained-entry.ts'
import { writeEntry } from '../write-entry.ts'
import { resealSubjectKeys } from './subject-keys.ts'

/** The action of an erasure in the log. Its target is the subject, so that it can be repeated after a backup was restored. */
export const ERASED = 'subject.erased'

export interface Erasure {
  readonly subject: string
  /** Undefined: everywhere. */
  readonly tenantId?: string | undefined
  /** Of the keys alone that were there then: somebody who came back later has another one. */
  readonly before?: Date | undefined
}

/**
 * Deletes the keys of a subject. Whatever is encrypted under them is noise from then on. The log says so in the same transaction, where
 * there were any.
 * @returns how many keys
 */
export function eraseSubject(
  { database, clock }: Pick<Platform, 'database' | 'clock'>,
  { subject, tenantId, before }: Erasure,
): Promise<number> {
  return database.system(async (system) => {
    const rows = await system.run(statement`
      delete from plinth.audit_subject_keys
      where subject = ${subject}::text and (${tenantId ?? null}::uuid is null or tenant_id = ${tenantId ?? null}::uuid)
        and created_at <= coalesce(${before ?? null}::text::timestamptz, 'infinity')
      returning id`)
    if (rows.length > 0)
      await writeEntry(system, {
        tenantId: tenantId ?? null,
        actor: { kind: 'system', id: 'system' },
        action: ERASED,
        target: subject,
        requestId: randomUUID(),
        time: clock.now(),
        detail: { keys: rows.length },
      })
    return rows.length
  })
}

/** All of them, a batch in each transaction. How many. */
export async function resealAllSubjectKeys(database: Pick<Database, 'system'>, secrets: Secrets): Promise<number> {
  let count = 0
  let after: readonly [string, string] | undefined = [PLATFORM, PLATFORM]
  while (after) {
    const from: readonly [string, string] = after
    const batch = await database.system((system) => resealSubjectKeys(system, secrets, from))
    count += batch.count
    after = batch.last
  }
  return count
}
