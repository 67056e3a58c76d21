import { softPasskey, type SoftPasskey, type TestReply } from '@plinth/testing'
import { PUBLIC_URL, type Identity } from './open-identity.ts'

/** A platform, or another process of it. */
type On = Pick<Identity, 'call'>
type Headers = Readonly<Record<string, string>>

export interface AskedToRegister {
  readonly ceremony: string
  readonly publicKey: Parameters<SoftPasskey['create']>[0]
}

export interface AskedToLogIn {
  readonly ceremony: string
  readonly publicKey: Parameters<SoftPasskey['get']>[0]
}

export async function askToRegister(on: On, headers: Headers): Promise<AskedToRegister> {
  const reply = await on.call('POST', '/api/v1/auth/passkeys/register/options', {}, headers)
  if (reply.status !== 200) throw new Error(reply.body)
  return reply.json as AskedToRegister
}

export async function askToLogIn(on: On, body: object = {}): Promise<AskedToLogIn> {
  const reply = await on.call('POST', '/api/v1/auth/passkeys/login/options', body)
  if (reply.status !== 200) throw new Error(reply.body)
  return reply.json as AskedToLogIn
}

/** A passkey of whoever these headers sign in. */
export async function addPasskey(on: On, headers: Headers): Promise<{ passkey: SoftPasskey; id: string }> {
  const passkey = softPasskey({ origin: PUBLIC_URL })
  const { ceremony, publicKey } = await askToRegister(on, headers)
  const body = { ceremony, credential: passkey.create(publicKey) }
  const reply = await on.call('POST', '/api/v1/auth/passkeys/register/verify', body, headers)
  if (reply.status !== 201) throw new Error(reply.body)
  return { passkey, id: (reply.json as { id: string }).id }
}

export async function logInByPasskey(on: On, passkey: SoftPasskey, more: object = {}): Promise<TestReply> {
  const { ceremony, publicKey } = await askToLogIn(on, more)
  return on.call('POST', '/api/v1/auth/passkeys/login/verify', {
    ceremony,
    credential: passkey.get(publicKey),
    ...more,
  })
}
