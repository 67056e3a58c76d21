import { statement, type Database, type Secrets } from '@plinth/core'
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  randomBytes,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto'

/** What entries and checkpoints are signed with. */
export interface BookKeys {
  /** RFC 7638 thumbprint of the public key. */
  readonly kid: string
  /** Ed25519 (RFC 8037), for checkpoints: whoever has the public half can verify them. */
  readonly privateKey: KeyObject
  readonly publicJwk: JsonWebKey
  /** For the `mac` of entries. */
  readonly macKey: KeyObject
}

const ID = 'book'
const context = `audit_keys|${ID}`

interface Stored {
  readonly d: string
  readonly x: string
  readonly mac: string
}

/**
 * The keys of this platform's book, made when nobody has made them yet. They are kept in the database, sealed by the key ring, and not
 * derived from it: the ring is rotated, and a book is verified for years.
 */
export async function bookKeys(database: Pick<Database, 'system'>, secrets: Secrets, now: Date): Promise<BookKeys> {
  return database.system(async (system) => {
    const read = statement`select sealed from plinth.audit_keys where id = ${ID}::text`
    let [row] = await system.run(read)
    if (!row) {
      const made = madeKeys()
      // Of two processes that make them at once, one is first; the other one reads what is there.
      await system.run(statement`
        insert into plinth.audit_keys (id, public_key, sealed, created_at)
        values (${ID}::text, ${JSON.stringify(publicOf(made))}::text, ${secrets.seal(JSON.stringify(made), context)}::text, ${now}::text::timestamptz)
        on conflict do nothing`)
      ;[row] = await system.run(read)
    }
    return keysFrom(JSON.parse(secrets.open(String(row?.['sealed']), context)) as Stored)
  })
}

/** Seals them anew under the first key of the ring. How many: one, or none where there are none. */
export function resealBookKeys(database: Pick<Database, 'system'>, secrets: Secrets): Promise<number> {
  return database.system(async (system) => {
    const [row] = await system.run(statement`select sealed from plinth.audit_keys where id = ${ID}::text for update`)
    if (!row) return 0
    const sealed = secrets.seal(secrets.open(String(row['sealed']), context), context)
    await system.run(statement`update plinth.audit_keys set sealed = ${sealed}::text where id = ${ID}::text`)
    return 1
  })
}

function madeKeys(): Stored {
  const { d, x } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  return { d: String(d), x: String(x), mac: randomBytes(32).toString('base64url') }
}

function publicOf({ x }: Pick<Stored, 'x'>): JsonWebKey {
  return { kty: 'OKP', crv: 'Ed25519', x }
}

function keysFrom({ d, x, mac }: Stored): BookKeys {
  const jwk = publicOf({ x })
  const kid = thumbprintOf(jwk)
  return {
    kid,
    privateKey: createPrivateKey({ key: { ...jwk, d }, format: 'jwk' }),
    publicJwk: publicJwkOf(x),
    macKey: createSecretKey(Buffer.from(mac, 'base64url')),
  }
}

/** The public half as it is shown and written. */
export function publicJwkOf(x: string): JsonWebKey {
  const jwk = publicOf({ x })
  return { ...jwk, kid: thumbprintOf(jwk), alg: 'EdDSA', use: 'sig' }
}

/** RFC 7638, of an Ed25519 key. */
export function thumbprintOf({ x }: JsonWebKey): string {
  return createHash('sha256')
    .update(JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x }))
    .digest('base64url')
}

/** @throws TypeError for what is no Ed25519 key */
export function publicKeyFrom(jwk: JsonWebKey): KeyObject {
  if (jwk.kty !== 'OKP' || jwk.crv !== 'Ed25519' || jwk.x === undefined) throw new TypeError('not an Ed25519 key')
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: jwk.x }, format: 'jwk' })
}
