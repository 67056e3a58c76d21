import type { Finding } from '@plinth/core'
import { sharedTables, tenantResources } from '../isolation/place-tables.ts'
import type { TenantGate } from '../isolation/tenant-gate.ts'
import { TENANT_SCHEMAS } from '../isolation/tenant-schema.ts'
import { tableInSql } from '../migrate/print-table.ts'
import { arrayLiteral } from '../statements/quote.ts'
import { checkRowSecurity } from './check-tenant-table.ts'
import type { CheckOptions } from './check-catalog.ts'

/** Named by texts and not by oids: a table that was dropped and made anew is another one. */
const text = `
  select t.name, coalesce(c.relrowsecurity, false) as on, coalesce(c.relforcerowsecurity, false) as forced
  from unnest($1::text[]) t(name) left join pg_class c on c.oid = to_regclass(t.name)`

/**
 * Whether row-level security is still on, and forced, where the whole comparison has found it so: what one statement can tell of a
 * database that serves. `drizzle-kit push` beside a process that runs takes it away. Of 27 tables on a busy machine it took 7 ms, the whole comparison
 * 165; and that one would refuse what a migration of the next release has half done.
 * @param gate refuses a tenant in whose own schema it is not so, and nobody else
 */
export async function checkRowSecurityNow(
  { driver, registry, isolation = 'shared' }: CheckOptions,
  gate?: Pick<TenantGate, 'refuse'>,
): Promise<readonly Finding[]> {
  if (gate) gate.refuse(await checkTenants({ driver, registry }))
  const { secured } = sharedTables(registry, isolation)
  const names = secured.map(tableInSql)
  const rows = new Map((await driver.query(text, [arrayLiteral(names)])).map((row) => [String(row['name']), row]))
  return secured.flatMap((table, at) => {
    const row = rows.get(names[at]!)
    return checkRowSecurity({ ...table, rowSecurity: row?.['on'] === true, forced: row?.['forced'] === true })
  })
}

const inSchemas = `
  select n.nspname as schema, c.relname as name, c.relrowsecurity as on, c.relforcerowsecurity as forced
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relname = any ($1::text[]) and c.relkind in ('r', 'p') and not (c.relrowsecurity and c.relforcerowsecurity)
    and n.nspname ~ '${TENANT_SCHEMAS}'`

/**
 * The same of the tables that each tenant has in a schema of its own, of all of them in one statement that gives back those alone where
 * something is wrong. A table that is gone is none of them: who asks for it gets an error and no rows.
 */
async function checkTenants({
  driver,
  registry,
}: Pick<CheckOptions, 'driver' | 'registry'>): Promise<ReadonlyMap<string, readonly Finding[]>> {
  const names = tenantResources(registry, 'schema').map(({ sqlName }) => sqlName)
  const faults = new Map<string, Finding[]>()
  for (const row of await driver.query(inSchemas, [arrayLiteral(names)])) {
    const schema = String(row['schema'])
    const table = { schema, name: String(row['name']), rowSecurity: row['on'] === true, forced: row['forced'] === true }
    faults.set(schema, [...(faults.get(schema) ?? []), ...checkRowSecurity(table)])
  }
  return faults
}
