import { isUtf8 } from 'node:buffer'
import type { Auth } from '../auth-parts.ts'
import { authEvents } from '../log-events.ts'
import { challengeOf } from './ceremonies.ts'
import { usable, type RelyingParty } from './relying-party.ts'
import type { CreatedCredential, ShownPasskey } from './shown-passkey.ts'

/** COSE algorithms, the preferred first: ES256, EdDSA, RS256 (which Windows Hello has). */
export const ALGORITHMS: readonly number[] = [-7, -8, -257]

/** RSA of 8,192 bits; a longer key only makes its every use slow. */
const LONGEST_KEY = 1100

/** Loaded when the first passkey is shown: it takes 150 ms and 27 MB, of which most is for attestations. */
const library = () => import('@simplewebauthn/server')
const helpers = () => import('@simplewebauthn/server/helpers')

export interface NewPasskey {
  readonly credentialId: string
  /** COSE_Key, base64url. */
  readonly publicKey: string
  readonly counter: number
  readonly transports: readonly string[]
  readonly backedUp: boolean
}

/** @returns undefined where the answer is not to be believed; why is for the log */
export async function verifyCreated(
  auth: Auth,
  ceremony: string,
  shown: CreatedCredential,
): Promise<NewPasskey | undefined> {
  const party = usable(auth.relyingParty)
  return judged(auth, party, ceremony, { ...shown.response, type: 'webauthn.create' }, async (expected) => {
    const { verifyRegistrationResponse } = await library()
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      ...expected,
      response: {
        ...shown,
        clientExtensionResults: {},
        response: { ...shown.response, attestationObject: await withoutAttestation(shown.response.attestationObject) },
      },
      supportedAlgorithmIDs: [...ALGORITHMS],
    })
    if (!verified) return undefined
    const { credential, credentialBackedUp } = registrationInfo
    if (credential.id !== shown.id || credential.publicKey.byteLength > LONGEST_KEY) return undefined
    return {
      credentialId: credential.id,
      publicKey: Buffer.from(credential.publicKey).toString('base64url'),
      counter: credential.counter,
      transports: shown.response.transports,
      backedUp: credentialBackedUp,
    }
  })
}

export interface Assertion {
  readonly counter: number
  readonly backedUp: boolean
}

/**
 * The signature and everything that is signed; not the counter, which is compared where it is stored: only of an answer whose signature
 * is right may anything follow for the passkey.
 * @returns undefined where the answer is not to be believed
 */
export async function verifyAssertion(
  auth: Auth,
  { ceremony, credential }: ShownPasskey,
  publicKey: string,
): Promise<Assertion | undefined> {
  const party = usable(auth.relyingParty)
  return judged(auth, party, ceremony, { ...credential.response, type: 'webauthn.get' }, async (expected) => {
    const { verifyAuthenticationResponse } = await library()
    const { userHandle: _, ...response } = credential.response
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      ...expected,
      response: { ...credential, clientExtensionResults: {}, response },
      credential: { id: credential.id, publicKey: Uint8Array.from(Buffer.from(publicKey, 'base64url')), counter: 0 },
    })
    if (!verified) return undefined
    return { counter: authenticationInfo.newCounter, backedUp: authenticationInfo.credentialBackedUp }
  })
}

interface Expected {
  readonly expectedChallenge: string
  readonly expectedOrigin: string[]
  readonly expectedRPID: string
  readonly requireUserVerification: true
}

/** Whatever a stranger can send makes the library throw somewhere; all of it means no. */
async function judged<T>(
  { platform }: Auth,
  party: RelyingParty,
  ceremony: string,
  given: { readonly clientDataJSON: string; readonly type: string },
  verify: (expected: Expected) => Promise<T | undefined>,
): Promise<T | undefined> {
  const challenge = Buffer.from(challengeOf(ceremony)).toString('base64url')
  let reason = faultOf(given, party, challenge)
  let verified: T | undefined
  try {
    if (reason === undefined)
      verified = await verify({
        expectedChallenge: challenge,
        expectedOrigin: [...party.origins],
        expectedRPID: party.id,
        requireUserVerification: true,
      })
  } catch (error) {
    reason = error instanceof Error ? error.message.slice(0, 200) : 'unreadable'
  }
  if (verified === undefined) platform.log.debug(authEvents.passkeyRefused, { reason: reason ?? 'signature' })
  return verified
}

/** The same is asked by the library, but for frames of other pages; here it gets words that an operator can act upon. */
function faultOf(
  given: { readonly clientDataJSON: string; readonly type: string },
  { origins }: RelyingParty,
  challenge: string,
): string | undefined {
  const bytes = Buffer.from(given.clientDataJSON, 'base64url')
  let data: unknown
  try {
    data = isUtf8(bytes) ? JSON.parse(bytes.toString()) : undefined
  } catch {
    data = undefined
  }
  if (typeof data !== 'object' || data === null) return 'client data is no JSON'
  const { type, origin, crossOrigin, topOrigin, challenge: signed } = data as Record<string, unknown>
  if (type !== given.type) return `type is not ${given.type}`
  if (signed !== challenge) return 'another challenge'
  if (typeof origin !== 'string' || !origins.includes(origin))
    return `origin ${JSON.stringify(origin)?.slice(0, 100)} is none of ${origins.join(', ')}`
  // A page that shows ours in a frame could have the click.
  return (crossOrigin ?? false) === false && topOrigin === undefined ? undefined : 'in a frame of another page'
}

/**
 * What an authenticator says of its maker is asked for by nobody here and proves nothing, and proving it would have the library read
 * certificates of a stranger and fetch the lists of revoked ones from wherever they say. So it is taken off before.
 */
async function withoutAttestation(attestationObject: string): Promise<string> {
  const { decodeAttestationObject, isoCBOR, isoBase64URL } = await helpers()
  const authData = decodeAttestationObject(isoBase64URL.toBuffer(attestationObject)).get('authData')
  const without = new Map<string, string | Uint8Array | Map<string, string>>([
    ['fmt', 'none'],
    ['attStmt', new Map()],
    ['authData', authData],
  ])
  return isoBase64URL.fromBuffer(isoCBOR.encode(without))
}
