import type { Registry, StartupFault } from '@plinth/core'
import { securedTables } from '../migrate/tables-of.ts'
import type { RoleNames } from '../roles/role-names.ts'
import { identifier } from '../statements/quote.ts'
import { findTable, rolesOf, type Catalog, type CatalogRole } from './catalog.ts'
import { MIGRATE } from './fixes.ts'

/** Roles of PostgreSQL that reach the data past its tables. */
const outside = ['pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program']

/** Whether row-level security binds the login that serves requests, by itself and by every role that it can take. */
export function checkRuntimeLogin(catalog: Catalog, roles: RoleNames, registry: Registry): StartupFault[] {
  const { currentUser, sessionUser } = catalog.session
  const path = `runtime login ${currentUser}`
  const another = `let DATABASE_URL name ${roles.app}, and DATABASE_OWNER_URL the login that migrates`
  const faults: StartupFault[] = []
  const fault = (problem: string, fix: string): void => void faults.push({ path, problem, fix })

  if (sessionUser !== currentUser) {
    fault(
      `is only SET ROLE of ${sessionUser}: RESET ROLE gives the rights of ${sessionUser} back`,
      `log in as ${currentUser}`,
    )
  }
  const reached = rolesOf(catalog, currentUser)
  for (const name of new Set([sessionUser, ...reached])) {
    const role = catalog.roles.find((one) => one.name === name)
    if (role) faults.push(...checkPowers(role, name === currentUser || name === sessionUser, path, another))
    if (outside.includes(name))
      fault(
        `is a member of ${name}: it reads and writes the files of the server`,
        `revoke ${name} from ${identifier(currentUser)};`,
      )
  }
  for (const name of [roles.owner, roles.system, roles.lookup, roles.backup]) {
    if (reached.has(name))
      fault(
        `is ${name === currentUser ? '' : 'a member of '}${name}, which sees every tenant`,
        name === currentUser ? another : `revoke ${identifier(name)} from ${identifier(currentUser)};`,
      )
  }
  if (!reached.has(roles.app) && catalog.roles.some((role) => role.name === roles.app)) {
    fault(
      `is not a member of ${roles.app}, so no policy lets it see anything`,
      `grant ${identifier(roles.app)} to ${identifier(currentUser)};`,
    )
  }
  const owned = securedTables(registry).filter((table) => {
    const owner = findTable(catalog, table.schema, table.name)?.owner
    return owner !== undefined && owner !== roles.owner && reached.has(owner)
  })
  if (owned.length > 0)
    fault(
      `owns ${owned.map((table) => table.name).join(', ')}: an owner can switch row-level security off`,
      `${MIGRATE}, which gives them to ${roles.owner}`,
    )
  if (reached.has(catalog.session.databaseOwner)) {
    fault('owns the database: it can create in schema public and preset plinth.tenant for others', another)
  }
  for (const name of ['plinth', 'public']) {
    if (mayCreate(catalog, name, reached)) {
      // A function in `public` that fits better than one of PostgreSQL's is called by whoever comes next, as that role.
      fault(
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

function checkPowers(role: CatalogRole, direct: boolean, path: string, another: string): StartupFault[] {
  const how = direct
    ? role.name === path.split(' ').at(-1)
      ? ''
      : `(session user ${role.name}) `
    : `can become ${role.name}, which `
  const name = identifier(role.name)
  if (role.superuser)
    return [{ path, problem: `${how}is a superuser: row-level security does not exist for it`, fix: another }]
  const faults: StartupFault[] = []
  if (role.bypassRls)
    faults.push({ path, problem: `${how}has BYPASSRLS: it sees every tenant`, fix: `alter role ${name} nobypassrls;` })
  if (role.createRole)
    faults.push({
      path,
      problem: `${how}has CREATEROLE: it can make itself a member of the owner`,
      fix: `alter role ${name} nocreaterole;`,
    })
  if (role.replication)
    faults.push({
      path,
      problem: `${how}has REPLICATION: it reads every row from the write-ahead log`,
      fix: `alter role ${name} noreplication;`,
    })
  return faults
}

const harmless =
  /^(statement_timeout|lock_timeout|idle_in_transaction_session_timeout|idle_session_timeout|transaction_timeout|timezone|datestyle|intervalstyle|application_name|log_\w+)=/i

/**
 * "No tenant" must mean no rows. A tenant that is set from the start would make it that tenant's rows. Other settings of the
 * runtime roles (a search_path, read-only transactions) are no work of migrate(): the role may set them for itself, so they
 * may be the work of injected SQL. Time limits are an operator's business.
 */
function checkPresets(catalog: Catalog, roles: RoleNames): StartupFault[] {
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
    return {
      path: `setting ${setting}`,
      problem: 'is set from the start of every session, and not by migrate()',
      fix: `alter ${target} reset ${setting.split('=')[0]};`,
    }
  })
  if (faults.length > 0 || catalog.session.tenant === null) return faults
  return [
    {
      path: `setting plinth.tenant=${catalog.session.tenant}`,
      problem: 'is set when a connection begins',
      fix: 'take it out of DATABASE_URL (options=-c …), PGOPTIONS and postgresql.conf',
    },
  ]
}
