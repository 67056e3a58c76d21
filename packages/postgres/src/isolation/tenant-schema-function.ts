import type { Registry } from '@plinth/core'
import type { Catalog, CatalogFunction, CatalogTable } from '../catalog/catalog.ts'
import type { Connection } from '../drivers/driver.ts'
import { additionsOf } from '../migrate/comparison.ts'
import { compareTables } from '../migrate/compare-tables.ts'
import { tableInSql } from '../migrate/print-table.ts'
import { runSteps, type Step } from '../migrate/run-step.ts'
import { securingSteps } from '../migrate/secure-table.ts'
import type { RoleNames } from '../roles/role-names.ts'
import { identifier, literal } from '../statements/quote.ts'
import { tenantTables } from './place-tables.ts'

/** Stands for the schema in the stored statements. No identifier of a declaration is this one. */
const PLACE = '?tenant'
const NAME = 'make_tenant_schema'

/** What {@link makeTenantSchema} runs, as `plinth_system`. */
export const MAKE_TENANT_SCHEMA = `select plinth.${NAME}($1::uuid)::text as "made"`

/**
 * Founding a tenant makes tables, and no login of the running product may. So the owner keeps one function that makes exactly
 * what is declared, in the schema of a tenant that exists and has none yet, and only `plinth_system` may call it: not
 * the runtime login, under which injected SQL would run.
 */
export function functionStep(registry: Registry, roles: RoleNames): readonly Step[] {
  const words = 'made the function that makes the schema of a new tenant'
  const signature = `plinth.${NAME}(uuid)`
  return [
    {
      // The types of extensions lie in `public`, where nobody but the owner may create (checked at start).
      sql: `create or replace function plinth.${NAME}(tenant uuid) returns void language plpgsql volatile security definer
  set search_path = pg_catalog, public, pg_temp as ${literal(functionSource(registry, roles))}`,
      words,
    },
    { sql: `revoke all on function ${signature} from public, ${identifier(roles.app)}`, words },
    { sql: `grant execute on function ${signature} to ${identifier(roles.system)}`, words },
  ]
}

function functionSource(registry: Registry, roles: RoleNames): string {
  const steps = statements(registry, roles)
    .map((sql) => `\n    ${literal(sql)}`)
    .join(',')
  return `
declare
  place constant text := 'tenant_' || pg_catalog.replace(tenant::text, '-', '');
  step text;
begin
  if not exists (select from plinth.tenants t where t.id = tenant) then
    raise exception 'there is no tenant %', tenant using errcode = 'no_data_found';
  end if;
  foreach step in array array[${steps}
  ]::text[] loop
    execute pg_catalog.replace(step, ${literal(identifier(PLACE))}, place);
  end loop;
end`
}

function statements(registry: Registry, roles: RoleNames): readonly string[] {
  const { declared, secured } = tenantTables(registry, PLACE)
  const place = identifier(PLACE)
  // The types are shared, and there before the first tenant is.
  const enums = declared.flatMap((table) => table.columns.flatMap((column) => column.enum ?? []))
  const made = additionsOf(compareTables(declared, { ...nothing, enums }))
  return [
    `create schema ${place}`,
    `revoke all on schema ${place} from public`,
    `grant usage on schema ${place} to ${identifier(roles.app)}, ${identifier(roles.system)}`,
    ...made.map((step) => step.sql),
    ...secured.flatMap((table) => [
      // What ALTER DEFAULT PRIVILEGES of the host may have given.
      `revoke all on ${tableInSql(table)} from public, ${identifier(roles.app)}, ${identifier(roles.system)}`,
      ...securingSteps(table, bare(table), roles).map((step) => step.sql),
    ]),
  ]
}

const nothing: Catalog = {
  session: { currentUser: '', sessionUser: '', databaseOwner: '', tenant: null },
  roles: [],
  schemas: [],
  tables: [],
  views: [],
  functions: [],
  enums: [],
  presets: [],
}

function bare(table: { readonly schema: string; readonly name: string }): CatalogTable {
  return {
    schema: table.schema,
    name: table.name,
    owner: '',
    kind: 'table',
    comment: null,
    rowSecurity: false,
    forced: false,
    written: false,
    columns: [],
    indexes: [],
    constraints: [],
    policies: [],
    grants: [],
    columnGrants: [],
  }
}

/** Whether the function in the database is the one of this code: else new tenants would get other tables than old ones. */
export function isFunctionCurrent(found: CatalogFunction | undefined, registry: Registry, roles: RoleNames): boolean {
  return (
    found !== undefined &&
    found.source === functionSource(registry, roles) &&
    found.owner === roles.owner &&
    found.securityDefiner &&
    found.grants.length === 1 &&
    found.grants[0]?.grantee === roles.system
  )
}

export function findFunction(catalog: Catalog): CatalogFunction | undefined {
  return catalog.functions.find((one) => one.schema === 'plinth' && one.name === NAME)
}

/** Makes or renews it, as the owner, where it is not the one of this code. */
export async function ensureFunction(
  connection: Connection,
  catalog: Catalog,
  registry: Registry,
  roles: RoleNames,
): Promise<readonly string[]> {
  if (isFunctionCurrent(findFunction(catalog), registry, roles)) return []
  const steps = functionStep(registry, roles)
  await runSteps(connection, steps)
  return [steps[0]!.words]
}
