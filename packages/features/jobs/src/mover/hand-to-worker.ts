import type { FixedStatement, Platform, StatementRunner } from '@plinth/core'
import type { Line } from '../queue/line.ts'
import type { Parcel } from '../queue/queue.ts'
import { claim } from '../worker/claim.ts'
import type { Worker } from '../worker/worker.ts'
import { chooseNext, isFirst, markQueued, type Handed } from './hand-over.ts'

export interface HandToWorker {
  readonly platform: Platform
  readonly line: Line
  readonly worker: Worker
  readonly leaseMs: number
  /** Jobs of a tenant that are on their way at most. */
  readonly window: number
  readonly promote: (runner: StatementRunner) => Promise<number>
}

/** So many lie in the line and say that they wait: each look is told of them, so that it finds others. */
const MOST_UNMARKED = 1_000
/** And those of so many tenants: a look steps through each of which something waits (measured: 15 to 60 ms for a thousand). */
const MOST_TENANTS = 50

/** With so many in the line a tenant has enough, where its window is small: to look for its next ones costs more than they do. */
const LEAST_ENOUGH = 25

/**
 * What goes next, for the worker of this process: claimed for it where it has a place, and otherwise in its line. Each statement is a
 * transaction by itself: a job begins after two waits for the server, where by the queue it is six. What lies in the line says that it
 * waits, as it does: to mark it is a change of each row for nobody to read, but where the turn of others depends on it.
 */
export async function handToWorker(
  { platform, line, worker, leaseMs, window, promote }: HandToWorker,
  check: () => Promise<void>,
): Promise<Handed> {
  const { database, registry } = platform
  const runner = { run: (given: FixedStatement) => database.systemStatement(given) }
  const [promoted, { parcels: chosen, crowded }] = await Promise.all([
    promote(runner),
    chooseNext(runner, registry.jobs, window, line.look(Math.max(LEAST_ENOUGH, window / 2))),
    check(),
  ])
  // What was taken from the line meanwhile still waited, as the statement saw it.
  const parcels = chosen.filter(({ delivery }) => !line.knows(delivery))
  const { now, later } = parted(parcels, worker, line)
  // First what begins at once: beside it, the others would take its processor.
  if (now.length > 0) worker.accept(await claim(platform, now, { worker: worker.name, leaseMs }))
  const isFull = later.length + line.unmarked > MOST_UNMARKED || line.tenants > MOST_TENANTS
  const marked = isFull ? later : later.filter(({ bound }) => bound)
  const isMarked = new Set(marked)
  line.addUnmarked(later.filter((one) => !isMarked.has(one)))
  // Before the worker may take them: two statements that change the same rows, each in its order, could wait for each other.
  if (marked.length > 0) await markQueued(runner, marked).finally(() => line.add(marked))
  return { promoted, handed: parcels.length, first: later.some(isFirst), crowded }
}

/** A tenant's first job has a place of its own, beside what was taken ahead of others; the others where the line is empty. */
export function parted<P extends Parcel>(
  parcels: readonly P[],
  { room: { some, first } }: Pick<Worker, 'room'>,
  line: Pick<Line, 'length' | 'hasFirst'>,
): { readonly now: readonly P[]; readonly later: readonly P[] } {
  const inTurn = parcels.toSorted((one, other) => other.priority - one.priority)
  const firsts = inTurn.filter(isFirst).length
  const most = Math.max(line.length === 0 ? some : 0, line.hasFirst ? 0 : Math.min(first, firsts))
  return { now: inTurn.slice(0, most), later: inTurn.slice(most) }
}
