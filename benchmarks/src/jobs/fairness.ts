import { setTimeout as sleep } from 'node:timers/promises'
import { askFor, openJobs } from './platform.ts'

/** Milliseconds from asking for a job to its beginning. */
export interface Waits {
  readonly p50: number
  readonly p95: number
}

export interface Fairness {
  readonly alone: Waits
  readonly beside: Waits
  /** Jobs of the other tenant that still waited when the last one was measured: with none, nothing was shown. */
  readonly left: number
}

const EVERY_MS = 15
/** What a process runs at once unless told otherwise: half of its connections, so that who asks finds one. */
const USUAL = 5
/** Numbers of the tenant that is measured; below are those of the other. */
const FIRST = 1_000_000

/** What one tenant waits, alone and while another one has `queued` jobs in the queue. */
export async function measureFairness(url: string, queued: number, count: number): Promise<Fairness> {
  const alone = await measureWaits(url, 0, count)
  const beside = await measureWaits(url, queued, count)
  return { alone: alone.waits, beside: beside.waits, left: beside.left }
}

/** All of the other tenant are there before the first one is taken: asked for meanwhile, half of them would be done by then. */
async function measureWaits(
  url: string,
  queued: number,
  count: number,
): Promise<{ readonly waits: Waits; readonly left: number }> {
  const asked = new Map<number, number>()
  const waits: number[] = []
  let begunOfOther = 0
  const begins = (number: number): void => {
    const at = asked.get(number)
    if (at !== undefined) waits.push(performance.now() - at)
    else begunOfOther += 1
  }
  const platform = await openJobs(url, begins, { concurrency: USUAL })
  const { plinth, effect, robots } = platform
  await askFor(platform, queued)
  const stop = new AbortController()
  const working = plinth.work(stop.signal)
  let next = FIRST
  const trickle = async (many: number): Promise<void> => {
    waits.length = 0
    for (let at = 0; at < many; at += 1) {
      const number = next++
      asked.set(number, performance.now())
      await plinth.as(robots.beta, 'beta', (ctx) => ctx.enqueue(effect, { number }))
      await sleep(EVERY_MS)
    }
    while (waits.length < many) await sleep(EVERY_MS)
  }
  // Warm.
  await trickle(20)
  await trickle(count)
  const left = queued - begunOfOther
  stop.abort()
  await working
  await plinth.close()
  const sorted = waits.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!
  return { waits: { p50: at(0.5), p95: at(0.95) }, left }
}
