import {
  accountFields,
  always,
  changeStanding,
  holdOwners,
  jsonAnswer,
  lockedRow,
  problem,
  refuseAbove,
  refuseGrant,
  refuseNarrow,
  refuseQuery,
  rolesIn,
  rowPrinter,
  statement,
  validate,
  type AccountChange,
  type Call,
  type PreparedChange,
  type RawRow,
  type SystemTransaction,
  type TextAnswer,
  type WrittenChanges,
} from '@plinth/core'
import { z } from 'zod'
import { mailAddress } from '../mail-address.ts'
import { refuseForeignAccount } from './account-rights.ts'
import { taken, unsupported } from './create-user.ts'
import { setRoles } from './set-roles.ts'
import { roleNames } from './role-names.ts'
import { members } from './user-resource.ts'

export const userChange = z
  .object({
    status: z.enum(['active', 'suspended']),
    roles: roleNames,
    email: mailAddress.nullable().describe('Of the account; his own is changed by PATCH /auth/me'),
    username: accountFields.username.nullable().describe('Of the account'),
    name: accountFields.name.describe('Of the account'),
    password: accountFields.password.describe('Of the account; never read back'),
  })
  .partial()
  .meta({ id: 'UserChange' })

type Input = z.output<typeof userChange>

/** What a change would change, of the row as it is. Equal values are no change, so that what GET gave can be PUT. */
interface Wanted {
  readonly status: 'active' | 'suspended' | undefined
  readonly roles: readonly string[] | undefined
  readonly account: AccountChange
}

/**
 * `PATCH` and `PUT /users/:id`. What is absent stays, in a PUT too: a person has no defaults that anybody would want to fall back to.
 * @throws validation_failed, not_found, permission_denied, version_mismatch, already_exists, last_owner
 */
export async function changeUser(call: Call): Promise<TextAnswer> {
  refuseQuery(call)
  const { platform, request, scope, visible } = call
  const input = validate(userChange, call.body)
  const resource = platform.registry.byTable.get(members)!
  const seen = await call.session.read({ resource, id: call.parameters['id']!, visible })
  if (!seen) throw problem('not_found')
  // A request that is sent again costs no second hash.
  const before = await call.replay()
  if (before) return before
  const prepared = await prepareAccount(call, seen, wantedOf(input, seen).account)
  let applied = false
  const answer = await call.transactAsSystem(async (system, transaction) => {
    const userId = String(seen['id'])
    if (prepared) await holdUser(system, userId)
    if (input.status !== undefined || input.roles !== undefined) await holdOwners(system, scope.tenantId)
    const row = await lockedRow(call, transaction, resource)
    const wanted = wantedOf(input, row)
    await authorise(call, system, row, wanted)
    if (wanted.roles) {
      await refuseGrant(rolesIn(platform, system), request.principal, scope.tenantId, wanted.roles)
      await setRoles(system, { tenantId: scope.tenantId, userId, roles: wanted.roles })
    }
    if (wanted.status) await changeStanding(platform, system, { tenantId: scope.tenantId, userId, to: wanted.status })
    if (prepared) await applyAccount(system, prepared, userId)
    applied = prepared !== undefined
    const changed = await transaction.read({ resource, id: userId, visible: always })
    if (!changed) throw problem('not_found')
    if (changed['version'] !== row['version'] || prepared) {
      const data = { id: userId, status: changed['status'], roles: rolesOf(changed) }
      const changes = changesOf(row, changed, prepared ? wanted.account : {})
      await transaction.emit({ type: 'user.updated', key: userId, data, changes })
    }
    const printer = rowPrinter(resource)
    return jsonAnswer(200, printer.print(changed), { etag: printer.etag(changed) })
  })
  if (applied) prepared?.announce()
  return answer
}

/** Hashes nothing for those who may not change the account, and holds no transaction open while it hashes for others. */
async function prepareAccount(call: Call, row: RawRow, account: AccountChange): Promise<PreparedChange | undefined> {
  if (Object.keys(account).length === 0) return undefined
  const { platform } = call
  await platform.database.system((system) => refuseAccount(call, system, row, account))
  if (!platform.accounts) throw unsupported()
  return platform.accounts.prepareChange(platform, account)
}

async function authorise(call: Call, system: SystemTransaction, row: RawRow, wanted: Wanted): Promise<void> {
  if (wanted.status || wanted.roles) {
    // `user:update:own` is for what is one's own: what one is in the tenant is the tenant's.
    refuseNarrow(call)
    await refuseAbove(call.platform, system, call.request.principal, targetOf(call, row))
  }
  if (Object.keys(wanted.account).length > 0) await refuseAccount(call, system, row, wanted.account)
}

async function refuseAccount(
  call: Call,
  system: SystemTransaction,
  row: RawRow,
  account: AccountChange,
): Promise<void> {
  const { principal } = call.request
  const changes = Object.keys(account) as (keyof AccountChange)[]
  const target = targetOf(call, row)
  // Of somebody without an address none is in any domain, whatever he is to have.
  const addresses =
    typeof row['email'] === 'string' ? [row['email'], ...(account.email === undefined ? [] : [account.email])] : []
  const way = await refuseForeignAccount(system, principal, { ...target, changes, addresses })
  if (way !== 'domain') return
  refuseNarrow(call)
  await refuseAbove(call.platform, system, principal, target)
}

function targetOf(call: Call, row: RawRow): { tenantId: string; userId: string } {
  return { tenantId: call.scope.tenantId, userId: String(row['id']) }
}

function rolesOf(row: RawRow): readonly string[] {
  return JSON.parse(String(row['roles'])) as readonly string[]
}

/**
 * For the audit log: whoever may change an account can get into it, by another password or another address. Name, user name and address
 * are personal: there they are encrypted under a key of the user.
 */
function changesOf(before: RawRow, after: RawRow, account: AccountChange): WrittenChanges {
  const own = (['email', 'username', 'name'] as const).filter((field) => before[field] !== after[field])
  return {
    before: { status: before['status'], roles: rolesOf(before) },
    after: { status: after['status'], roles: rolesOf(after) },
    ...(account.password !== undefined && { masked: ['password'] }),
    ...(own.length > 0 && {
      personal: Object.fromEntries(own.map((field) => [field, [before[field], after[field]] as const])),
    }),
  }
}

function wantedOf({ status, roles, email, username, name, password }: Input, row: RawRow): Wanted {
  const sorted = roles && [...new Set(roles)].sort()
  if (email === null && row['email'] !== null)
    throw problem('validation_failed', {
      errors: [{ path: '/email', code: 'not_nullable', message: 'Must not be null' }],
    })
  return {
    status: status === row['status'] ? undefined : status,
    roles: sorted && JSON.stringify(sorted) === JSON.stringify([...rolesOf(row)].sort()) ? undefined : sorted,
    account: {
      ...(typeof email === 'string' && email !== row['email'] && { email }),
      ...(username !== undefined && username !== row['username'] && { username }),
      ...(name !== undefined && name !== row['name'] && { name }),
      ...(password !== undefined && { password }),
    },
  }
}

async function applyAccount(system: SystemTransaction, prepared: PreparedChange, userId: string): Promise<void> {
  const applied = await prepared.apply(system, userId)
  if (applied === false) throw problem('not_found')
  if (applied !== true) throw taken(applied.taken)
}

/** The user before the tenant before the membership, in every change: two of them wait for each other instead of a deadlock. */
export async function holdUser(system: SystemTransaction, userId: string): Promise<void> {
  await system.run(statement`select id from plinth.users where id = ${userId}::uuid for update`)
}
