import type { Platform } from '@plinth/core'
import type { BookKeys } from '../seal/book-keys.ts'
import type { Sealer } from '../seal/sealer.ts'
import { ChainVerifier, type ChainHead, type ChainVerdict } from './chain-verifier.ts'
import type { Checkpoint, CheckpointFile, ReadCheckpoint } from './checkpoint.ts'
import { acknowledgedText } from './acknowledged.ts'
import { faultOf, keepCheckpoint, lastCheckpoint, signedChains, tellVerdict } from './last-checkpoint.ts'
import { chainsOf, headOf, readLinks } from './read-chain.ts'

/** What is wrong with a chain in which nothing is, where `sealed` says that something waits for it that could not be put there. */
export function withWaiting(verdict: ChainVerdict, { seq }: ChainHead, sealed: boolean): ChainVerdict {
  return sealed || !verdict.valid ? verdict : { ...verdict, valid: false, firstBad: seq + 1, reason: 'unsealed' }
}

/** Reads a whole chain and says whether it is as it was written, and as the checkpoints say. */
export async function verifyChain(
  { database }: Pick<Platform, 'database'>,
  sealer: Sealer,
  tenantId: string,
  checkpoints: readonly Checkpoint[] = [],
): Promise<ChainVerdict> {
  const sealed = await sealer.trySeal(tenantId)
  const { macKey } = await sealer.keys()
  const verifier = new ChainVerifier({
    tenantId,
    macKey,
    checkpoints: checkpoints.filter(({ tenant }) => tenant === tenantId),
  })
  for await (const batch of readLinks(database, tenantId)) if (!batch.every((link) => verifier.takeLink(link))) break
  return withWaiting(verifier.end(), verifier.head, sealed)
}

/**
 * The same, and the last checkpoint that was taken is one of those that must hold. Where something is wrong, the log and the health of the
 * platform say so, and what showed it must hold from then on: whoever verifies next may not have the file, and a shorter chain is right by itself.
 */
export async function verifyAndTell(
  platform: Pick<Platform, 'database' | 'clock' | 'log'>,
  sealer: Sealer,
  tenantId: string,
  checkpoints: readonly ReadCheckpoint[] = [],
): Promise<ChainVerdict> {
  const keys = await sealer.keys()
  const { known, acknowledged } = await lastCheckpoint(platform.database, keys, tenantId)
  const verdict = await verifyChain(platform, sealer, tenantId, known ? [...checkpoints, known] : checkpoints)
  if (acknowledged) {
    if (verdict.valid || verdict.reason === 'unsealed') return verdict
    const { since, time } = acknowledged
    // A file of before says of what is lost that it is lost, which is known.
    const later: Checkpoint[] = checkpoints.filter((one) => one.tenant === tenantId && one.time > time)
    if (known && known.seq > since.seq) later.push(known)
    const bare = await verifyChain(platform, sealer, tenantId, later)
    if (bare.valid || faultOf(bare) === acknowledged.fault) {
      const { verdict: behind } = await provenSince(platform.database, keys, tenantId, since, later)
      if (behind.valid) return { ...verdict, acknowledged: true }
      await tellVerdict(platform, tenantId, behind)
      return behind
    }
  }
  if (!verdict.valid) {
    // Of this book alone: what another platform has signed is no reason to sign nothing here.
    const [highest] = checkpoints
      .filter((one) => one.tenant === tenantId && one.kid === keys.kid)
      .toSorted((left, right) => right.seq - left.seq)
    if (highest && (await isMore(platform, sealer, highest, known)))
      await keepCheckpoint(platform, keys, tenantId, highest, false)
  }
  await tellVerdict(platform, tenantId, verdict)
  return verdict
}

/** Whether this one is to be known in the place of that: it is of a later entry, or the other one is of a chain that it says is not the right one. */
async function isMore(
  platform: Pick<Platform, 'database'>,
  sealer: Sealer,
  { tenant, seq }: Checkpoint,
  known: Checkpoint | undefined,
): Promise<boolean> {
  return !known || seq > known.seq || (await verifyChain(platform, sealer, tenant, [known])).valid
}

/** Entries after which what was verified is kept: whoever is cut off in a long chain goes on from there. */
const KEPT_EVERY = 100_000

export interface BrokenChain {
  readonly tenant: string
  readonly verdict: ChainVerdict
}

/**
 * What these chains are now, signed; of all of them where none is named. Nothing is signed that was not verified: a chain that was rewritten in
 * the database would have a signature of this platform from then on. What was verified before the last checkpoint is not read again, for
 * the signature is over a hash that stands for all before it.
 * @returns the chains that are not as they were written, too: of these there is no checkpoint, and they hold up no other one
 */
export async function takeCheckpoints(
  platform: Pick<Platform, 'database' | 'clock' | 'log'>,
  sealer: Sealer,
  tenantIds?: readonly string[],
): Promise<{ readonly file: CheckpointFile; readonly broken: readonly BrokenChain[] }> {
  const { database } = platform
  const keys = await sealer.keys()
  // One that cannot be sealed is named below, and keeps none of the others from being signed.
  if (!tenantIds) for (let sealed = -1; sealed !== 0;) sealed = await sealer.sealAll().catch(() => 0)
  const chains = tenantIds ?? [...new Set([...(await chainsOf(database)), ...(await signedChains(database))])]
  const checkpoints: string[] = []
  const broken: BrokenChain[] = []
  for (const tenant of chains) {
    const sealed = await sealer.trySeal(tenant)
    const { verdict: read, head, whole } = await proven(platform, keys, tenant)
    const verdict = withWaiting(read, head, sealed)
    if (!verdict.valid) {
      await tellVerdict(platform, tenant, verdict)
      broken.push({ tenant, verdict })
    } else if (head.seq > 0) checkpoints.push(await keepCheckpoint(platform, keys, tenant, head, whole))
  }
  return { file: { checkpoints, keys: [keys.publicJwk] }, broken }
}

interface Proven {
  readonly verdict: ChainVerdict
  readonly head: ChainHead
  readonly whole: boolean
}

/** From the last checkpoint on; as a whole where there is none, or where that does not fit: then it is to be said which entry is the first. */
async function proven(
  platform: Pick<Platform, 'database' | 'clock' | 'log'>,
  keys: BookKeys,
  tenantId: string,
): Promise<Proven> {
  const { database } = platform
  const { known, broken, acknowledged } = await lastCheckpoint(database, keys, tenantId)
  if (acknowledged) {
    const { since } = acknowledged
    const last = known && known.seq >= since.seq ? known : since
    const fast = await provenSince(database, keys, tenantId, last)
    return fast.verdict.valid ? fast : provenSince(database, keys, tenantId, since, [last])
  }
  const { macKey } = keys
  let kept = known?.seq ?? 0
  const read = async (verifier: ChainVerifier, from?: ChainHead): Promise<boolean> => {
    let joined = from === undefined
    for await (const batch of readLinks(database, tenantId, from?.seq)) {
      if (!joined && (batch[0]?.seq !== from?.seq || batch[0]?.hash !== from?.hash)) return false
      if (!(joined ? batch : batch.slice(1)).every((link) => verifier.takeLink(link))) return false
      joined = true
      const { head } = verifier
      if (head.seq - kept >= KEPT_EVERY) {
        await keepCheckpoint(platform, keys, tenantId, head, false)
        kept = head.seq
      }
    }
    return joined
  }
  if (known && !broken) {
    const verifier = new ChainVerifier({ tenantId, macKey, after: known })
    if (await read(verifier, known)) return { verdict: verifier.end(), head: verifier.head, whole: false }
  }
  const verifier = new ChainVerifier({ tenantId, macKey, checkpoints: known ? [known] : [] })
  await read(verifier)
  return { verdict: verifier.end(), head: verifier.head, whole: true }
}

/** What comes behind an entry, and that this one is there: whatever was wrong before it is known. */
async function provenSince(
  database: Platform['database'],
  { macKey }: BookKeys,
  tenantId: string,
  { seq, hash }: ChainHead,
  known: readonly ChainHead[] = [],
): Promise<Proven> {
  const checkpoints = known.filter((one) => one.seq > seq)
  const verifier = new ChainVerifier({ tenantId, macKey, after: { seq, hash }, checkpoints })
  let joined = false
  for await (const batch of readLinks(database, tenantId, seq)) {
    const [first] = batch
    if (!joined && (first?.seq !== seq || first.hash !== hash)) break
    if (!(joined ? batch : batch.slice(1)).every((link) => verifier.takeLink(link))) {
      joined = true
      break
    }
    joined = true
  }
  const read = verifier.end()
  const verdict: ChainVerdict = joined ? read : { ...read, valid: false, firstBad: seq, reason: 'rewritten' }
  return { verdict, head: verifier.head, whole: false }
}

/**
 * Goes on with a chain in which something is wrong that nobody can mend: what is there now is what has to hold from here on.
 * @param verdict what was found, and is acknowledged
 */
export async function acknowledge(
  platform: Pick<Platform, 'database' | 'clock' | 'log'>,
  sealer: Sealer,
  tenantId: string,
  verdict: ChainVerdict,
): Promise<ChainHead> {
  await sealer.seal(tenantId)
  const head = await platform.database.system((system) => headOf(system, tenantId))
  if (!head) throw new Error('A log that was acknowledged has an entry about it')
  const keys = await sealer.keys()
  await keepCheckpoint(platform, keys, tenantId, head, false)
  const known = acknowledgedText(keys.macKey, tenantId, {
    fault: faultOf(verdict),
    since: head,
    time: platform.clock.now().toISOString(),
  })
  await tellVerdict(platform, tenantId, verdict, known)
  return head
}
