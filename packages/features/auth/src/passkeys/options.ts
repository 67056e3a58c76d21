import type { Account } from '../accounts/find-account.ts'
import type { Auth } from '../auth-parts.ts'
import { CEREMONY_SECONDS, challengeOf, startCeremony, type Ceremony } from './ceremonies.ts'
import { passkeysOf, userHandleOf } from './find-passkey.ts'
import { usable } from './relying-party.ts'
import { ALGORITHMS } from './verify-passkey.ts'

const TIMEOUT = CEREMONY_SECONDS * 1000

/** What stands in both kinds of options, in the JSON form of WebAuthn Level 3 (§5.1.8, §5.1.9). */
interface Offered {
  readonly id: string
  readonly type: 'public-key'
  readonly transports: readonly string[]
}

/** For `PublicKeyCredential.parseCreationOptionsFromJSON`. */
export interface CreationOptionsJSON {
  readonly rp: { readonly id: string; readonly name: string }
  readonly user: { readonly id: string; readonly name: string; readonly displayName: string }
  readonly challenge: string
  readonly pubKeyCredParams: readonly { readonly type: 'public-key'; readonly alg: number }[]
  readonly timeout: number
  readonly attestation: 'none'
  readonly authenticatorSelection: {
    readonly residentKey: 'required'
    readonly requireResidentKey: true
    readonly userVerification: 'required'
  }
  readonly excludeCredentials: readonly Offered[]
}

/** For `PublicKeyCredential.parseRequestOptionsFromJSON`. */
export interface RequestOptionsJSON {
  readonly rpId: string
  readonly challenge: string
  readonly timeout: number
  readonly userVerification: 'required'
  readonly allowCredentials: readonly Offered[]
}

export interface Asked<Options> {
  readonly ceremony: string
  readonly expires_in: number
  readonly publicKey: Options
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')

/** A passkey that its device finds by itself (discoverable) and gives out to its user alone (verified): both factors in one. */
export async function creationOptions(auth: Auth, account: Account, of: Ceremony): Promise<Asked<CreationOptionsJSON>> {
  const { id } = usable(auth.relyingParty)
  const excludeCredentials = await offered(auth, account.userId)
  const ceremony = await startCeremony(auth, of)
  const name = account.email ?? account.username ?? account.name
  return {
    ceremony,
    expires_in: CEREMONY_SECONDS,
    publicKey: {
      rp: { id, name: auth.platform.title },
      user: { id: text(userHandleOf(account.userId)), name, displayName: account.name === '' ? name : account.name },
      challenge: text(challengeOf(ceremony)),
      pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: 'public-key', alg })),
      timeout: TIMEOUT,
      attestation: 'none',
      authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
      excludeCredentials,
    },
  }
}

/** Where nobody is named, no passkey is: whose there are would be told to everybody. */
export async function requestOptions(auth: Auth, of: Ceremony): Promise<Asked<RequestOptionsJSON>> {
  const { id } = usable(auth.relyingParty)
  const allowCredentials = of.userId === null ? [] : await offered(auth, of.userId)
  const ceremony = await startCeremony(auth, of)
  return {
    ceremony,
    expires_in: CEREMONY_SECONDS,
    publicKey: {
      rpId: id,
      challenge: text(challengeOf(ceremony)),
      timeout: TIMEOUT,
      userVerification: 'required',
      allowCredentials,
    },
  }
}

async function offered(auth: Auth, userId: string): Promise<readonly Offered[]> {
  return (await passkeysOf(auth.platform, userId)).map((one) => ({ ...one, type: 'public-key' }))
}
