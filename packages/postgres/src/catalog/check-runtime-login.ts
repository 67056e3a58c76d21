import type { Finding, Registry } from '@plinth/core'
import { securedTables } from '../migrate/tables-of.ts'
import type { RoleNames } from '../roles/role-names.ts'
import { identifier } from '../statements/quote.ts'
import { findTable, rolesOf, type Catalog, type CatalogRole } from './catalog.ts'
import { fault, faultInSql } from './fault.ts'
import { MIGRATE } from './fixes.ts'

/** Roles of PostgreSQL that reach the data past its tables. */
const outside = ['pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program']

/** Whether row-level security binds the login that serves requests, by itself and by every role that it can take. */
export function checkRuntimeLogin(catalog: Catalog, roles: RoleNames, registry: Registry): Finding[] {
  const { currentUser, sessionUser } = catalog.session
  const path = `runtime login ${currentUser}`
  const another = `let DATABASE_URL name ${roles.app}, and DATABASE_OWNER_URL the login that migrates`
  const faults: Finding[] = []
  const add = (code: string, problem: string, fix: string): void => void faults.push(fault(code, path, problem, fix))
  const addSql = (code: string, problem: string, sql: string): void =>
    void faults.push(faultInSql(code, path, problem, sql))

  if (sessionUser !== currentUser) {
    add(
      'login_set_role',
      `is only SET ROLE of ${sessionUser}: RESET ROLE gives the rights of ${sessionUser} back`,
      `log in as ${currentUser}`,
    )
  }
  const reached = rolesOf(catalog, currentUser)
  for (const name of new Set([sessionUser, ...reached])) {
    const role = catalog.roles.find((one) => one.name === name)
    if (role) faults.push(...checkPowers(role, name === currentUser || name === sessionUser, path, another))
    if (outside.includes(name))
      addSql(
        'login_reads_files',
        `is a member of ${name}: it reads and writes the files of the server`,
        `revoke ${name} from ${identifier(currentUser)};`,
      )
  }
  for (const name of [roles.owner, roles.system, roles.lookup, roles.backup]) {
    if (name === currentUser) add('login_sees_all', `is ${name}, which sees every tenant`, another)
    else if (reached.has(name))
      addSql(
        'login_sees_all',
        `is a member of ${name}, which sees every tenant`,
        `revoke ${identifier(name)} from ${identifier(currentUser)};`,
      )
  }
  if (!reached.has(roles.app) && catalog.roles.some((role) => role.name === roles.app)) {
    addSql(
      'login_not_member',
      `is not a member of ${roles.app}, so no policy lets it see anything`,
      `grant ${identifier(roles.app)} to ${identifier(currentUser)};`,
    )
  }
  const owned = securedTables(registry).filter((table) => {
    const owner = findTable(catalog, table.schema, table.name)?.owner
    return owner !== undefined && owner !== roles.owner && reached.has(owner)
  })
  if (owned.length > 0)
    add(
      'login_owns_tables',
      `owns ${owned.map((table) => table.name).join(', ')}: an owner can switch row-level security off`,
      `${MIGRATE}, which gives them to ${roles.owner}`,
    )
  if (reached.has(catalog.session.databaseOwner)) {
    add(
      'login_owns_database',
      'owns the database: it can create in schema public and preset plinth.tenant for others',
      another,
    )
  }
  for (const name of ['plinth', 'public']) {
    if (mayCreate(catalog, name, reached)) {
      // A function in `public` that fits better than one of PostgreSQL's is called by whoever comes next, as that role.
      addSql(
        'login_creates',
        `may create objects in schema ${name}, which run as ${roles.system} and ${roles.owner} when those use them`,
        `revoke create on schema ${name} from public, ${identifier(currentUser)};`,
      )
    }
  }
  return [...faults, ...checkPresets(catalog, roles)]
}

function mayCreate(catalog: Catalog, name: string, reached: ReadonlySet<string>): boolean {
  const schema = catalog.schemas.find((one) => one.name === name)
  if (!schema) return false
  if (reached.has(schema.owner)) return true
  return schema.grants.some(
    (grant) => grant.privileges.includes('CREATE') && (grant.grantee === 'public' || reached.has(grant.grantee)),
  )
}

function checkPowers(role: CatalogRole, direct: boolean, path: string, another: string): Finding[] {
  const how = direct
    ? role.name === path.split(' ').at(-1)
      ? ''
      : `(session user ${role.name}) `
    : `can become ${role.name}, which `
  const name = identifier(role.name)
  if (role.superuser)
    return [fault('login_superuser', path, `${how}is a superuser: row-level security does not exist for it`, another)]
  const faults: Finding[] = []
  if (role.bypassRls)
    faults.push(
      faultInSql(
        'login_bypassrls',
        path,
        `${how}has BYPASSRLS: it sees every tenant`,
        `alter role ${name} nobypassrls;`,
      ),
    )
  if (role.createRole)
    faults.push(
      faultInSql(
        'login_createrole',
        path,
        `${how}has CREATEROLE: it can make itself a member of the owner`,
        `alter role ${name} nocreaterole;`,
      ),
    )
  if (role.replication)
    faults.push(
      faultInSql(
        'login_replication',
        path,
        `${how}has REPLICATION: it reads every row from the write-ahead log`,
        `alter role ${name} noreplication;`,
      ),
    )
  return faults
}

const harmless =
  /^(statement_timeout|lock_timeout|idle_in_transaction_session_timeout|idle_session_timeout|transaction_timeout|timezone|datestyle|intervalstyle|application_name|log_\w+)=/i

/**
 * "No tenant" must mean no rows. A tenant that is set from the start would make it that tenant's rows. Other settings of the
 * runtime roles (a search_path, read-only transactions) are no work of migrate(): the role may set them for itself, so they
 * may be the work of injected SQL. Time limits are an operator's business.
 */
function checkPresets(catalog: Catalog, roles: RoleNames): Finding[] {
  const ours = new Set<string | null>([roles.app, roles.system, catalog.session.sessionUser])
  const odd = catalog.presets.filter(
    ({ role, setting }) => setting.startsWith('plinth.') || (ours.has(role) && !harmless.test(setting)),
  )
  const faults = odd.map(({ role, database, setting }) => {
    const target =
      role !== null && database !== null
        ? `role ${identifier(role)} in database ${identifier(database)}`
        : role !== null
          ? `role ${identifier(role)}`
          : `database ${identifier(database ?? 'postgres')}`
    return faultInSql(
      'setting_preset',
      `setting ${setting}`,
      'is set from the start of every session, and not by migrate()',
      `alter ${target} reset ${setting.split('=')[0]};`,
    )
  })
  if (faults.length > 0 || catalog.session.tenant === null) return faults
  return [
    fault(
      'setting_preset',
      `setting plinth.tenant=${catalog.session.tenant}`,
      'is set when a connection begins',
      'take it out of DATABASE_URL (options=-c …), PGOPTIONS and postgresql.conf',
    ),
  ]
}
