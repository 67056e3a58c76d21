import type { Platform } from '@plinth/core'
import { NO_HASH, type ChainedEntry } from '../entry/chained-entry.ts'
import type { Sealer } from '../seal/sealer.ts'
import { signCheckpoint } from './checkpoint.ts'
import { headOf, readChain } from './read-chain.ts'

export const FORMAT = 'plinth-audit-archive/1'

/*
 * JSON lines: what it is and behind which entry it begins, the entries as they are stored (what is personal stays encrypted), and a
 * signed checkpoint of the last one with the key that verifies it.
 */

/** The lines of an archive of one chain. */
export async function* archiveLines(
  { database, clock }: Pick<Platform, 'database' | 'clock'>,
  sealer: Sealer,
  tenantId: string,
): AsyncGenerator<string> {
  await sealer.seal(tenantId)
  const keys = await sealer.keys()
  // What comes in while it is written is not in it.
  const head = await database.system((system) => headOf(system, tenantId))
  yield JSON.stringify({ format: FORMAT, tenant: tenantId, after: null })
  for await (const batch of readChain(database, tenantId)) {
    const within = batch.filter(({ seq }) => head && seq <= head.seq)
    if (within.length > 0) yield within.map((entry) => JSON.stringify(archived(entry))).join('\n')
    if (within.length < batch.length) break
  }
  // Of an empty log too: whoever takes all entries out would else have one that nobody has to have signed.
  const last = head ?? { seq: 0, hash: NO_HASH }
  const checkpoint = signCheckpoint(keys, { tenant: tenantId, ...last, time: clock.now().toISOString() })
  yield JSON.stringify({ checkpoint, key: keys.publicJwk })
}

function archived({ changes, detail, ...entry }: ChainedEntry): object {
  return {
    ...entry,
    changes: changes === null ? null : (JSON.parse(changes) as unknown),
    detail: detail === null ? null : (JSON.parse(detail) as unknown),
  }
}
