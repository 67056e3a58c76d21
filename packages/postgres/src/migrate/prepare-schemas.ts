import { findTable, type Catalog } from '../catalog/catalog.ts'
import type { Connection } from '../drivers/driver.ts'
import type { RoleNames } from '../roles/role-names.ts'
import { identifier } from '../statements/quote.ts'
import { JOURNAL } from './drizzle-folder.ts'
import { tableInSql } from './print-table.ts'
import { runSteps, type Step } from './run-step.ts'

export interface Prepared {
  readonly applied: readonly string[]
  readonly warnings: readonly string[]
}

/**
 * What the migrating login alone can do, before it becomes the owner: rights on schemas, and tables that somebody else made.
 * @param tables those that Plinth looks after
 * @param typeSchemas where types of other tables lie
 */
export async function prepareSchemas(
  connection: Connection,
  catalog: Catalog,
  roles: RoleNames,
  tables: readonly { readonly schema: string; readonly name: string }[],
  folder: boolean,
  typeSchemas: readonly string[] = [],
): Promise<Prepared> {
  const schemas = [...new Set([...tables.map((table) => table.schema), ...typeSchemas])].sort()
  const steps = [
    ...schemas.flatMap((schema) => schemaSteps(catalog, roles, schema)),
    ...(folder ? [...journalSchema(catalog, roles), ...adoptTables(catalog, roles, [JOURNAL])] : []),
    ...adoptTables(catalog, roles, tables),
  ]
  await runSteps(connection, steps)
  const closed = await closePublicSchema(connection, catalog)
  return { applied: [...steps.map((step) => step.words), ...closed.applied], warnings: closed.warnings }
}

function schemaSteps(catalog: Catalog, roles: RoleNames, name: string): Step[] {
  const schema = catalog.schemas.find((one) => one.name === name)
  if (!schema) {
    return [
      {
        sql: `create schema ${identifier(name)} authorization ${identifier(roles.owner)}`,
        words: `made schema ${name}`,
      },
    ]
  }
  const has = (role: string, privilege: string): boolean =>
    schema.owner === role ||
    schema.grants.some((grant) => grant.grantee === role && grant.privileges.includes(privilege))
  const steps: Step[] = []
  const grant = (role: string, privileges: string): void => {
    steps.push({
      sql: `grant ${privileges} on schema ${identifier(name)} to ${identifier(role)}`,
      words: `granted ${privileges} on schema ${name} to ${role}`,
    })
  }
  // Not by way of PUBLIC: its right to create is taken below, and its right of use is often taken by hosts.
  if (!has(roles.owner, 'CREATE') || !has(roles.owner, 'USAGE')) grant(roles.owner, 'usage, create')
  for (const role of [roles.app, roles.system]) if (!has(role, 'USAGE')) grant(role, 'usage')
  return steps
}

function journalSchema(catalog: Catalog, roles: RoleNames): Step[] {
  const schema = catalog.schemas.find((one) => one.name === JOURNAL.schema)
  const [name, owner] = [identifier(JOURNAL.schema), identifier(roles.owner)]
  if (!schema)
    return [
      {
        sql: `create schema ${name} authorization ${owner}`,
        words: `made schema ${JOURNAL.schema} for the journal of drizzle-kit`,
      },
    ]
  if (schema.owner === roles.owner) return []
  return [
    {
      sql: `grant usage, create on schema ${name} to ${owner}`,
      words: `granted usage, create on schema ${JOURNAL.schema} to ${roles.owner}`,
    },
  ].filter(() => !schema.grants.some((grant) => grant.grantee === roles.owner && grant.privileges.includes('CREATE')))
}

/** Tables that drizzle-kit or an older set-up made as another role. The owner must have them, and nobody at run time may. */
function adoptTables(
  catalog: Catalog,
  roles: RoleNames,
  tables: readonly { readonly schema: string; readonly name: string }[],
): Step[] {
  return tables.flatMap((table) => {
    const live = findTable(catalog, table.schema, table.name)
    if (!live || live.owner === roles.owner || live.kind === 'foreign') return []
    return [
      {
        sql: `alter table ${tableInSql(table)} owner to ${identifier(roles.owner)}`,
        words: `made ${roles.owner} the owner of ${table.name} (was ${live.owner})`,
      },
    ]
  })
}

/**
 * Databases made before PostgreSQL 15 let everybody create in `public`. Whoever can, can put a function or table there that
 * code with a careless search_path takes for another one.
 */
async function closePublicSchema(connection: Connection, catalog: Catalog): Promise<Prepared> {
  const open = catalog.schemas
    .find((one) => one.name === 'public')
    ?.grants.some((grant) => grant.grantee === 'public' && grant.privileges.includes('CREATE'))
  if (!open) return { applied: [], warnings: [] }
  const sql = 'revoke create on schema public from public'
  const [may] = await connection.query(
    `select pg_has_role(session_user, n.nspowner, 'USAGE') as yes from pg_namespace n where n.nspname = 'public'`,
  )
  if (may?.['yes'] !== true)
    return { applied: [], warnings: [`Every login may create objects in schema public. As its owner run: ${sql};`] }
  await runSteps(connection, [{ sql, words: 'took from everybody the right to create in schema public' }])
  return { applied: ['took from everybody the right to create in schema public'], warnings: [] }
}
