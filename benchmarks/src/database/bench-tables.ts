import type postgres from 'postgres'

/** The logins of the servers without Plinth. */
export const exemptLogin = 'bench_exempt'
export const securedLogin = 'bench_secured'

/**
 * One login that row-level security does not bind, and one that it binds as it binds Plinth's: a member of the runtime role.
 * A member and not the role itself, since Plinth refuses to serve where that may touch a table it does not know.
 */
export async function addBenchLogins(sql: postgres.Sql): Promise<void> {
  await sql`create role ${sql(exemptLogin)} login bypassrls`
  await sql`create role ${sql(securedLogin)} login`
}

/** What the servers without Plinth write audit rows and events to: copies of Plinth's tables, under a forced policy like its. */
export async function addBenchTables(sql: postgres.Sql): Promise<void> {
  const [exempt, secured] = [sql(exemptLogin), sql(securedLogin)]
  await sql`grant plinth_app to ${secured}`
  await sql`grant select, insert, update, delete on projects to ${exempt}`
  await sql`create schema bench`
  await sql`grant usage on schema bench to ${exempt}, ${secured}`
  await sql`create table bench.records (like plinth.bench_records including all)`
  await sql`create table bench.events (like plinth.events including all)`
  for (const table of ['records', 'events']) {
    const name = sql(`bench.${table}`)
    await sql`alter table ${name} enable row level security`
    await sql`alter table ${name} force row level security`
    await sql`create policy own_tenant on ${name} using (tenant_id = nullif(current_setting('plinth.tenant', true), '')::uuid)`
    await sql`grant select, insert on ${name} to ${exempt}, ${secured}`
  }
}
