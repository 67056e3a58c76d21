import { StartupError, type StartupFault } from '@plinth/core'
import type { Connection, Driver } from '../drivers/driver.ts'
import { lockedTransaction, sqlState } from '../migrate/locked-transaction.ts'
import { runSteps, type Step } from '../migrate/run-step.ts'
import { identifier } from '../statements/quote.ts'
import { readLogin, readRoles, type MigratingLogin, type RoleState } from './read-roles.ts'
import { roleNames, type RoleNames } from './role-names.ts'
import { backupSteps, excessPowers, loginStep, missingRoles } from './role-steps.ts'

export interface RoleOptions {
  /** What the names of the roles begin with: `plinth_`. */
  readonly rolePrefix: string
  /** The runtime login, as DATABASE_URL names it. Another name than `{prefix}app` becomes a member of `{prefix}app`. */
  readonly appLogin?: { readonly user: string; readonly password?: string | undefined } | undefined
  readonly systemPassword?: string | undefined
}

export interface RoleReport {
  /** What was done, in words. */
  readonly applied: readonly string[]
  readonly warnings: readonly string[]
}

/** `server_version_num`. */
const OLDEST = 150_000

/**
 * Makes the roles that are missing and nothing else. Safe to run at any time, by several processes and for several databases
 * of one cluster at once; a second run changes nothing.
 *
 * @param driver the migrating login: a superuser, or a role with CREATEROLE
 * @throws StartupError where the runtime login could get around row-level security, or does not exist
 */
export async function ensureRoles(driver: Driver, options: RoleOptions): Promise<RoleReport> {
  const roles = roleNames(options.rolePrefix)
  const applied = await lockedTransaction(driver, async (connection) => [
    ...(await ensureOwnRoles(connection, roles, options)),
    ...(await ensureMemberships(connection, roles)),
    ...(await ensureAppLogin(connection, roles, options.appLogin?.user)),
  ])
  const backup = await ensureBackup(driver, roles)
  return { applied: [...applied, ...backup.applied], warnings: backup.warnings }
}

async function ensureOwnRoles(connection: Connection, roles: RoleNames, options: RoleOptions): Promise<string[]> {
  const names = [roles.owner, roles.app, roles.lookup, roles.system]
  const before = await readRoles(connection, names)
  const steps = [...missingRoles(roles, before), ...excessPowers(roles, before)]
  await runSteps(connection, steps)
  const found = steps.length > 0 ? await readRoles(connection, names) : before
  const { appLogin } = options
  const logins = [
    appLogin?.user === roles.app ? loginStep(roles.app, appLogin.password, found) : undefined,
    options.systemPassword === undefined ? undefined : loginStep(roles.system, options.systemPassword, found),
  ].filter((step) => step !== undefined)
  await runSteps(connection, logins)
  return [...steps, ...logins.filter((step) => !step.quiet)].map((step) => step.words)
}

/** The migrating login must be able to become the owner (to own what it makes) and the lookup role (its functions). */
async function ensureMemberships(connection: Connection, roles: RoleNames): Promise<string[]> {
  const login = await readLogin(connection)
  if (login.serverVersion < OLDEST) {
    const words = `is PostgreSQL ${Math.floor(login.serverVersion / 10_000)}; views with the rights of whoever asks came with 15`
    throw new StartupError([{ path: 'the server', problem: words, fix: 'use PostgreSQL 15 or newer' }])
  }
  if (login.superuser) return []
  const steps: Step[] = []
  for (const role of [roles.owner, roles.lookup]) {
    if (await isMember(connection, login.name, role, canBecome(login))) continue
    steps.push({
      sql: `grant ${identifier(role)} to ${identifier(login.name)}`,
      words: `let ${login.name} become ${role}`,
    })
  }
  await runSteps(connection, steps)
  return steps.map((step) => step.words)
}

/** Since PostgreSQL 16 a membership may lack SET, and the one that CREATEROLE gives to the creator of a role does. */
function canBecome(login: MigratingLogin): 'SET' | 'MEMBER' {
  return login.serverVersion >= 160_000 ? 'SET' : 'MEMBER'
}

async function isMember(
  connection: Connection,
  login: string,
  role: string,
  how: 'SET' | 'MEMBER' | 'USAGE',
): Promise<boolean> {
  const [row] = await connection.query('select pg_has_role($1::name, $2::name, $3::text) as yes', [login, role, how])
  return row?.['yes'] === true
}

async function ensureAppLogin(connection: Connection, roles: RoleNames, user: string | undefined): Promise<string[]> {
  if (user === undefined || user === roles.app) return []
  const state = (await readRoles(connection, [user])).get(user)
  const faults = await loginFaults(connection, roles, user, state)
  if (faults.length > 0) throw new StartupError(faults)
  if (await isMember(connection, user, roles.app, 'USAGE')) return []
  const step = {
    sql: `grant ${identifier(roles.app)} to ${identifier(user)}`,
    words: `made ${user} a member of ${roles.app}`,
  }
  await runSteps(connection, [step])
  if (!(await isMember(connection, user, roles.app, 'USAGE'))) {
    throw new StartupError([
      fault(
        user,
        `is NOINHERIT, so it has the rights of ${roles.app} only after SET ROLE`,
        `alter role ${identifier(user)} inherit;`,
      ),
    ])
  }
  return [step.words]
}

async function loginFaults(
  connection: Connection,
  roles: RoleNames,
  user: string,
  state: RoleState | undefined,
): Promise<StartupFault[]> {
  if (!state) return [fault(user, 'does not exist', `create role ${identifier(user)} login password '…';`)]
  const another = `give DATABASE_URL the login ${roles.app}; keep ${user} for DATABASE_OWNER_URL`
  if (state.superuser)
    return [fault(user, 'is a superuser: row-level security does not bind it, it sees every tenant', another)]
  const faults: StartupFault[] = []
  if (state.bypassRls) {
    faults.push(fault(user, 'has BYPASSRLS: it sees every tenant', `alter role ${identifier(user)} nobypassrls;`))
  }
  for (const role of [roles.owner, roles.system, roles.lookup]) {
    if (user === role || (await isMember(connection, user, role, 'MEMBER')))
      faults.push(fault(user, `is ${role} or a member of it`, another))
  }
  return faults
}

function fault(user: string, problem: string, fix: string): StartupFault {
  return { path: `DATABASE_URL login ${user}`, problem, fix }
}

/** In its own transaction: managed databases do not let everybody give BYPASSRLS away, and that is only a warning. */
async function ensureBackup(driver: Driver, roles: RoleNames): Promise<RoleReport> {
  const read = async (connection: Connection): Promise<Step[]> =>
    backupSteps(roles, await readRoles(connection, [roles.backup]))
  try {
    const steps = await lockedTransaction(driver, async (connection) => {
      const missing = await read(connection)
      await runSteps(connection, missing)
      return missing
    })
    return { applied: steps.map((step) => step.words), warnings: [] }
  } catch (error) {
    // 42501 insufficient_privilege; 0LP01 for a grant of a role that may not be given.
    if (!['42501', '0LP01'].includes(sqlState(error))) throw error
    const steps = await read(driver)
    const lines = steps.map((step) => `${step.sql};`).join(' ')
    return {
      applied: [],
      warnings: [`Backups cannot read every row yet (${roles.backup}). As a superuser run: ${lines}`],
    }
  }
}
