import { problem, statement, type StatementRunner, type Tenant } from '@plinth/core'
import { tenantOf } from './tenant-of.ts'

/** @throws not_found */
export async function tenantWithin(system: StatementRunner, tenantId: string): Promise<Tenant> {
  const [row] = await system.run(statement`
    select id, slug, name, status, require_mfa from plinth.tenants where id = ${tenantId}::uuid`)
  if (!row) throw problem('not_found')
  return tenantOf(row)
}
