import type { Finding, Registry } from '@plinth/core'
import type { Catalog } from '../catalog/catalog.ts'
import { checkDeclaredTables } from '../catalog/check-declared.ts'
import { checkTenantTable, type Runtime } from '../catalog/check-tenant-table.ts'
import { checkUndeclared } from '../catalog/check-undeclared.ts'
import { findTable, rolesOf } from '../catalog/catalog.ts'
import { fault, faultInSql } from '../catalog/fault.ts'
import { MIGRATE } from '../catalog/fixes.ts'
import { readSchemaCatalog } from '../catalog/read-catalog.ts'
import type { Driver } from '../drivers/driver.ts'
import { tableInSql } from '../migrate/print-table.ts'
import { roleNames } from '../roles/role-names.ts'
import { identifier } from '../statements/quote.ts'
import { tenantResources, tenantTables } from './place-tables.ts'
import { schemaDigests } from './schema-digests.ts'

export interface CheckTenantsOptions {
  readonly driver: Driver
  readonly registry: Registry
  readonly rolePrefix: string
  /** Only this one. */
  readonly schema?: string | undefined
}

export interface CheckedTenants {
  /** How many schemas there are. */
  readonly schemas: number
  /** What is wrong, by the name of the schema; those that are as declared are not in it. */
  readonly faults: ReadonlyMap<string, readonly Finding[]>
}

/**
 * Compares the tenants' schemas with what was declared: one digest for each in one query, then one schema of each digest table
 * by table. Reads only, as the runtime login.
 */
export async function checkTenants({
  driver,
  registry,
  rolePrefix,
  schema,
}: CheckTenantsOptions): Promise<CheckedTenants> {
  const roles = roleNames(rolePrefix)
  const digests = await schemaDigests(driver, schema)
  const alike = Map.groupBy(digests.keys(), (name) => digests.get(name)!)
  const faults = new Map<string, readonly Finding[]>()
  for (const names of alike.values()) {
    const [first] = names
    const catalog = await driver.transaction((connection) => readSchemaCatalog(connection, first!))
    const runtime: Runtime = {
      roles,
      grantees: new Set([...rolesOf(catalog, catalog.session.currentUser), roles.app, 'public']),
    }
    const found = checkPlace(catalog, registry, first!, runtime)
    if (found.length === 0) continue
    for (const name of names)
      faults.set(
        name,
        found.map((one) => ({
          ...one,
          path: one.path.replaceAll(first!, name),
          fix: one.fix.replaceAll(first!, name),
          ...(one.sql !== undefined && { sql: one.sql.replaceAll(first!, name) }),
        })),
      )
  }
  return { schemas: digests.size, faults }
}

function checkPlace(catalog: Catalog, registry: Registry, schema: string, runtime: Runtime): readonly Finding[] {
  const { declared, secured } = tenantTables(registry, schema)
  const names = new Map(tenantResources(registry, 'schema').map((resource) => [resource.sqlName, resource.name]))
  return [
    ...checkSchema(catalog, schema, runtime),
    ...declared.flatMap((table) => checkDeclaredTables(catalog, table, names.get(table.name) ?? table.name)),
    ...secured.flatMap((table) => {
      const live = findTable(catalog, table.schema, table.name)
      return live ? checkTenantTable(table, live, runtime) : []
    }),
    ...checkUndeclared(catalog, secured, runtime),
    ...catalog.views
      .filter((view) => view.schema === schema && !view.securityInvoker)
      .map((view) =>
        faultInSql(
          'tenant_view_unsafe',
          `view ${schema}.${view.name}`,
          `reads with the rights of its owner ${view.owner}, past the policies of whoever asks`,
          `alter view ${tableInSql(view)} set (security_invoker = true);`,
        ),
      ),
  ]
}

/** The runtime login may look into the schema and make nothing there: what it made would be found by the next search_path. */
function checkSchema(catalog: Catalog, name: string, { roles, grantees }: Runtime): readonly Finding[] {
  const path = `schema ${name}`
  const schema = catalog.schemas.find((one) => one.name === name)
  if (!schema) return [fault('tenant_schema_missing', path, 'is gone', MIGRATE)]
  const found: Finding[] = []
  if (schema.owner !== roles.owner) {
    const problem = `belongs to ${schema.owner}, who can put other tables there`
    const sql = `alter schema ${name} owner to ${identifier(roles.owner)};`
    found.push(faultInSql('tenant_schema_owner', path, problem, sql))
  }
  for (const grant of schema.grants) {
    if (!grantees.has(grant.grantee) || !grant.privileges.includes('CREATE')) continue
    const who = grant.grantee === 'public' ? 'public' : identifier(grant.grantee)
    const sql = `revoke create on schema ${name} from ${who};`
    found.push(faultInSql('tenant_schema_open', path, `${grant.grantee} may create objects in it`, sql))
  }
  if (!schema.grants.some((grant) => grant.grantee === roles.app && grant.privileges.includes('USAGE')))
    found.push(fault('tenant_schema_closed', path, `${roles.app} may not use it`, MIGRATE))
  return found
}
