import { createHash } from 'node:crypto'
import type { Registry } from '@plinth/core'
import type { Catalog, CatalogFunction, CatalogTable } from '../catalog/catalog.ts'
import type { Connection } from '../drivers/driver.ts'
import type { Added } from '../migrate/add-missing.ts'
import { additionsOf } from '../migrate/comparison.ts'
import { compareTables } from '../migrate/compare-tables.ts'
import { tableInSql } from '../migrate/print-table.ts'
import { runSteps, type Step } from '../migrate/run-step.ts'
import { securingSteps, type SecuredTable } from '../migrate/secure-table.ts'
import type { RoleNames } from '../roles/role-names.ts'
import { identifier, literal } from '../statements/quote.ts'
import { tenantTables } from './place-tables.ts'
import { PLACE } from './tenant-schema.ts'

const NAME = 'make_tenant_schema'

/** What {@link makeTenantSchema} runs, as `plinth_system`. */
export const MAKE_TENANT_SCHEMA = `select plinth.${NAME}($1::uuid)::text as "made"`

/**
 * Founding a tenant makes tables, and no login of the running product may. So the owner keeps one function that makes exactly
 * what is declared, in the schema of a tenant that exists and has none yet, and only `plinth_system` may call it: not
 * the runtime login, under which injected SQL would run.
 */
export function functionSteps(source: string, roles: RoleNames): readonly Step[] {
  const words = 'made the function that makes the schema of a new tenant'
  const signature = `plinth.${NAME}(uuid)`
  return [
    {
      // The types of extensions lie in `public`, where nobody but the owner may create (checked at start).
      sql: `create or replace function plinth.${NAME}(tenant uuid) returns void language plpgsql volatile security definer
  set search_path = pg_catalog, public, pg_temp as ${literal(source)}`,
      words,
    },
    { sql: `revoke all on function ${signature} from public, ${identifier(roles.app)}`, words },
    { sql: `grant execute on function ${signature} to ${identifier(roles.system)}`, words },
  ]
}

/** The function that makes what is declared. */
function declaredSource(registry: Registry, roles: RoleNames): string {
  return sourceOf(statements(registry, roles))
}

/**
 * The function that replays a drizzle-kit folder. The start does not know the folder, so the function says what it leads to, what
 * it was made of, and (it was tried) that it does.
 * @param folder a digest of what it was made of
 */
export function replayingSource(
  registry: Registry,
  roles: RoleNames,
  folder: string,
  steps: readonly string[],
): string {
  const body = sourceOf(steps)
  return `\n-- leads to ${digest(declaredSource(registry, roles))} by ${folder} as ${digest(body)}${body}`
}

/** What such a function says of itself; undefined where it is none, or was edited. */
function replayed(source: string): { readonly leadsTo: string; readonly folder: string } | undefined {
  const [, leadsTo, folder, as, body] = /^\n-- leads to (\w+) by (\w+) as (\w+)(\n[\s\S]*)$/.exec(source) ?? []
  return leadsTo === undefined || folder === undefined || digest(body!) !== as ? undefined : { leadsTo, folder }
}

export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function sourceOf(statementsOf: readonly string[]): string {
  const steps = statementsOf.map((sql) => `\n    ${literal(sql)}`).join(',')
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

/** An empty schema that the runtime roles may look into. */
export function schemaStatements(roles: RoleNames): readonly string[] {
  const place = identifier(PLACE)
  return [
    `create schema ${place}`,
    `revoke all on schema ${place} from public`,
    `grant usage on schema ${place} to ${identifier(roles.app)}, ${identifier(roles.system)}`,
  ]
}

/** What ALTER DEFAULT PRIVILEGES of the host may have given. */
export function closingStatement(table: SecuredTable, roles: RoleNames): string {
  return `revoke all on ${tableInSql(table)} from public, ${identifier(roles.app)}, ${identifier(roles.system)}`
}

function statements(registry: Registry, roles: RoleNames): readonly string[] {
  const { declared, secured } = tenantTables(registry, PLACE)
  // The types are shared, and there before the first tenant is.
  const enums = declared.flatMap((table) => table.columns.flatMap((column) => column.enum ?? []))
  const made = additionsOf(compareTables(declared, { ...nothing, enums }))
  return [
    ...schemaStatements(roles),
    ...made.map((step) => step.sql),
    ...secured.flatMap((table) => [
      closingStatement(table, roles),
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

/**
 * Whether the function in the database makes what is declared: else new tenants would get other tables than old ones.
 * @param folder where given, only a function that was made of it
 */
export function isFunctionCurrent(
  found: CatalogFunction | undefined,
  registry: Registry,
  roles: RoleNames,
  folder?: string,
): boolean {
  if (
    found === undefined ||
    found.owner !== roles.owner ||
    !found.securityDefiner ||
    found.grants.length !== 1 ||
    found.grants[0]?.grantee !== roles.system
  )
    return false
  const declared = declaredSource(registry, roles)
  const said = replayed(found.source ?? '')
  if (!said) return folder === undefined && found.source === declared
  return said.leadsTo === digest(declared) && (folder ?? said.folder) === said.folder
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
): Promise<Added> {
  if (isFunctionCurrent(findFunction(catalog), registry, roles)) return { applied: [], warnings: [] }
  const steps = functionSteps(declaredSource(registry, roles), roles)
  await runSteps(connection, steps)
  return { applied: [steps[0]!.words], warnings: [] }
}
