import { addMember } from '@plinth/core'
import type { TestReply } from '@plinth/testing'
import type { AuthPeer, AuthPlatform, SignedUp } from './open-auth.ts'
import { PASSWORD } from './open-auth.ts'

export interface MadeKey {
  readonly id: string
  readonly key: string
  readonly keyPrefix: string
  readonly role: string
}

/** A key of this person, made over HTTP. */
export async function keyOf(
  platform: Pick<AuthPeer, 'call'>,
  { bearer }: Pick<SignedUp, 'bearer'>,
  more: Readonly<Record<string, unknown>> = {},
): Promise<MadeKey> {
  const body = { name: 'A key', role: 'owner', ...more }
  const reply = await platform.call('POST', '/api/v1/auth/api-keys', body, bearer)
  if (reply.status !== 201) throw new Error(`the key was answered ${reply.status}: ${reply.body}`)
  return reply.json as MadeKey
}

/** Asks with a key alone. */
export function askWith(
  platform: Pick<AuthPeer, 'call'>,
  key: string,
  path = '/api/v1/crates',
  method = 'GET',
  body?: unknown,
): Promise<TestReply> {
  return platform.call(method, path, body, { 'x-api-key': key })
}

/** Somebody new in this tenant, signed in there. */
export async function memberOf(
  platform: AuthPlatform,
  tenantId: string,
  ...roles: readonly string[]
): Promise<SignedUp> {
  const person = await platform.signUp()
  await platform.database.system((system) => addMember(system, { tenantId, userId: person.userId, roles }))
  platform.database.forget()
  const reply = await platform.call('POST', '/api/v1/auth/login', {
    email: person.email,
    password: PASSWORD,
    tenant: tenantId,
  })
  const { access_token } = reply.json as { access_token: string }
  return { ...person, tenantId, accessToken: access_token, bearer: { authorization: `Bearer ${access_token}` } }
}
