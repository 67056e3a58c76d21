import { createHash, randomBytes, sign, type KeyObject } from 'node:crypto'
import { encodeCBOR } from '@levischuck/tiny-cbor'
import { makeKeyPair, type PasskeyAlgorithm } from './cose-key.ts'

/** As `navigator.credentials.create` takes it, as far as an authenticator cares: `publicKey` of `…/register/options`. */
export interface CreationOptions {
  readonly challenge: string
  readonly rp: { readonly id: string }
  readonly user: { readonly id: string }
  readonly excludeCredentials?: readonly { readonly id: string }[]
}

/** As `navigator.credentials.get` takes it: `publicKey` of `…/login/options`. */
export interface RequestOptions {
  readonly challenge: string
  readonly rpId: string
  readonly allowCredentials?: readonly { readonly id: string }[]
}

/** What an honest authenticator and browser would not do. Everything that is left out is as it should be. */
export interface Dishonesty {
  readonly origin?: string
  readonly rpId?: string
  readonly challenge?: string
  readonly type?: string
  readonly crossOrigin?: boolean
  readonly topOrigin?: string
  /** The flag UP: somebody touched it. */
  readonly userPresent?: boolean
  /** The flag UV: by finger, face or PIN it knows whom. */
  readonly userVerified?: boolean
  /** Instead of the next one. */
  readonly counter?: number
  readonly userHandle?: string | null
  /** Instead of its own; base64url. */
  readonly credentialId?: string
  readonly attestation?: { readonly format: string; readonly statement: ReadonlyMap<string, string | Uint8Array> }
}

/** The JSON that browsers make of what they got (`PublicKeyCredential.toJSON`); texts are base64url. */
export interface ShownCredential<Response> {
  readonly id: string
  readonly rawId: string
  readonly type: 'public-key'
  readonly authenticatorAttachment: 'platform'
  readonly clientExtensionResults: object
  readonly response: Response
}

export type CreatedPasskey = ShownCredential<{
  readonly clientDataJSON: string
  readonly attestationObject: string
  readonly transports: readonly string[]
}>

export type PasskeyAssertion = ShownCredential<{
  readonly clientDataJSON: string
  readonly authenticatorData: string
  readonly signature: string
  readonly userHandle?: string
}>

export interface SoftPasskeyOptions {
  /** The page on which it is used: `https://app.example.com`. */
  readonly origin: string
  /** Default ES256. */
  readonly algorithm?: PasskeyAlgorithm
  /** `false`: as those that are synced between devices, which count nothing. Default: counts its uses from one on. */
  readonly counts?: boolean
}

/** An authenticator with one discoverable credential, and the browser around it. */
export interface SoftPasskey {
  /** Base64url. */
  readonly credentialId: string
  /** Answers `…/register/options`. @throws Error where it is excluded, as a browser does */
  create(options: CreationOptions, dishonesty?: Dishonesty): CreatedPasskey
  /** Answers `…/login/options`. @throws Error where it is none of those that are allowed */
  get(options: RequestOptions, dishonesty?: Dishonesty): PasskeyAssertion
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')
const AAGUID = Buffer.alloc(16)

/**
 * A passkey in software, for tests: makes and signs what a browser would send (WebAuthn Level 3, §5.1 and §6.3), and on demand what
 * none would.
 */
export function softPasskey({ origin, algorithm = 'ES256', counts = true }: SoftPasskeyOptions): SoftPasskey {
  const { privateKey, coseKey } = makeKeyPair(algorithm)
  const credentialId = text(randomBytes(32))
  let counter = 0
  let user: string | undefined
  const next = (): number => (counts ? (counter += 1) : 0)

  function clientData(type: string, challenge: string, lie: Dishonesty): Buffer {
    return Buffer.from(
      JSON.stringify({
        type: lie.type ?? type,
        challenge: lie.challenge ?? challenge,
        origin: lie.origin ?? origin,
        crossOrigin: lie.crossOrigin ?? false,
        ...(lie.topOrigin !== undefined && { topOrigin: lie.topOrigin }),
      }),
    )
  }

  function authenticatorData(rpId: string, lie: Dishonesty, attested: Uint8Array = Buffer.alloc(0)): Buffer {
    const flags =
      (lie.userPresent === false ? 0 : 1) |
      (lie.userVerified === false ? 0 : 4) |
      (counts ? 0 : 0b1_1000) |
      (attested.byteLength > 0 ? 64 : 0)
    const count = Buffer.alloc(4)
    count.writeUInt32BE(lie.counter ?? next())
    return Buffer.concat([sha256(lie.rpId ?? rpId), Buffer.of(flags), count, attested])
  }

  function shown<R>(id: string, response: R): ShownCredential<R> {
    return {
      id,
      rawId: id,
      type: 'public-key',
      authenticatorAttachment: 'platform',
      clientExtensionResults: {},
      response,
    }
  }

  return {
    credentialId,
    create(options, lie = {}) {
      if (options.excludeCredentials?.some(({ id }) => id === credentialId))
        throw new Error('InvalidStateError: this authenticator is registered already')
      user = options.user.id
      const id = Buffer.from(lie.credentialId ?? credentialId, 'base64url')
      const length = Buffer.alloc(2)
      length.writeUInt16BE(id.byteLength)
      const attested = Buffer.concat([AAGUID, length, id, coseKey])
      const { format = 'none', statement = new Map() } = lie.attestation ?? {}
      const attestationObject = encodeCBOR(
        new Map<string, string | Uint8Array | Map<string, string | Uint8Array>>([
          ['fmt', format],
          ['attStmt', new Map(statement)],
          ['authData', authenticatorData(options.rp.id, lie, attested)],
        ]),
      )
      return shown(text(id), {
        clientDataJSON: text(clientData('webauthn.create', options.challenge, lie)),
        attestationObject: text(attestationObject),
        transports: ['internal'],
      })
    },
    get(options, lie = {}) {
      const allowed = options.allowCredentials ?? []
      if (allowed.length > 0 && !allowed.some(({ id }) => id === credentialId) && lie.credentialId === undefined)
        throw new Error('NotAllowedError: none of the allowed credentials is here')
      const data = clientData('webauthn.get', options.challenge, lie)
      const authenticated = authenticatorData(options.rpId, lie)
      const handle = lie.userHandle === undefined ? user : (lie.userHandle ?? undefined)
      return shown(lie.credentialId ?? credentialId, {
        clientDataJSON: text(data),
        authenticatorData: text(authenticated),
        signature: text(signed(algorithm, privateKey, Buffer.concat([authenticated, sha256(data)]))),
        ...(handle !== undefined && { userHandle: handle }),
      })
    },
  }
}

function signed(algorithm: PasskeyAlgorithm, key: KeyObject, data: Uint8Array): Buffer {
  return sign(algorithm === 'EdDSA' ? null : 'sha256', data, key)
}

function sha256(data: string | Uint8Array): Buffer {
  return createHash('sha256').update(data).digest()
}
