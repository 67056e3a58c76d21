import type { ChangedRates, Rate, TenantRates } from '@plinth/core'
import type { Runner } from '../session/runner.ts'
import { arrayLiteral } from '../statements/quote.ts'

const readText = 'select tenant_id, scope, max_requests, window_seconds from plinth.tenant_rates($1::text::uuid[])'
const writeText =
  'insert into plinth.rate_limits (tenant_id, scope, max_requests, window_seconds) values ($1::uuid, $2::text, $3::int, $4::int)' +
  ' on conflict (tenant_id, scope) do update set max_requests = excluded.max_requests,' +
  ' window_seconds = excluded.window_seconds, updated_at = clock_timestamp()'
const dropText = 'delete from plinth.rate_limits where tenant_id = $1::uuid and scope = $2::text'

/** The rates of these tenants; who has none of his own is not in it. */
export async function readTenantRates(
  runner: Runner,
  tenantIds: readonly string[],
): Promise<ReadonlyMap<string, TenantRates>> {
  const parameters = [arrayLiteral(tenantIds)]
  const rows = await runner.run({ text: readText, parameters, shape: 'fixed' }, 'read')
  const found = new Map<string, TenantRates>()
  for (const row of rows) {
    const id = String(row['tenant_id'])
    const rate: Rate = { capacity: Number(row['max_requests']), windowSeconds: Number(row['window_seconds']) }
    found.set(id, { ...found.get(id), [String(row['scope'])]: rate })
  }
  return found
}

/** Writes the rates that are given, takes away those that are null, leaves the others. As plinth_system. */
export async function writeTenantRates(runner: Runner, tenantId: string, rates: ChangedRates): Promise<void> {
  for (const scope of ['tenant', 'principal'] as const) {
    const rate = rates[scope]
    if (rate === undefined) continue
    const statement = rate
      ? { text: writeText, parameters: [tenantId, scope, rate.capacity, rate.windowSeconds] }
      : { text: dropText, parameters: [tenantId, scope] }
    await runner.run({ ...statement, shape: 'fixed' }, 'other')
  }
}
