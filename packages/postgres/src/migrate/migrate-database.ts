import {
  logEvents,
  StartupError,
  type Logger,
  type MigrationProgress,
  type MigrationReport,
  type Registry,
} from '@plinth/core'
import { findTable, type Catalog } from '../catalog/catalog.ts'
import type { DeclaredTable } from '../catalog/declared-table.ts'
import { readCatalogWithin, readSchemaCatalog } from '../catalog/read-catalog.ts'
import { verifyTables } from '../catalog/verify-tables.ts'
import type { Connection, Driver } from '../drivers/driver.ts'
import {
  dropUnusedTypes,
  ensureTenantJournal,
  lastOf,
  readTenantJournal,
  runTenantFolder,
} from '../isolation/tenant-journal.ts'
import { migrateTenants } from '../isolation/migrate-tenants.ts'
import { placeFolder, type PlacedFolder } from '../isolation/place-folder.ts'
import { ensureReplay } from '../isolation/replay-folder.ts'
import { sharedTables, tenantTables, verifyPlaces, type PlacedTables } from '../isolation/place-tables.ts'
import { ensureFunction, MAKE_TENANT_SCHEMA } from '../isolation/tenant-schema-function.ts'
import { TENANT_SCHEMAS, type Isolation } from '../isolation/tenant-schema.ts'
import { identifier } from '../statements/quote.ts'
import { ensureRoles, type RoleOptions } from '../roles/ensure-roles.ts'
import { roleNames, type RoleNames } from '../roles/role-names.ts'
import { addMissing, type Added } from './add-missing.ts'
import { applyMigrations } from './apply-migrations.ts'
import { compareTables } from './compare-tables.ts'
import { JOURNAL, readFolder, runFolder, type Folder } from './drizzle-folder.ts'
import { lockedTransaction } from './locked-transaction.ts'
import { prepareSchemas } from './prepare-schemas.ts'
import { becomeRole, runSteps, tellingSteps } from './run-step.ts'
import { securingSteps, type SecuredTable } from './secure-table.ts'
import { shippedMigrations } from './shipped-migrations.ts'
import { verifyFolder } from './verify-folder.ts'

export interface MigrateDatabaseOptions extends RoleOptions {
  /** The migrating login (DATABASE_OWNER_URL), or the superuser session of PGlite. */
  readonly owner: Driver
  readonly registry: Registry
  /** A drizzle-kit folder to run instead of adding what registered tables lack. */
  readonly folder?: string | undefined
  readonly log: Logger
  readonly onProgress?: ((progress: MigrationProgress) => void) | undefined
  /** Default `shared`. */
  readonly isolation?: Isolation | undefined
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
  const { registry, log, folder, isolation = 'shared', onProgress } = options
  const owner = onProgress
    ? tellingSteps(options.owner, (step) => onProgress({ state: 'running', step }))
    : options.owner
  const roles = roleNames(options.rolePrefix)
  const faults = [...verifyTables(registry), ...verifyPlaces(registry, isolation)]
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
  const read = folder === undefined ? undefined : readFolder(folder)
  if (isolation === 'shared') {
    const tables = sharedTables(registry, isolation)
    const place = { tables, folder: read, read: (c: Connection) => readCatalogWithin(c, [...tables.secured, JOURNAL]) }
    add(await lockedTransaction(owner, (connection) => migratePlace(connection, place, roles)))
    return { ...report, failed: [] }
  }
  const placed = read && placeFolder(read, registry)
  add(await lockedTransaction(owner, (connection) => migrateShared(connection, registry, roles, placed)))
  const tenants = await migrateTenants({
    owner,
    registry,
    roles,
    log,
    migrateSchema: (connection, tenantId, schema, tables) =>
      migrateTenant(connection, tenantId, schema, { tables, folder: placed?.tenant }, roles),
    ...(placed && { readDone: (connection) => readDone(connection, placed.tenant) }),
  })
  add(tenants)
  if (placed && tenants.failed.length === 0) add(await dropUnusedTypes(owner, roles))
  return { ...report, failed: tenants.failed }
}

interface Place {
  readonly tables: PlacedTables
  readonly folder: Folder | undefined
  readonly read: (connection: Connection) => Promise<Catalog>
  /** Tables elsewhere that need the same types. */
  readonly typed?: readonly DeclaredTable[]
  /** Whose schema it is; undefined where it is everybody's. */
  readonly tenant?: string
}

/** Brings the tables of one place to what is declared, in the caller's transaction, and secures them. */
async function migratePlace(connection: Connection, place: Place, roles: RoleNames): Promise<Added> {
  const { folder, typed, tenant } = place
  const { declared, secured } = place.tables
  const before = await place.read(connection)
  const typeSchemas = (typed ?? []).flatMap((table) => table.columns.flatMap((column) => column.enum?.schema ?? []))
  const journal = folder !== undefined && tenant === undefined
  const prepared = await prepareSchemas(connection, before, roles, secured, journal, typeSchemas)
  await becomeRole(connection, roles.owner)
  const made = await runOrAdd(connection, place, before)
  // A folder may change anything, roles and session included.
  if (folder !== undefined) await becomeRole(connection, roles.owner)
  const changed = prepared.applied.length + made.applied.length > 0
  const now = changed ? await place.read(connection) : before
  const verified =
    folder === undefined ? [] : await verifyFolder(connection, compareTables(declared, now, typed), folder.path)
  const securing = await secureAll(connection, now, secured, roles)
  return {
    applied: [...prepared.applied, ...made.applied, ...securing],
    warnings: [...prepared.warnings, ...made.warnings, ...verified],
  }
}

async function runOrAdd(connection: Connection, place: Place, before: Catalog): Promise<Added> {
  const { folder, tables, typed, tenant } = place
  if (folder === undefined) return addMissing(connection, compareTables(tables.declared, before, typed))
  if (tenant !== undefined) return { applied: await runTenantFolder(connection, folder, tenant), warnings: [] }
  return runFolder(connection, folder, findTable(before, JOURNAL.schema, JOURNAL.name) !== undefined)
}

/** What all tenants share, and what it takes to make a schema for each. */
async function migrateShared(
  connection: Connection,
  registry: Registry,
  roles: RoleNames,
  placed: PlacedFolder | undefined,
): Promise<Added> {
  const tables = sharedTables(registry, 'schema')
  const read = (c: Connection): Promise<Catalog> =>
    readCatalogWithin(c, placed ? [...tables.secured, JOURNAL] : tables.secured, TENANT_SCHEMAS)
  const typed = tenantTables(registry, 'public').declared
  const allowed = await allowSchemas(connection, roles)
  const shared = await migratePlace(connection, { tables, folder: placed?.shared, read, typed }, roles)
  if (placed) await ensureTenantJournal(connection)
  const catalog = await read(connection)
  const made = placed
    ? await ensureReplay(connection, catalog, registry, roles, placed.replay)
    : await ensureFunction(connection, catalog, registry, roles)
  return {
    applied: [...allowed, ...shared.applied, ...made.applied],
    warnings: [...shared.warnings, ...made.warnings],
  }
}

/** Of the tenants whose schema lacks no migration of the folder. */
async function readDone(connection: Connection, folder: Folder): Promise<(schema: string) => boolean> {
  const last = lastOf(folder)
  const journal = await readTenantJournal(connection)
  return (schema) => (journal.get(schema) ?? 0) >= last
}

/** A schema is made by a right on the database. The owner cannot log in; the function that uses it makes one schema a tenant. */
async function allowSchemas(connection: Connection, roles: RoleNames): Promise<readonly string[]> {
  const [row] = await connection.query(
    `select has_database_privilege($1::name, current_database(), 'CREATE') as may, current_database()::text as name`,
    [roles.owner],
  )
  if (row?.['may'] === true) return []
  const words = `let ${roles.owner} make schemas`
  const sql = `grant create on database ${identifier(String(row?.['name']))} to ${identifier(roles.owner)}`
  await runSteps(connection, [{ sql, words }])
  return [words]
}

async function migrateTenant(
  connection: Connection,
  tenantId: string,
  schema: string,
  place: Pick<Place, 'tables' | 'folder'>,
  roles: RoleNames,
): Promise<Added> {
  const [there] = await connection.query('select from pg_catalog.pg_namespace where nspname = $1::text', [schema])
  if (there) {
    const read = (c: Connection): Promise<Catalog> => readSchemaCatalog(c, schema)
    return migratePlace(connection, { ...place, read, tenant: schema }, roles)
  }
  await becomeRole(connection, roles.owner)
  await connection.query(MAKE_TENANT_SCHEMA, [tenantId])
  return { applied: [`made schema ${schema}`], warnings: [] }
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
