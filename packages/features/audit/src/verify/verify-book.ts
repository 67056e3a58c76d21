import type { Platform } from '@plinth/core'
import type { Sealer } from '../seal/sealer.ts'
import { ChainVerifier, type ChainVerdict } from './chain-verifier.ts'
import { signCheckpoint, type Checkpoint, type CheckpointFile } from './checkpoint.ts'
import { chainsOf, headOf, readLinks } from './read-chain.ts'

/** Reads a whole chain and says whether it is as it was written, and as the checkpoints say. */
export async function verifyChain(
  { database }: Pick<Platform, 'database'>,
  sealer: Sealer,
  tenantId: string,
  checkpoints: readonly Checkpoint[] = [],
): Promise<ChainVerdict> {
  await sealer.seal(tenantId)
  const { macKey } = await sealer.keys()
  const verifier = new ChainVerifier({
    tenantId,
    macKey,
    checkpoints: checkpoints.filter(({ tenant }) => tenant === tenantId),
  })
  for await (const batch of readLinks(database, tenantId)) {
    if (!batch.every((link) => verifier.takeLink(link))) break
    // Others want to be served while a long chain is read.
    await new Promise((resolve) => setImmediate(resolve))
  }
  return verifier.end()
}

/** What these chains are now, signed; of all of them where none is named. */
export async function takeCheckpoints(
  { database, clock }: Pick<Platform, 'database' | 'clock'>,
  sealer: Sealer,
  tenantIds?: readonly string[],
): Promise<CheckpointFile> {
  const keys = await sealer.keys()
  if (!tenantIds) for (let sealed = -1; sealed !== 0;) sealed = await sealer.sealAll()
  const checkpoints: string[] = []
  for (const tenant of tenantIds ?? (await chainsOf(database))) {
    await sealer.seal(tenant)
    const head = await database.system((system) => headOf(system, tenant))
    if (head) checkpoints.push(signCheckpoint(keys, { tenant, ...head, time: clock.now().toISOString() }))
  }
  return { checkpoints, keys: [keys.publicJwk] }
}
