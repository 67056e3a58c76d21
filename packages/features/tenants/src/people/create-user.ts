import {
  accountFields,
  addMember,
  always,
  jsonAnswer,
  problem,
  refuseGrant,
  refuseNarrow,
  refuseQuery,
  rowPrinter,
  validate,
  type Call,
  type TextAnswer,
} from '@plinth/core'
import { z } from 'zod'
import { invite, refuseMember, type Inviting } from '../invitations/invite.ts'
import { mailAddress } from '../mail-address.ts'
import { roleNames } from './role-names.ts'
import { members } from './user-resource.ts'

export const newUser = z
  .object({
    email: mailAddress,
    name: accountFields.name.default(''),
    username: accountFields.username.optional().describe('With a password only: others choose theirs when they come'),
    password: accountFields.password
      .optional()
      .describe('Makes the account at once, its address unverified; without one he is invited'),
    roles: roleNames.default(['user']),
  })
  .meta({ id: 'NewUser' })

/**
 * `POST /users`: invites, or makes an account where a password is given.
 * @throws validation_failed, permission_denied, already_exists
 */
export async function createUser(call: Call, inviting: Inviting): Promise<TextAnswer> {
  refuseQuery(call)
  refuseNarrow(call)
  const { platform, request, scope } = call
  const { password, username, ...guest } = validate(newUser, call.body)
  const { email, name, roles } = guest
  await refuseGrant(platform, request.principal, scope.tenantId, roles)
  if (password === undefined) return invite(call, inviting, guest)
  if (!platform.accounts) throw unsupported()
  // A request that is sent again costs no second hash.
  const before = await call.replay()
  if (before) return before
  const draft = { email, name, password, ...(username !== undefined && { username }) }
  const prepared = await platform.accounts.prepare(platform, draft)
  return call.transactAsSystem(async (system, transaction) => {
    await refuseMember(system, scope.tenantId, email)
    const made = await prepared.create(system)
    if ('taken' in made) throw taken(made.taken)
    const { userId } = made
    await addMember(system, { tenantId: scope.tenantId, userId, roles })
    await transaction.emit({ type: 'user.created', key: userId, data: { id: userId, status: 'active', roles } })
    const resource = platform.registry.byTable.get(members)!
    const row = await transaction.read({ resource, id: userId, visible: always })
    if (!row) throw new Error('the new member is not there')
    const printer = rowPrinter(resource)
    const location = `${platform.basePath}/api/v1/users/${userId}`
    return jsonAnswer(201, printer.print(row), { etag: printer.etag(row), location })
  })
}

/** An account of this address or name is somebody's. Whoever has it can be invited. */
export function taken(field: 'email' | 'username'): Error {
  const errors = [{ path: `/${field}`, code: 'taken', message: 'There is an account with it; invite whoever has it' }]
  return problem('already_exists', { errors })
}

export function unsupported(): Error {
  const errors = [{ path: '/password', code: 'unsupported', message: 'There are no accounts here; invite him' }]
  return problem('validation_failed', { errors })
}
