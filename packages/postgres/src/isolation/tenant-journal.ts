import type { Connection, Driver } from '../drivers/driver.ts'
import type { Added } from '../migrate/add-missing.ts'
import { JOURNAL, labelled, type Folder } from '../migrate/drizzle-folder.ts'
import { lockedTransaction } from '../migrate/locked-transaction.ts'
import { becomeRole, runSteps, type Step } from '../migrate/run-step.ts'
import type { RoleNames } from '../roles/role-names.ts'
import { identifier, literal } from '../statements/quote.ts'
import { DROPPED_TYPES } from './place-folder.ts'
import { PLACE } from './tenant-schema.ts'

/*
 * How far each tenant's schema is in a drizzle-kit folder. One row for each, not one for each migration: which migrations were
 * run at all is in Drizzle's own journal, and what is older than the last one was run.
 */
const journal = `"${JOURNAL.schema}"."plinth_tenants"`

/** As the owner, once Drizzle's journal is there. */
export async function ensureTenantJournal(connection: Connection): Promise<void> {
  const [there] = await connection.query(`select to_regclass($1::text) is not null as yes`, [journal])
  if (there?.['yes'] === true) return
  const sql = `create table ${journal} (schema text primary key, created_at bigint not null)`
  await runSteps(connection, [{ sql, words: 'made the journal of the tenants' }])
}

/** Schema → when the last migration that it has was generated. As the owner. */
export async function readTenantJournal(connection: Connection): Promise<ReadonlyMap<string, number>> {
  const rows = await connection.query(`select schema, created_at from ${journal}`)
  return new Map(rows.map((row) => [String(row['schema']), Number(row['created_at'])]))
}

/** Says of the schema {@link PLACE} that it has the whole folder. */
export function noteFolder(folder: Folder): string {
  return `insert into ${journal} (schema, created_at) values (${literal(identifier(PLACE))}, ${lastOf(folder)})
  on conflict (schema) do update set created_at = excluded.created_at`
}

/** Steps of any tenant as those of one. */
export function inSchema(steps: readonly Step[], schema: string): readonly Step[] {
  const place = identifier(PLACE)
  return steps.map(({ sql, words }) => ({
    sql: sql.replaceAll(place, schema),
    words: words.replaceAll(`${place}.`, ''),
  }))
}

export function lastOf({ migrations }: Folder): number {
  return Math.max(0, ...migrations.map((one) => one.folderMillis))
}

/** Runs what one tenant lacks of a folder, in the caller's transaction, as the owner. */
export async function runTenantFolder(
  connection: Connection,
  folder: Folder,
  schema: string,
): Promise<readonly string[]> {
  const [row] = await connection.query(`select created_at from ${journal} where schema = $1::text`, [schema])
  const last = Number(row?.['created_at'] ?? 0)
  const missing = folder.migrations.filter((one) => one.folderMillis > last)
  if (missing.length === 0) return []
  const [before] = await connection.query(`select current_setting('search_path') as path`)
  const setPath = (path: string): Promise<unknown> =>
    connection.query(`select set_config('search_path', $1::text, true)`, [path])
  await setPath(`${schema}, public, pg_temp`)
  for (const migration of missing) await runSteps(connection, inSchema(labelled(migration, folder.path), schema))
  await setPath(String(before?.['path']))
  await connection.query(noteFolder(folder).replaceAll(identifier(PLACE), schema))
  return missing.filter((one) => one.statements.length > 0).map((one) => `applied migration ${one.tag}`)
}

/**
 * When every tenant is up to date, nobody has a column of a type that the folder dropped. What still has one is a warning: the type
 * is in nobody's way.
 */
export async function dropUnusedTypes(owner: Driver, roles: RoleNames): Promise<Added> {
  const types = await owner.query(
    `select n.nspname::text as schema, t.typname::text as name from pg_catalog.pg_type t
     join pg_catalog.pg_namespace n on n.oid = t.typnamespace
     where not exists (select from pg_catalog.pg_class c where c.oid = t.typrelid and c.relkind <> 'c')
       and t.typelem = 0 and t.typname ~ $1::text and pg_get_userbyid(t.typowner) = $2::text`,
    [DROPPED_TYPES, roles.owner],
  )
  const [applied, warnings]: [string[], string[]] = [[], []]
  for (const type of types) {
    const name = String(type['name'])
    const sql = `drop type ${identifier(String(type['schema']))}.${identifier(name)}`
    const words = `dropped type ${name.replace(new RegExp(DROPPED_TYPES), '')}`
    try {
      await lockedTransaction(owner, async (connection) => {
        await becomeRole(connection, roles.owner)
        await runSteps(connection, [{ sql, words }])
      })
      applied.push(words)
    } catch (error) {
      warnings.push(error instanceof Error ? error.message : String(error))
    }
  }
  return { applied, warnings }
}
