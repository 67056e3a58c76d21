import { statement, type Database, type Secrets } from '@plinth/core'
import { PLATFORM } from '../entry/chained-entry.ts'
import { resealSubjectKeys } from './subject-keys.ts'

/** Deletes the keys of a subject. Whatever is encrypted under them is noise from then on. How many keys. */
export async function shredSubject(
  database: Pick<Database, 'system'>,
  subject: string,
  tenantId?: string,
): Promise<number> {
  const rows = await database.system((system) =>
    system.run(statement`
      delete from plinth.audit_subject_keys
      where subject = ${subject}::text and (${tenantId ?? null}::uuid is null or tenant_id = ${tenantId ?? null}::uuid)
      returning id`),
  )
  return rows.length
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
