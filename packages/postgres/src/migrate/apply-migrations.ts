import type { Registry } from '@plinth/core'
import { findTable } from '../catalog/catalog.ts'
import { readCatalogWithin } from '../catalog/read-catalog.ts'
import type { Connection, Driver } from '../drivers/driver.ts'
import { fillRoleNames, type RoleNames } from '../roles/role-names.ts'
import { lockedTransaction } from './locked-transaction.ts'
import { identifier } from '../statements/quote.ts'
import { becomeRole, runSteps } from './run-step.ts'
import { securingSteps } from './secure-table.ts'
import { PLATFORM, type ShippedMigration } from './shipped-migrations.ts'
import { firstLine, splitStatements } from './split-statements.ts'
import { secured, tablesMadeBy } from './tables-of.ts'

export interface AppliedMigrations {
  readonly applied: readonly string[]
  readonly warnings: readonly string[]
}

/**
 * Runs what is missing of the platform's and the features' SQL, each in its own transaction together with its row in
 * `plinth.migrations`.
 * @throws where a migration that ran already was edited since
 */
export async function applyMigrations(
  driver: Driver,
  migrations: readonly ShippedMigration[],
  roles: RoleNames,
  registry: Registry,
): Promise<AppliedMigrations> {
  const known = await lockedTransaction(driver, (connection) => appliedChecksums(connection, roles))
  verifyUnedited(migrations, known)
  const applied: string[] = []
  for (const migration of migrations) {
    if (known.has(keyOf(migration))) continue
    const words = await lockedTransaction(driver, (connection) => applyOne(connection, migration, roles, registry))
    applied.push(...words)
  }
  return { applied, warnings: unknownMigrations(migrations, known) }
}

async function appliedChecksums(connection: Connection, roles: RoleNames): Promise<ReadonlyMap<string, string>> {
  const [schema] = await connection.query(
    `select pg_get_userbyid(nspowner)::text as owner from pg_namespace where nspname = 'plinth'`,
  )
  if (!schema) return new Map()
  if (schema['owner'] !== roles.owner) {
    throw new Error(
      `Schema plinth of this database belongs to ${String(schema['owner'])} and not to ${roles.owner}: it was migrated with another rolePrefix, or made by hand`,
    )
  }
  // As the owner, whose policy lets him see them: the migrating login may be no superuser.
  await becomeRole(connection, roles.owner)
  const [table] = await connection.query(
    `select from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'plinth' and c.relname = 'migrations'`,
  )
  if (!table) return new Map()
  const rows = await connection.query('select feature, id, checksum from plinth.migrations')
  return new Map(rows.map((row) => [`${String(row['feature'])} ${String(row['id'])}`, String(row['checksum'])]))
}

function keyOf(migration: ShippedMigration): string {
  return `${migration.feature} ${migration.id}`
}

function verifyUnedited(migrations: readonly ShippedMigration[], known: ReadonlyMap<string, string>): void {
  const edited = migrations
    .filter((migration) => (known.get(keyOf(migration)) ?? migration.checksum) !== migration.checksum)
    .map(keyOf)
  if (edited.length === 0) return
  throw new Error(
    `Migrations were edited after they had run: ${edited.join(', ')}. What they say now never happened in this database. ` +
      'Put them back as they were (git log shows when they changed) and write what is new as another migration. A database that is for trying things out is sooner made anew.',
  )
}

/** Rows of a version newer than this one: it is running during a roll-back or beside a newer process. */
function unknownMigrations(migrations: readonly ShippedMigration[], known: ReadonlyMap<string, string>): string[] {
  const own = new Set(migrations.map(keyOf))
  const features = new Set(migrations.map((migration) => migration.feature))
  const newer = [...known.keys()].filter((key) => !own.has(key) && features.has(key.split(' ')[0]!))
  return newer.length === 0 ? [] : [`The database is ahead of this code by: ${newer.join(', ')}`]
}

async function applyOne(
  connection: Connection,
  migration: ShippedMigration,
  roles: RoleNames,
  registry: Registry,
): Promise<string[]> {
  const label =
    migration.feature === PLATFORM
      ? `platform migration ${migration.id}`
      : `migration ${migration.id} of ${migration.feature}`
  // Another process may have been faster while this one waited for the lock.
  if ((await appliedChecksums(connection, roles)).has(keyOf(migration))) return []
  // The platform's SQL begins as the migrating login, which alone may make a schema; a feature's begins as the owner.
  if (migration.feature === PLATFORM) await runSteps(connection, [{ sql: 'set local role none', words: label }])
  if (migration.remakes !== undefined) await remakeSchema(connection, migration.remakes, roles)
  const statements = splitStatements(fillRoleNames(migration.sql, roles))
  await runSteps(
    connection,
    statements.map((sql) => ({ sql, words: `${label}: ${firstLine(sql)}` })),
  )
  await becomeRole(connection, roles.owner)
  const words =
    migration.feature === PLATFORM ? [] : await secureFeature(connection, migration.feature, roles, registry)
  await connection.query(
    'insert into plinth.migrations (feature, id, checksum) values ($1::text, $2::text, $3::text)',
    [migration.feature, migration.id, migration.checksum],
  )
  return [`applied ${label}`, ...words]
}

/** The migrating login alone may make a schema, the owner alone drop what is his. */
async function remakeSchema(connection: Connection, name: string, roles: RoleNames): Promise<void> {
  const [schema, owner] = [identifier(name), identifier(roles.owner)]
  await runSteps(connection, [
    { sql: `drop schema if exists ${schema} cascade`, words: `drop schema ${name}` },
    { sql: 'set local role none', words: `make schema ${name}` },
    { sql: `create schema ${schema} authorization ${owner}`, words: `make schema ${name}` },
  ])
  await becomeRole(connection, roles.owner)
}

/** In the migration's own transaction: no table of it is ever there without its policies. */
async function secureFeature(
  connection: Connection,
  feature: string,
  roles: RoleNames,
  registry: Registry,
): Promise<string[]> {
  const tables = tablesMadeBy(registry, feature).map((table) => secured(table, 'own'))
  if (tables.length === 0) return []
  const catalog = await readCatalogWithin(connection, tables)
  const steps = tables.flatMap((table) => {
    const live = findTable(catalog, table.schema, table.name)
    // A later migration of the feature may make it.
    return live ? securingSteps(table, live, roles) : []
  })
  await runSteps(connection, steps)
  return steps.map((step) => step.words)
}
