import type { Driver } from '@plinth/postgres/driver'
import type { TestTenant } from '../platform/actors.ts'
import type { TenantTable } from '../tenants/tenant-tables.ts'

/** A table and the column that says whose a row is. */
export interface ProbedTable extends Pick<TenantTable, 'sql'> {
  readonly column: string
}

/**
 * What row-level security alone gives away on each table, asked in SQL in the attacker's name for rows that are not his: the
 * tables that no route reads are tables too. Empty when every foreign row is out of reach and his own are not. Both tenants
 * need rows in each table.
 *
 * A missing grant protects as well (42501) and is no finding; grant the rights in the test where the policy itself is to be
 * proven. Everything is rolled back.
 */
export async function probeTables(
  app: Driver,
  tables: readonly ProbedTable[],
  attacker: TestTenant,
  victim: TestTenant,
): Promise<readonly string[]> {
  const findings: string[] = []
  for (const table of tables) {
    for (const [what, outcome] of await probeTable(app, table, attacker, victim))
      findings.push(`${table.sql}: ${what}: ${outcome}`)
  }
  return findings
}

type Leak = readonly [what: string, outcome: string]

async function probeTable(
  app: Driver,
  { sql, column }: ProbedTable,
  attacker: TestTenant,
  victim: TestTenant,
): Promise<Leak[]> {
  const leaks: Leak[] = []
  const rows = async (
    what: string,
    tenant: string | null,
    text: string,
    parameters: readonly string[] = [],
  ): Promise<void> => {
    const outcome = await rolledBack(app, tenant, text, parameters)
    if (typeof outcome === 'number' && outcome > 0) leaks.push([what, `${outcome} rows`])
  }
  // The control: a policy that lets nobody see anything keeps tenants apart too, and proves nothing.
  if ((await rolledBack(app, attacker.id, `select 1 from ${sql} where ${column} = $1::uuid`, [attacker.id])) === 0)
    leaks.push(['own rows', 'out of reach'])
  await rows('select', attacker.id, `select 1 from ${sql} where ${column} <> $1::uuid`, [attacker.id])
  await rows('select without a tenant', null, `select 1 from ${sql}`)
  await rows('select with an empty tenant', '', `select 1 from ${sql}`)
  await rows('update', attacker.id, `update ${sql} set ${column} = ${column} where ${column} = $1::uuid returning 1`, [
    victim.id,
  ])
  await rows(
    'give away',
    attacker.id,
    `update ${sql} set ${column} = $2::uuid where ${column} = $1::uuid returning 1`,
    [attacker.id, victim.id],
  )
  await rows('take', attacker.id, `update ${sql} set ${column} = $2::uuid where ${column} = $1::uuid returning 1`, [
    victim.id,
    attacker.id,
  ])
  await rows('delete', attacker.id, `delete from ${sql} where ${column} = $1::uuid returning 1`, [victim.id])
  await rows('lock', attacker.id, `select 1 from ${sql} where ${column} = $1::uuid for update`, [victim.id])
  return leaks
}

class RollBack extends Error {}

/** How many rows a statement gave or changed in the name of a tenant; the error's code when it was refused. */
async function rolledBack(
  app: Driver,
  tenant: string | null,
  text: string,
  parameters: readonly string[],
): Promise<number | string> {
  let rows = 0
  try {
    await app.transaction(async (connection) => {
      if (tenant !== null) await connection.query(`select set_config('plinth.tenant', $1::text, true)`, [tenant])
      rows = (await connection.query(text, parameters)).length
      throw new RollBack()
    })
  } catch (error) {
    if (!(error instanceof RollBack)) return codeOf(error)
  }
  return rows
}

function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
  // Refused by a missing grant or a policy, by a key, or because a policy's cast met an empty setting: no row came out.
  if (/^(42501|23\d{3}|22P02|0A000|44000)$/.test(code)) return code
  throw error
}
