import type { Platform } from '@plinth/core'
import type { JsonWebKey } from 'node:crypto'
import type { ChainedEntry } from '../entry/chained-entry.ts'
import type { Sealer } from '../seal/sealer.ts'
import { ChainVerifier, type ChainHead, type ChainVerdict } from './chain-verifier.ts'
import { readCheckpoint, signCheckpoint, type Checkpoint } from './checkpoint.ts'
import { headOf, readChain } from './read-chain.ts'

const FORMAT = 'plinth-audit-archive/1'

/*
 * JSON lines: what it is and behind which entry it begins, the entries as they are stored (what is personal stays encrypted), and a
 * signed checkpoint of the last one with the key that verifies it.
 */

/** The lines of an archive of one chain, from behind an entry on. */
export async function* archiveLines(
  { database, clock }: Pick<Platform, 'database' | 'clock'>,
  sealer: Sealer,
  tenantId: string,
  after?: ChainHead,
): AsyncGenerator<string> {
  await sealer.seal(tenantId)
  const keys = await sealer.keys()
  // What comes in while it is written is not in it.
  const head = await database.system((system) => headOf(system, tenantId))
  yield JSON.stringify({ format: FORMAT, tenant: tenantId, after: after ?? null })
  for await (const batch of readChain(database, tenantId, after?.seq ?? 0)) {
    const within = batch.filter(({ seq }) => head && seq <= head.seq)
    if (within.length > 0) yield within.map((entry) => JSON.stringify(archived(entry))).join('\n')
    if (within.length < batch.length) break
  }
  const checkpoint = head && signCheckpoint(keys, { tenant: tenantId, ...head, time: clock.now().toISOString() })
  yield JSON.stringify({ checkpoint: checkpoint ?? null, key: keys.publicJwk })
}

function archived({ changes, detail, ...entry }: ChainedEntry): object {
  return {
    ...entry,
    changes: changes === null ? null : (JSON.parse(changes) as unknown),
    detail: detail === null ? null : (JSON.parse(detail) as unknown),
  }
}

export interface ArchiveVerdict extends ChainVerdict {
  readonly tenant: string
}

/**
 * Whether an archive is whole and as it was signed. Needs nothing but the file, and a checkpoint from elsewhere where its own signature
 * is not to be believed.
 * @param keys the keys to believe; without them the one that the file brings
 * @throws TypeError for what is no archive
 */
export async function verifyArchive(
  lines: AsyncIterable<string>,
  {
    checkpoints = [],
    keys,
  }: {
    readonly checkpoints?: readonly Checkpoint[] | undefined
    readonly keys?: readonly JsonWebKey[] | undefined
  } = {},
): Promise<ArchiveVerdict> {
  let verifier: ChainVerifier | undefined
  let tenant = ''
  let after: ChainHead | undefined
  let signed: Checkpoint | undefined
  let ended = false
  for await (const line of lines) {
    if (line === '') continue
    const read = readLine(line)
    // Cut in the middle, or not what was written: a line that cannot be read is an entry that is not there.
    if (!read) break
    if (!verifier) {
      if (read['format'] !== FORMAT) throw new TypeError('this is no archive of an audit log')
      tenant = String(read['tenant'])
      after = (read['after'] as ChainHead | null) ?? undefined
      verifier = new ChainVerifier({
        tenantId: tenant,
        checkpoints: checkpoints.filter((one) => one.tenant === tenant && one.seq > (after?.seq ?? 0)),
        after,
      })
    } else if ('checkpoint' in read) {
      ended = true
      signed = readCheckpoint(String(read['checkpoint']), keys ?? [read['key'] as JsonWebKey])
    } else if (!verifier.take(restored(read as unknown as ChainedEntry))) break
  }
  if (!verifier) throw new TypeError('this is no archive of an audit log')
  const verdict = verifier.end()
  const { head } = verifier
  if (!verdict.valid) return { tenant, ...verdict }
  // Cut off behind an entry, or signed by nobody: the chain alone would not tell.
  if (!ended || (head.seq > 0 && (signed?.tenant !== tenant || signed.seq < head.seq)))
    return { tenant, ...verdict, valid: false, firstBad: head.seq + 1, reason: 'missing' }
  if (signed && signed.seq > head.seq)
    return { tenant, ...verdict, valid: false, firstBad: head.seq + 1, reason: 'missing' }
  if (signed && signed.hash !== head.hash)
    return { tenant, ...verdict, valid: false, firstBad: head.seq, reason: 'rewritten' }
  return { tenant, ...verdict }
}

function readLine(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const read = JSON.parse(line) as unknown
    return typeof read === 'object' && read !== null ? (read as Readonly<Record<string, unknown>>) : undefined
  } catch {
    return undefined
  }
}

function restored(entry: ChainedEntry): ChainedEntry {
  const { changes, detail } = entry as { readonly changes: unknown; readonly detail: unknown }
  return {
    ...entry,
    changes: changes === null ? null : JSON.stringify(changes),
    detail: detail === null ? null : JSON.stringify(detail),
  }
}
