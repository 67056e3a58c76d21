import { lockedRow, type Call, type RawRow, type Transaction } from '@plinth/core'
import { serviceAccounts } from '../tables.ts'

/** A service of the tenant, locked until the end of the transaction. */
export interface LockedService {
  readonly row: RawRow
  readonly id: string
  readonly name: string
}

/**
 * The service of this path.
 * @throws not_found, permission_denied, version_mismatch
 */
export async function lockedService(call: Call, transaction: Transaction): Promise<LockedService> {
  const row = await lockedRow(call, transaction, call.platform.registry.byTable.get(serviceAccounts)!)
  return {
    row,
    id: String(row['id']),
    name: String(row['name']),
  }
}
