import {
  asSystem,
  PlinthError,
  problem,
  statement,
  type Context,
  type InputFault,
  type Platform,
  type Transaction,
} from '@plinth/core'
import type { DeclaredRole } from './declared-roles.ts'
import type { DefinitionsOf } from './definitions.ts'
import { faultOf } from './known-permissions.ts'
import { rbacLogEvents } from './log-events.ts'
import { readPermissions } from './role-rights.ts'
import { canonicalText, type PermissionSpelling } from './spelling.ts'
import { roles } from './tables.ts'

/** What happens to one role of a tenant, or would. Permissions as they are stored. */
export interface RoleChange {
  readonly role: string
  readonly change: 'create' | 'update' | 'keep'
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

/** A role as it is to be. Without a description, the one that there is stays. */
export interface WantedRole {
  readonly name: string
  readonly description?: string | null
  readonly permissions: readonly string[]
}

export interface ApplyOptions {
  /** Of a role that there is: leave it as the tenant has it, or make it what is wanted. */
  readonly existing: 'keep' | 'replace'
  /** Says what would be done, and does nothing. */
  readonly dryRun?: boolean | undefined
}

/** Attempts against roles of the same name that somebody makes over HTTP at the same moment. */
const ATTEMPTS = 3

/**
 * Makes roles of a tenant what is wanted: all of them or, where one fails, none. Repeated it changes nothing, and of many at once each finds
 * what the one before has done.
 * @param tenant id or slug
 * @throws not_found, validation_failed
 */
export async function applyRoles(
  platform: Platform,
  definitions: DefinitionsOf,
  tenant: string,
  wanted: readonly WantedRole[],
  options: ApplyOptions,
): Promise<readonly RoleChange[]> {
  refuseBuiltIn(definitions, wanted)
  for (let attempt = 1; ; attempt += 1)
    try {
      const changes = await asSystem(platform, 'roles of a tenant', tenant, async (context, transaction) => {
        // Those who apply wait for each other: the later one then reads what the earlier one made.
        await transaction.hold('rbac roles', 'alone')
        return changeRoles(context, transaction, wanted, options)
      })
      if (options.dryRun !== true) tell(platform, tenant, changes, options)
      return changes
    } catch (error) {
      if (attempt === ATTEMPTS || !PlinthError.is(error) || error.code !== 'already_exists') throw error
    }
}

/** Once it is committed; what changed in which role is in the audit log. */
function tell(
  { log }: Platform,
  tenant: string,
  changes: readonly RoleChange[],
  { existing }: Pick<ApplyOptions, 'existing'>,
): void {
  const changed = changes.filter(({ change }) => change !== 'keep').map(({ role }) => role)
  if (existing === 'keep') log.info(rbacLogEvents.defaultPoliciesCreated, { tenant, roles: changed })
  else for (const role of changed) log.info(rbacLogEvents.rolePolicyUpdated, { tenant, role })
}

/** In the order of names, so that two who lock the same rows wait for each other instead of a deadlock. */
async function changeRoles(
  context: Context,
  transaction: Transaction,
  wanted: readonly WantedRole[],
  { existing, dryRun }: ApplyOptions,
): Promise<readonly RoleChange[]> {
  const stored = await storedRoles(transaction, context.tenant.id, wanted)
  const changes: RoleChange[] = []
  for (const role of wanted.toSorted((left, right) => (left.name < right.name ? -1 : 1))) {
    const found = stored.get(role.name)
    const change = compare(role, found, existing)
    changes.push(change)
    if (dryRun === true || change.change === 'keep') continue
    const { name, permissions } = role
    const description = role.description === undefined ? {} : { description: role.description }
    if (found) await context.update(roles, found.id, { permissions, ...description })
    else await context.create(roles, { name, permissions, ...description })
  }
  return changes
}

interface StoredRole {
  readonly id: string
  readonly description: string | null
  readonly permissions: readonly string[]
}

async function storedRoles(
  transaction: Transaction,
  tenantId: string,
  wanted: readonly WantedRole[],
): Promise<ReadonlyMap<string, StoredRole>> {
  const names = wanted.map((role) => role.name)
  const rows = await transaction.run(statement`
    select id, name, description, permissions::text as permissions from plinth.roles
    where tenant_id = ${tenantId}::uuid and name = any (${names}::text[]) order by name for update`)
  return new Map(
    rows.map((row) => [
      String(row['name']),
      {
        id: String(row['id']),
        description: row['description'] === null ? null : String(row['description']),
        permissions: readPermissions(JSON.parse(String(row['permissions']))),
      },
    ]),
  )
}

function compare(wanted: WantedRole, found: StoredRole | undefined, existing: ApplyOptions['existing']): RoleChange {
  const role = wanted.name
  if (!found) return { role, change: 'create', added: wanted.permissions, removed: [] }
  if (existing === 'keep') return { role, change: 'keep', added: [], removed: [] }
  const added = wanted.permissions.filter((one) => !found.permissions.includes(one))
  const removed = found.permissions.filter((one) => !wanted.permissions.includes(one))
  const described = wanted.description === undefined || wanted.description === found.description
  const same = added.length === 0 && removed.length === 0 && described
  return { role, change: same ? 'keep' : 'update', added, removed }
}

/** @throws validation_failed: what is built in is code, and a row of that name would say something that does not hold */
function refuseBuiltIn({ reserved }: DefinitionsOf, wanted: readonly WantedRole[]): void {
  const errors = wanted
    .filter(({ name }) => reserved.has(name))
    .map(({ name }): InputFault => ({ path: `/${name}`, code: 'reserved', message: `The role ${name} is built in` }))
  if (errors.length > 0) throw problem('validation_failed', { errors })
}

/** What a product declares for its tenants, as it is stored. The permissions were checked when it was read. */
export function wantedRoles({ known }: DefinitionsOf, declared: readonly DeclaredRole[]): readonly WantedRole[] {
  return declared.map(({ name, description, permissions }) => ({
    name,
    description,
    permissions: [...new Set(permissions.flatMap((one) => canonicalText(one, known.nameModel) ?? []))],
  }))
}

/** @throws validation_failed with the place of each permission that there is not */
export function storedTexts({ known }: DefinitionsOf, permissions: readonly PermissionSpelling[]): readonly string[] {
  const errors = permissions.flatMap((given, at): InputFault[] => {
    const message = faultOf(known.permissions, known.nameModel, given)
    return message === undefined ? [] : [{ path: `/permissions/${at}`, code: 'unknown_permission', message }]
  })
  if (errors.length > 0) throw problem('validation_failed', { errors })
  return [...new Set(permissions.flatMap((one) => canonicalText(one, known.nameModel) ?? []))]
}
