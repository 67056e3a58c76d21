import { statement, type StartupFault, type Transaction } from '@plinth/core'
import { rbacProblem } from './rbac-errors.ts'

/** How many entries the ACL of a tenant takes. */
export interface AclLimits {
  /** In all. Default 100,000: that they are not reached is counted by every new entry, in 40 ms where they are almost. */
  readonly perTenant?: number
  /**
   * Of one subject. Default 10,000: a page took 160 ms of somebody who was denied the newest 10,000 rows, in proportion to their number.
   */
  readonly perSubject?: number
  /** About one row, whose deletion takes them along. Default 1,000, in 9 ms. */
  readonly perRow?: number
}

export type SettledLimits = Required<AclLimits>

const MOST = 1_000_000

export function settleLimits({
  perTenant = 100_000,
  perSubject = 10_000,
  perRow = 1_000,
}: AclLimits = {}): SettledLimits {
  return { perTenant, perSubject, perRow }
}

export function limitFaults(limits: SettledLimits): readonly StartupFault[] {
  const defaults = settleLimits()
  return (['perTenant', 'perSubject', 'perRow'] as const)
    .filter((name) => !(Number.isInteger(limits[name]) && limits[name] >= 1 && limits[name] <= MOST))
    .map((name) => ({
      path: `rbac.acl.${name}`,
      problem: `is no whole number from 1 to ${MOST}`,
      fix: `acl: { ${name}: ${defaults[name]} }`,
    }))
}

/** The entry that is to be made. */
export interface CountedEntry {
  readonly tenantId: string
  readonly subject: string
  /** All models of the row: that of the resource, and those of its fields. */
  readonly models: readonly string[]
  /** Undefined: every row. */
  readonly recordId: string | undefined
}

/**
 * Whether one more fits. Those who make entries in one tenant do so one after another from here to the end of their transactions, so
 * that each counts what the one before has written.
 * @throws too_many_entries
 */
export async function refuseFull(transaction: Transaction, limits: SettledLimits, entry: CountedEntry): Promise<void> {
  await transaction.hold('acl', 'alone')
  const { perTenant, perSubject, perRow } = limits
  const { tenantId, subject, models, recordId } = entry
  const [full] = await transaction.run(statement`
    select
      (select count(*) >= ${perTenant}::int from (
        select from plinth.acl_entries where tenant_id = ${tenantId}::uuid limit ${perTenant}::int) e) as tenant,
      (select count(*) >= ${perSubject}::int from (
        select from plinth.acl_entries where tenant_id = ${tenantId}::uuid and subject = ${subject}::text
        limit ${perSubject}::int) e) as subject,
      (select count(*) >= ${perRow}::int from (
        select from plinth.acl_entries
        where tenant_id = ${tenantId}::uuid and model = any(${models}::text[]) and record_id = ${recordId ?? null}::text
        limit ${perRow}::int) e) as of_row`)
  const refuse = (most: number, whose: string): Error =>
    rbacProblem('too_many_entries', { detail: `The most entries of the ACL ${whose}: ${most}.` })
  if (full?.['of_row'] === true) throw refuse(perRow, 'about one row')
  if (full?.['subject'] === true) throw refuse(perSubject, 'about one subject')
  if (full?.['tenant'] === true) throw refuse(perTenant, 'of a tenant')
}
