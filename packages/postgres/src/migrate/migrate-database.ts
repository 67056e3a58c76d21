import {
  logEvents,
  StartupError,
  type Logger,
  type MigrationProgress,
  type MigrationReport,
  type Registry,
} from '@plinth/core'
import { findTable, type Catalog } from '../catalog/catalog.ts'
import { declareTable } from '../catalog/declared-table.ts'
import { readCatalogWithin } from '../catalog/read-catalog.ts'
import { verifyTables } from '../catalog/verify-tables.ts'
import type { Connection, Driver } from '../drivers/driver.ts'
import { ensureRoles, type RoleOptions } from '../roles/ensure-roles.ts'
import { roleNames, type RoleNames } from '../roles/role-names.ts'
import { addMissing, type Added } from './add-missing.ts'
import { applyMigrations } from './apply-migrations.ts'
import { compareTables } from './compare-tables.ts'
import { JOURNAL, runFolder } from './drizzle-folder.ts'
import { lockedTransaction } from './locked-transaction.ts'
import { prepareSchemas } from './prepare-schemas.ts'
import { becomeRole, runSteps, tellingSteps } from './run-step.ts'
import { securingSteps, type SecuredTable } from './secure-table.ts'
import { shippedMigrations } from './shipped-migrations.ts'
import { productTables, securedTables } from './tables-of.ts'
import { verifyFolder } from './verify-folder.ts'

export interface MigrateDatabaseOptions extends RoleOptions {
  /** The migrating login (DATABASE_OWNER_URL), or the superuser session of PGlite. */
  readonly owner: Driver
  readonly registry: Registry
  /** A drizzle-kit folder to run instead of adding what registered tables lack. */
  readonly folder?: string | undefined
  readonly log: Logger
  readonly onProgress?: ((progress: MigrationProgress) => void) | undefined
}

/**
 * Brings the database to what this code needs: roles, the platform's SQL, the features' SQL, the product's tables, and on every
 * tenant table row-level security, policies and grants. Each step is one transaction under the migration lock and looks at
 * what is there first, so any number of processes may start at once, and a second run does nothing.
 *
 * The product's tables and what secures them are one transaction: a table is never there without its policy, and a migration
 * that is refused leaves nothing.
 *
 * @throws StartupError for declarations and logins that cannot be made safe, MigrationRefused where adding is not enough,
 *   MigrationStepError where PostgreSQL refused a statement
 */
export async function migrateDatabase(options: MigrateDatabaseOptions): Promise<MigrationReport> {
  const { registry, log, onProgress } = options
  const owner = onProgress
    ? tellingSteps(options.owner, (step) => onProgress({ state: 'running', step }))
    : options.owner
  const roles = roleNames(options.rolePrefix)
  const faults = verifyTables(registry)
  if (faults.length > 0) throw new StartupError(faults)
  const report: { applied: string[]; warnings: string[] } = { applied: [], warnings: [] }
  const add = (part: Added): void => {
    for (const words of part.applied) {
      log.debug(logEvents.migrationStep, { words })
      onProgress?.({ state: 'done', step: words })
    }
    report.applied.push(...part.applied)
    report.warnings.push(...part.warnings)
  }
  add(await ensureRoles(owner, options))
  add(await applyMigrations(owner, await shippedMigrations(registry), roles, registry))
  add(await lockedTransaction(owner, (connection) => migrateProduct(connection, registry, roles, options.folder)))
  return report
}

async function migrateProduct(
  connection: Connection,
  registry: Registry,
  roles: RoleNames,
  folder: string | undefined,
): Promise<Added> {
  const secured = securedTables(registry)
  const before = await readCatalogWithin(connection, [...secured, JOURNAL])
  const prepared = await prepareSchemas(connection, before, roles, secured, folder !== undefined)
  await becomeRole(connection, roles.owner)
  const declared = productTables(registry).map(declareTable)
  const made =
    folder === undefined
      ? await addMissing(connection, compareTables(declared, before))
      : await runFolder(connection, folder, findTable(before, JOURNAL.schema, JOURNAL.name) !== undefined)
  // A folder may change anything, roles and session included.
  if (folder !== undefined) await becomeRole(connection, roles.owner)
  const changed = prepared.applied.length + made.applied.length > 0
  const now = changed ? await readCatalogWithin(connection, secured) : before
  const verified = folder === undefined ? [] : await verifyFolder(connection, compareTables(declared, now), folder)
  const securing = await secureAll(connection, now, secured, roles)
  return {
    applied: [...prepared.applied, ...made.applied, ...securing],
    warnings: [...prepared.warnings, ...made.warnings, ...verified],
  }
}

async function secureAll(
  connection: Connection,
  catalog: Catalog,
  tables: readonly SecuredTable[],
  roles: RoleNames,
): Promise<string[]> {
  const steps = tables.flatMap((table) => {
    const live = findTable(catalog, table.schema, table.name)
    // A feature names a table that none of its migrations makes: the comparison at start says so.
    return live ? securingSteps(table, live, roles) : []
  })
  await runSteps(connection, steps)
  return steps.map((step) => step.words)
}
