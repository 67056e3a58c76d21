import type { Runner } from '../session/runner.ts'
import { searchPathOf } from './search-path.ts'
import { SET_SEARCH_PATH } from '../drivers/driver.ts'
import { MAKE_TENANT_SCHEMA } from './tenant-schema-function.ts'

/** In the transaction that founds the tenant, as `plinth_system`: his schema, and what follows finds its tables there. */
export async function makeTenantSchema(runner: Runner, tenantId: string): Promise<void> {
  await runner.run({ text: MAKE_TENANT_SCHEMA, parameters: [tenantId], shape: 'fixed' }, 'other')
  await runner.run({ text: SET_SEARCH_PATH, parameters: [searchPathOf(tenantId)], shape: 'fixed' }, 'other')
}
