import {
  softPasskey,
  type Dishonesty,
  type SoftPasskey,
  type SoftPasskeyOptions,
  type TestReply,
} from '@plinth/testing'
import { PUBLIC_URL, type AuthPeer, type AuthPlatform, type SignedUp } from './open-auth.ts'

type On = Pick<AuthPeer, 'call'>
type Headers = Readonly<Record<string, string>>

export interface WithPasskey extends SignedUp {
  readonly passkey: SoftPasskey
  readonly deviceId: string
  readonly recoveryCodes: readonly string[]
}

interface Asked<Options> {
  readonly ceremony: string
  readonly publicKey: Options
}

/** Options for a new passkey of who is signed in. */
export async function askToRegister(
  on: On,
  headers: Headers,
  proof: object = {},
): Promise<Asked<Parameters<SoftPasskey['create']>[0]>> {
  const reply = await on.call('POST', '/api/v1/auth/passkeys/register/options', proof, headers)
  if (reply.status !== 200) throw new Error(`register/options answered ${reply.status}: ${reply.body}`)
  return reply.json as Asked<Parameters<SoftPasskey['create']>[0]>
}

/** Options to sign in, by a passkey alone or beside a password. */
export async function askToLogIn(on: On, body: object = {}): Promise<Asked<Parameters<SoftPasskey['get']>[0]>> {
  const reply = await on.call('POST', '/api/v1/auth/passkeys/login/options', body)
  if (reply.status !== 200) throw new Error(`login/options answered ${reply.status}: ${reply.body}`)
  return reply.json as Asked<Parameters<SoftPasskey['get']>[0]>
}

/** Options to show who one is, in a session. */
export async function askToProve(on: On, headers: Headers): Promise<Asked<Parameters<SoftPasskey['get']>[0]>> {
  const reply = await on.call('POST', '/api/v1/auth/reauthenticate/options', undefined, headers)
  if (reply.status !== 200) throw new Error(`reauthenticate/options answered ${reply.status}: ${reply.body}`)
  return reply.json as Asked<Parameters<SoftPasskey['get']>[0]>
}

export async function registerPasskey(
  on: On,
  headers: Headers,
  passkey: SoftPasskey,
  lie?: Dishonesty,
): Promise<TestReply> {
  const { ceremony, publicKey } = await askToRegister(on, headers)
  const body = { ceremony, credential: passkey.create(publicKey, lie) }
  return on.call('POST', '/api/v1/auth/passkeys/register/verify', body, headers)
}

export async function logInByPasskey(
  on: On,
  passkey: SoftPasskey,
  lie?: Dishonesty,
  more: object = {},
): Promise<TestReply> {
  const { ceremony, publicKey } = await askToLogIn(on, more)
  const body = { ceremony, credential: passkey.get(publicKey, lie), ...more }
  return on.call('POST', '/api/v1/auth/passkeys/login/verify', body)
}

/** A person with a passkey, whose session has shown it. */
export async function withPasskey(
  platform: AuthPlatform,
  options: Partial<SoftPasskeyOptions> = {},
  person?: SignedUp,
): Promise<WithPasskey> {
  const someone = person ?? (await platform.signUp())
  const passkey = softPasskey({ origin: PUBLIC_URL, ...options })
  const reply = await registerPasskey(platform, someone.bearer, passkey)
  if (reply.status !== 201) throw new Error(`register/verify answered ${reply.status}: ${reply.body}`)
  const { id, recoveryCodes = [] } = reply.json as { id: string; recoveryCodes?: string[] }
  return { ...someone, passkey, deviceId: id, recoveryCodes }
}
