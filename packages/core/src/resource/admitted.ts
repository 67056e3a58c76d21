import type { Condition, Facts } from '../condition/condition.ts'
import { settleListed } from '../condition/settle-listed.ts'
import type { RawRow, Session } from '../ports/database.ts'
import { holdsFor } from './holds-for.ts'
import type { ResourceInfo } from './resource-info.ts'

/**
 * Which of these stored rows the condition admits. One statement at most, where the ACL has a say; with rows that are locked, in the
 * transaction that holds them.
 */
export async function admittedAmong(
  session: Pick<Session, 'aclEntries'>,
  resource: ResourceInfo,
  rows: readonly RawRow[],
  condition: Condition,
  facts: Facts,
): Promise<readonly RawRow[]> {
  const ids = rows.map(({ id }) => id ?? null)
  const settled = await settleListed(session, condition, ids)
  return rows.filter((row) => holdsFor(resource, row, settled, facts))
}

/** Whether it admits this one. */
export async function admits(
  session: Pick<Session, 'aclEntries'>,
  resource: ResourceInfo,
  row: RawRow,
  condition: Condition,
  facts: Facts,
): Promise<boolean> {
  return (await admittedAmong(session, resource, [row], condition, facts)).length === 1
}
