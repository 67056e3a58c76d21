import { identifier, literal } from '../statements/quote.ts'
import type { Step } from '../migrate/run-step.ts'
import { passwordVerifier, verifiesPassword } from './password-verifier.ts'
import type { RoleState } from './read-roles.ts'
import type { RoleNames } from './role-names.ts'

export type RoleStates = ReadonlyMap<string, RoleState>

/** What creates the roles that are missing. No passwords, no BYPASSRLS; the backup role is made apart. */
export function missingRoles(roles: RoleNames, found: RoleStates): Step[] {
  const wanted: readonly (readonly [name: string, attributes: string])[] = [
    [roles.owner, 'nologin'],
    [roles.app, 'login'],
    [roles.lookup, 'nologin'],
    [roles.system, 'login'],
  ]
  return wanted
    .filter(([name]) => !found.has(name))
    .map(([name, attributes]) => ({
      sql: `create role ${identifier(name)} ${attributes}`,
      words: `created role ${name}`,
    }))
}

const powers = [
  ['superuser', 'nosuperuser'],
  // Without it FORCE ROW LEVEL SECURITY is a word: the owner would be free of the policies he keeps.
  ['bypassRls', 'nobypassrls'],
  // On PostgreSQL 15 whoever has CREATEROLE can make himself a member of the owner.
  ['createRole', 'nocreaterole'],
  ['createDb', 'nocreatedb'],
  // Reads every row of every tenant from the write-ahead log.
  ['replication', 'noreplication'],
] as const

/** Takes away what somebody gave to Plinth's roles and what they must not have. */
export function excessPowers(roles: RoleNames, found: RoleStates): Step[] {
  return [roles.owner, roles.app, roles.lookup, roles.system].flatMap((name) => {
    const role = found.get(name)
    const excess = powers.filter(([power]) => role?.[power] === true).map(([, remedy]) => remedy)
    if (excess.length === 0) return []
    return [
      {
        sql: `alter role ${identifier(name)} ${excess.join(' ')}`,
        words: `took from role ${name}: ${excess.join(', ')}`,
      },
    ]
  })
}

/**
 * Lets a role of ours log in with this password. Compared first where it can be (superusers read pg_authid): every ALTER ROLE
 * rewrites the cluster-wide row, and two at once fail. `quiet` marks what is done blindly and therefore no news.
 */
export function loginStep(
  name: string,
  password: string | undefined,
  found: RoleStates,
): (Step & { readonly quiet: boolean }) | undefined {
  const role = found.get(name)
  const changes: string[] = []
  if (role && !role.canLogin) changes.push('login')
  const blind = role !== undefined && role.verifier === undefined
  if (password !== undefined && (blind || !verifiesPassword(role?.verifier ?? null, password))) {
    changes.push(`password ${literal(passwordVerifier(password))}`)
  }
  if (changes.length === 0) return undefined
  return {
    sql: `alter role ${identifier(name)} ${changes.join(' ')}`,
    words: password === undefined ? `let role ${name} log in` : `set the password of role ${name}`,
    quiet: blind && role.canLogin,
  }
}

/** Backups must see every row: without BYPASSRLS pg_dump fails, with --enable-row-security it writes an empty dump, exit 0. */
export function backupSteps(roles: RoleNames, found: RoleStates): Step[] {
  const role = found.get(roles.backup)
  const name = identifier(roles.backup)
  const steps: Step[] = []
  if (!role) steps.push({ sql: `create role ${name} nologin bypassrls`, words: `created role ${roles.backup}` })
  else if (!role.bypassRls)
    steps.push({ sql: `alter role ${name} bypassrls`, words: `let role ${roles.backup} read every row` })
  if (!role?.memberOf.includes('pg_read_all_data')) {
    steps.push({ sql: `grant pg_read_all_data to ${name}`, words: `let role ${roles.backup} read every table` })
  }
  return steps
}
