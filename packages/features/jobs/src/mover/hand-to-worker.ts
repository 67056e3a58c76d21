import type { FixedStatement, Platform } from '@plinth/core'
import type { Line } from '../queue/line.ts'
import type { Parcel } from '../queue/queue.ts'
import { claim } from '../worker/claim.ts'
import type { Worker } from '../worker/worker.ts'
import { chooseNext, isFirst, markQueued, promoteDue, type Handed } from './hand-over.ts'

export interface HandToWorker {
  readonly platform: Platform
  readonly line: Line
  readonly worker: Worker
  readonly leaseMs: number
  /** Jobs of a tenant that are on their way at most. */
  readonly window: number
}

/**
 * What goes next, for the worker of this process: claimed for it where it has a place, and otherwise in its line. Each statement is a
 * transaction by itself: a job begins after two waits for the server, where by the queue it is six.
 */
export async function handToWorker(
  { platform, line, worker, leaseMs, window }: HandToWorker,
  check: () => Promise<void>,
): Promise<Handed> {
  const { database, registry, clock } = platform
  const runner = { run: (given: FixedStatement) => database.systemStatement(given) }
  const [promoted, { parcels, crowded }] = await Promise.all([
    promoteDue(runner, clock.now()),
    chooseNext(runner, registry.jobs, window),
    check(),
  ])
  const { now, later } = parted(parcels, worker, line)
  // First what begins at once: beside it, the others would take its processor.
  if (now.length > 0) worker.accept(await claim(platform, now, { worker: worker.name, leaseMs }))
  if (later.length > 0) await markQueued(runner, later).finally(() => line.add(later))
  return { promoted, handed: parcels.length, first: later.some(isFirst), crowded }
}

/** A tenant's first job has a place of its own, beside what was taken ahead of others; the others where the line is empty. */
export function parted(
  parcels: readonly Parcel[],
  { room: { some, first } }: Pick<Worker, 'room'>,
  line: Pick<Line, 'length' | 'hasFirst'>,
): { readonly now: readonly Parcel[]; readonly later: readonly Parcel[] } {
  const inTurn = parcels.toSorted((one, other) => other.priority - one.priority)
  const firsts = inTurn.filter(isFirst).length
  const most = Math.max(line.length === 0 ? some : 0, line.hasFirst ? 0 : Math.min(first, firsts))
  return { now: inTurn.slice(0, most), later: inTurn.slice(most) }
}
