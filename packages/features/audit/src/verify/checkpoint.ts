import { sign, verify, type JsonWebKey } from 'node:crypto'
import { publicKeyFrom, thumbprintOf, type BookKeys } from '../seal/book-keys.ts'
import type { ChainHead } from './chain-verifier.ts'

/** What a chain was at a time, signed. Kept outside of the database it proves what was in it. */
export interface Checkpoint extends ChainHead {
  /** The nil UUID for the chain of the platform. */
  readonly tenant: string
  /** ISO 8601. */
  readonly time: string
}

/** One whose signature holds. */
export interface ReadCheckpoint extends Checkpoint {
  /** The thumbprint of the key that verified it. */
  readonly kid: string
}

/** As a file: checkpoints as JSON Web Signatures (RFC 7515, EdDSA of RFC 8037) and the public keys that verify them. */
export interface CheckpointFile {
  readonly checkpoints: readonly string[]
  readonly keys: readonly JsonWebKey[]
}

const TYPE = 'plinth-audit-checkpoint'
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A compact JWS. */
export function signCheckpoint({ privateKey, kid }: BookKeys, checkpoint: Checkpoint): string {
  const { tenant, seq, hash, time } = checkpoint
  const input = `${encode({ alg: 'EdDSA', typ: TYPE, kid })}.${encode({ tenant, seq, hash, time })}`
  return `${input}.${sign(null, Buffer.from(input), privateKey).toString('base64url')}`
}

/** @returns undefined for what none of these keys has signed */
export function readCheckpoint(jws: string, keys: readonly JsonWebKey[]): ReadCheckpoint | undefined {
  const [head, body, signature, ...rest] = jws.split('.')
  if (head === undefined || body === undefined || signature === undefined || rest.length > 0) return undefined
  try {
    const header = decode(head)
    if (header['alg'] !== 'EdDSA' || header['typ'] !== TYPE) return undefined
    const key = keys.find((one) => thumbprintOf(one) === header['kid'])
    if (!key) return undefined
    const signed = Buffer.from(`${head}.${body}`)
    const bytes = Buffer.from(signature, 'base64url')
    // What is no base64url is passed over by whoever decodes it, and would say what nobody has signed.
    if (bytes.toString('base64url') !== signature) return undefined
    if (!verify(null, signed, publicKeyFrom(key), bytes)) return undefined
    const { tenant, seq, hash, time } = decode(body)
    if (typeof tenant !== 'string' || typeof seq !== 'number' || typeof hash !== 'string') return undefined
    return { tenant, seq, hash, time: String(time), kid: thumbprintOf(key) }
  } catch {
    return undefined
  }
}

function decode(text: string): Readonly<Record<string, unknown>> {
  return JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as Readonly<Record<string, unknown>>
}
