import type { Platform } from '@plinth/core'
import type { Sealer } from '../seal/sealer.ts'
import { endLine, entryLine, headerLine } from './archive-lines.ts'
import { ChainVerifier } from './chain-verifier.ts'
import { signCheckpoint } from './checkpoint.ts'
import { brokenLog, lastCheckpoint, tellVerdict, wordsOf } from './last-checkpoint.ts'
import { headOf, readChain } from './read-chain.ts'
import { withWaiting } from './verify-book.ts'

/**
 * The lines of an archive of one chain. It is verified while it is written, and signed at the end: what was rewritten in the database is
 * signed by nobody.
 * @throws conflict, which names the first entry that is wrong; what was written until then has no signature
 */
export async function* archiveLines(
  platform: Pick<Platform, 'database' | 'clock' | 'log'>,
  sealer: Sealer,
  tenantId: string,
): AsyncGenerator<string> {
  const { database, clock } = platform
  const sealed = await sealer.trySeal(tenantId)
  const keys = await sealer.keys()
  const { known, acknowledged } = await lastCheckpoint(database, keys, tenantId)
  // What comes in while it is written is not in it.
  const head = await database.system((system) => headOf(system, tenantId))
  const verifier = new ChainVerifier({
    tenantId,
    macKey: keys.macKey,
    checkpoints: [head, known].filter((one) => one !== undefined),
  })
  yield headerLine(tenantId)
  for await (const batch of readChain(database, tenantId)) {
    const within = batch.filter(({ seq }) => seq <= (head?.seq ?? 0))
    if (!within.every((entry) => verifier.take(entry))) break
    if (within.length > 0) yield within.map(entryLine).join('\n')
    if (within.length < batch.length) break
  }
  const verdict = withWaiting(verifier.end(), verifier.head, sealed)
  // Who has acknowledged what is wrong gets no archive of it all the same: it would not verify.
  if (!acknowledged) await tellVerdict(platform, tenantId, verdict)
  if (!verdict.valid) throw brokenLog([wordsOf(tenantId, verdict)])
  // Of an empty log too: whoever takes all entries out would else have one that nobody has to have signed.
  const checkpoint = signCheckpoint(keys, { tenant: tenantId, ...verifier.head, time: clock.now().toISOString() })
  yield endLine(checkpoint, keys.publicJwk)
}
