import { createHmac, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'

/** What forgeries are made of. The real key is among them: many tokens must be refused although their signature is right. */
export interface ForgeryParts {
  /** A valid access token. */
  readonly token: string
  /** The key that signed it. */
  readonly privateKey: KeyObject
  /** Unix seconds. */
  readonly now: number
  /** Other credentials of the platform, by name: a refresh token, the token between password and second factor. */
  readonly others?: Readonly<Record<string, string>>
}

export interface Forgery {
  readonly name: string
  readonly token: string
  /** Why it must be refused, where another reason would mean that the rule itself was not reached. */
  readonly because?: string
}

export type Members = Readonly<Record<string, unknown>>

/** A valid token taken apart, with tools to put wrong ones together. */
export interface Forge {
  readonly parts: ForgeryParts
  readonly header: Members
  readonly claims: Members
  readonly publicKey: KeyObject
  /** Signed by the real key, over any two texts. */
  readonly real: (header: Members | string, payload: Members | string) => string
  /** Signed by a key of the attacker, of the same kind. */
  readonly thief: (header: Members | string, payload: Members | string) => string
  readonly thiefKey: KeyObject
  /** An HMAC under any secret. */
  readonly hmac: (algorithm: string, secret: string | Buffer, header: Members, payload?: Members) => string
}

export function forge(parts: ForgeryParts): Forge {
  const [header = '', payload = ''] = parts.token.split('.')
  const thiefKey = sameKind(parts.privateKey)
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Members
  return {
    parts,
    header: JSON.parse(Buffer.from(header, 'base64url').toString()) as Members,
    claims,
    publicKey: createPublicKey(parts.privateKey),
    real: (head, body) => signed(parts.privateKey, `${part(head)}.${part(body)}`),
    thief: (head, body) => signed(thiefKey, `${part(head)}.${part(body)}`),
    thiefKey,
    hmac(algorithm, secret, head, body = claims) {
      const input = `${part(head)}.${part(body)}`
      return `${input}.${createHmac(algorithm, secret).update(input).digest('base64url')}`
    },
  }
}

/** One part of a token from an object or from any text. */
export const part = (value: Members | string | Buffer): string =>
  (typeof value === 'string' || Buffer.isBuffer(value)
    ? Buffer.from(value as string)
    : Buffer.from(JSON.stringify(value))
  ).toString('base64url')

export function signed(key: KeyObject, input: string, digest?: string): string {
  return `${input}.${signatureOf(key, input, digest).toString('base64url')}`
}

export function signatureOf(key: KeyObject, input: string, digest = 'sha256'): Buffer {
  const chosen = key.asymmetricKeyType === 'ed25519' ? null : digest
  return sign(chosen, Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' })
}

export function sameKind(key: KeyObject): KeyObject {
  if (key.asymmetricKeyType === 'ed25519') return generateKeyPairSync('ed25519').privateKey
  if (key.asymmetricKeyType === 'ec') return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
}

/** The same members without some. */
export const without = (members: Members, ...names: string[]): Members =>
  Object.fromEntries(Object.entries(members).filter(([name]) => !names.includes(name)))
