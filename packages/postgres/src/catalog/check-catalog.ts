import type { Finding, Registry } from '@plinth/core'
import type { Driver } from '../drivers/driver.ts'
import { shippedMigrations, type ShippedMigration } from '../migrate/shipped-migrations.ts'
import { sharedTables } from '../isolation/place-tables.ts'
import { findFunction, isFunctionCurrent } from '../isolation/tenant-schema-function.ts'
import { TENANT_SCHEMAS, type Isolation } from '../isolation/tenant-schema.ts'
import { roleNames } from '../roles/role-names.ts'
import { findTable, rolesOf, type Catalog } from './catalog.ts'
import { checkDeclared } from './check-declared.ts'
import { checkPassages } from './check-passages.ts'
import { checkShippedPolicies } from './check-shipped-policies.ts'
import { checkRuntimeLogin } from './check-runtime-login.ts'
import { checkTenantTable, type Runtime } from './check-tenant-table.ts'
import { checkUndeclared } from './check-undeclared.ts'
import { fault } from './fault.ts'
import { MIGRATE } from './fixes.ts'
import { readCatalog } from './read-catalog.ts'
import { policyKey, shippedPolicies } from './shipped-policies.ts'

export interface CheckOptions {
  /** The runtime login: what it may do is what is checked. */
  readonly driver: Driver
  readonly registry: Registry
  readonly rolePrefix: string
  /** Default `shared`. With `schema` the tenants' own schemas are checked by `checkTenants`. */
  readonly isolation?: Isolation | undefined
}

/**
 * Compares the live database with what was declared: the login, forced row-level security, policies, grants, and every way
 * around them that the catalog shows. Reads only, as the runtime login. All faults at once, each with what mends it.
 */
export async function checkCatalog({
  driver,
  registry,
  rolePrefix,
  isolation = 'shared',
}: CheckOptions): Promise<readonly Finding[]> {
  const roles = roleNames(rolePrefix)
  const { secured } = sharedTables(registry, isolation)
  const catalog = await readCatalog(driver, secured, isolation === 'schema' ? TENANT_SCHEMAS : undefined)
  const migrations = await shippedMigrations(registry)
  const shipped = shippedPolicies(migrations, roles)
  const runtime: Runtime = {
    roles,
    shipped: new Set(shipped.map(({ schema, table, name }) => policyKey(schema, table, name))),
    grantees: new Set([...rolesOf(catalog, catalog.session.currentUser), roles.app, 'public']),
  }
  const login = checkRuntimeLogin(catalog, roles, registry)
  if (!catalog.schemas.some((schema) => schema.name === 'plinth')) {
    // One fault instead of one for each table that is not there.
    return [...login, fault('database_not_migrated', 'database', 'is not migrated: there is no schema plinth', MIGRATE)]
  }
  const pending = await checkMigrations(driver, catalog, migrations)
  return [
    ...login,
    ...pending,
    // Of a migration that has not run no policy is there; that it has not is said. But without its policy no migration is seen to have.
    ...checkShippedPolicies(
      catalog,
      pending.length === 0 ? shipped : shipped.filter(({ table }) => table === 'migrations'),
    ),
    ...checkDeclared(catalog, registry, isolation, runtime),
    ...(isolation === 'schema' && !isFunctionCurrent(findFunction(catalog), registry, roles) ? [oldFunction] : []),
    ...secured.flatMap((table) => {
      const live = findTable(catalog, table.schema, table.name)
      return live ? checkTenantTable(table, live, runtime) : []
    }),
    ...checkUndeclared(catalog, secured, runtime),
    ...checkPassages(catalog, secured, runtime),
  ]
}

const oldFunction = fault(
  'tenant_function_outdated',
  'function plinth.make_tenant_schema',
  'is missing, or makes other tables than are declared',
  MIGRATE,
)

async function checkMigrations(
  driver: Driver,
  catalog: Catalog,
  migrations: readonly ShippedMigration[],
): Promise<Finding[]> {
  const pending = (problem: string): Finding[] => [fault('migrations_pending', 'database migrations', problem, MIGRATE)]
  if (!findTable(catalog, 'plinth', 'migrations')) return pending('there is no table plinth.migrations')
  try {
    const rows = await driver.query('select feature, id from plinth.migrations')
    const done = new Set(rows.map((row) => `${String(row['feature'])} ${String(row['id'])}`))
    const missing = migrations.map(({ feature, id }) => `${feature} ${id}`).filter((key) => !done.has(key))
    return missing.length === 0 ? [] : pending(`not applied: ${missing.join(', ')}`)
  } catch (error) {
    return pending(`plinth.migrations cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}
