import type { JsonWebKey, KeyObject } from 'node:crypto'
import type { ChainedEntry } from '../entry/chained-entry.ts'
import { endLine, entryLine, FORMAT, headerLine } from './archive-lines.ts'
import { ChainVerifier, type ChainFault, type ChainVerdict } from './chain-verifier.ts'
import { readCheckpoint, type Checkpoint } from './checkpoint.ts'

export interface ArchiveVerdict extends ChainVerdict {
  readonly tenant: string
}

export interface ArchiveTrust {
  /** What is known from elsewhere; one at least must be of the chain of the archive. */
  readonly checkpoints?: readonly Checkpoint[] | undefined
  /** The keys to believe; without them the one that the file brings, which proves that it is whole and not whose it is. */
  readonly keys?: readonly JsonWebKey[] | undefined
  /** On the platform that wrote it. */
  readonly macKey?: KeyObject | undefined
  /** Told of each entry that was found to be right, before the verdict on the whole. */
  readonly onEntry?: (entry: ChainedEntry) => void
}

/** Checkpoints that say nothing of the chain that is to be verified prove nothing. */
export class ForeignCheckpoints extends Error {
  constructor(tenant: string) {
    super(`says nothing of the log of ${tenant}, and so proves nothing of it`)
  }
}

/**
 * Whether an archive is whole and as it was signed. Needs nothing but the file, and a checkpoint from elsewhere where its own signature
 * is not to be believed.
 * @throws TypeError for what is no archive
 * @throws ForeignCheckpoints
 */
export async function verifyArchive(lines: AsyncIterable<string>, trust: ArchiveTrust = {}): Promise<ArchiveVerdict> {
  let open: OpenArchive | undefined
  for await (const line of lines) {
    if (line === '') continue
    const read = readLine(line)
    if (open) {
      if (!open.take(line, read)) break
    } else if (read) open = new OpenArchive(line, read, trust)
    else break
  }
  if (!open) throw new TypeError('this is no archive of an audit log')
  return { tenant: open.tenant, ...open.end() }
}

class OpenArchive {
  readonly tenant: string
  readonly #trust: ArchiveTrust
  readonly #verifier: ChainVerifier
  #fault: { readonly seq: number; readonly reason: ChainFault } | undefined
  #end: Readonly<Record<string, unknown>> | undefined

  /** @param header the first line, as it is read */
  constructor(line: string, header: Readonly<Record<string, unknown>>, trust: ArchiveTrust) {
    if (header['format'] !== FORMAT || typeof header['tenant'] !== 'string')
      throw new TypeError('this is no archive of an audit log')
    this.tenant = header['tenant']
    this.#trust = trust
    const checkpoints = trust.checkpoints?.filter((one) => one.tenant === this.tenant) ?? []
    if (trust.checkpoints && checkpoints.length === 0) throw new ForeignCheckpoints(this.tenant)
    this.#verifier = new ChainVerifier({ tenantId: this.tenant, macKey: trust.macKey, checkpoints })
    // Whoever cuts off the beginning writes into this line behind which entry the rest begins, of which there may well be a checkpoint. An
    // archive is of all entries: nobody is to think that what he has been given is.
    if (header['after'] !== null) this.#fault = { seq: 1, reason: 'missing' }
    else if (line !== headerLine(this.tenant)) this.#fault = { seq: 1, reason: 'forged' }
  }

  /** @returns false when something was found */
  take(line: string, read: Readonly<Record<string, unknown>> | undefined): boolean {
    if (this.#fault) return false
    // Behind the signature nothing is signed, whether it can be read or not.
    if (this.#end) return this.#found('forged')
    // Cut in the middle, or not what was written: a line that cannot be read is an entry that is not there.
    if (!read) return false
    if ('checkpoint' in read) {
      if (line !== printedEnd(read)) return this.#found('forged')
      this.#end = read
      return true
    }
    const entry = restored(read)
    if (!entry || !this.#verifier.take(entry)) return false
    // Its hash is right, and the line says more than what that is over.
    if (line !== entryLine(entry)) {
      this.#fault = { seq: entry.seq, reason: 'changed' }
      return false
    }
    this.#trust.onEntry?.(entry)
    return true
  }

  /** In the line behind the last entry. */
  #found(reason: ChainFault): false {
    this.#fault = { seq: this.#verifier.head.seq + 1, reason }
    return false
  }

  end(): ChainVerdict {
    const verdict = this.#verifier.end()
    const { seq, hash } = this.#verifier.head
    const bad = (firstBad: number, reason: ChainFault): ChainVerdict => ({ ...verdict, valid: false, firstBad, reason })
    if (this.#fault) return bad(this.#fault.seq, this.#fault.reason)
    if (!verdict.valid) return verdict
    const key = this.#end?.['key'] as JsonWebKey | undefined
    const signed = readCheckpoint(String(this.#end?.['checkpoint']), this.#trust.keys ?? (key ? [key] : []))
    // Cut off behind an entry, or signed by nobody: the chain alone would not tell.
    if (signed?.tenant !== this.tenant || signed.seq !== seq) return bad(seq + 1, 'missing')
    if (signed.hash !== hash) return bad(seq, 'rewritten')
    return verdict
  }
}

function readLine(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const read = JSON.parse(line) as unknown
    return typeof read === 'object' && read !== null ? (read as Readonly<Record<string, unknown>>) : undefined
  } catch {
    return undefined
  }
}

function printedEnd({ checkpoint, key }: Readonly<Record<string, unknown>>): string | undefined {
  const { x } = (key ?? {}) as JsonWebKey
  return typeof x === 'string' ? endLine(checkpoint, { x }) : undefined
}

const texts = [
  'tenantId',
  'id',
  'occurredAt',
  'actorKind',
  'actorId',
  'action',
  'targetType',
  'outcome',
  'requestId',
  'hash',
  'mac',
]
const optional = ['onBehalfOf', 'targetId', 'origin', 'personal']
const numbers = ['seq', 'repeated']

/** @returns undefined for what is no entry: a number that is a text would be compared as one, and its checkpoint not found */
function restored(read: Readonly<Record<string, unknown>>): ChainedEntry | undefined {
  const { changes, detail } = read
  const right =
    texts.every((name) => typeof read[name] === 'string') &&
    optional.every((name) => read[name] === null || typeof read[name] === 'string') &&
    numbers.every((name) => Number.isSafeInteger(read[name])) &&
    changes !== undefined &&
    detail !== undefined
  if (!right) return undefined
  return {
    ...(read as unknown as ChainedEntry),
    changes: changes === null ? null : JSON.stringify(changes),
    detail: detail === null ? null : JSON.stringify(detail),
  }
}
