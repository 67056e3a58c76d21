import { performance } from 'node:perf_hooks'

/** How long others count after one of their jobs began, in milliseconds. */
const OTHERS_MS = 1_000
/** From which share of its time a process is busy, and how often that is asked, in milliseconds. */
const BUSY = 0.4
const ASK_MS = 50

export interface SharesParts {
  /** How many transactions a process runs at once. */
  readonly places: number
  /** Milliseconds of a clock that only runs forward. */
  readonly now?: () => number
  /** The share of the time since the last call in which the process was busy. */
  readonly busy?: () => number
}

/**
 * How many of a worker's places one tenant has, and may have. While others have work too, and the process is busy, it is half: more
 * at once are not more in a second then, but a longer way for everybody else's (measured with two processors: the 95th percentile from
 * asked to begun 13 ms instead of 15, alone 6). One that waits for others than this process leaves it idle, and has all of them.
 */
export class Shares {
  readonly #parts: Required<SharesParts>
  readonly #has = new Map<string, number>()
  /** The last two tenants of which a job began, and when. */
  #last = { tenantId: '', at: -Infinity }
  #before = { tenantId: '', at: -Infinity }
  #asked = -Infinity
  #busy = 0

  constructor({ places, now = () => performance.now(), busy = busyShare() }: SharesParts) {
    this.#parts = { places, now, busy }
  }

  has(tenantId: string): number {
    return this.#has.get(tenantId) ?? 0
  }

  begin(tenantId: string): void {
    this.#has.set(tenantId, this.has(tenantId) + 1)
    if (this.#last.tenantId !== tenantId) this.#before = this.#last
    this.#last = { tenantId, at: this.#parts.now() }
  }

  end(tenantId: string): void {
    const left = this.has(tenantId) - 1
    if (left > 0) this.#has.set(tenantId, left)
    else this.#has.delete(tenantId)
  }

  /** How many it may have now. */
  most(tenantId: string): number {
    const { places, now } = this.#parts
    const other = this.#last.tenantId === tenantId ? this.#before : this.#last
    if (now() - other.at > OTHERS_MS) return places
    return this.#isBusy() ? Math.max(1, Math.floor(places / 2)) : places
  }

  #isBusy(): boolean {
    const now = this.#parts.now()
    if (now - this.#asked > ASK_MS) {
      this.#asked = now
      this.#busy = this.#parts.busy()
    }
    return this.#busy > BUSY
  }
}

function busyShare(): () => number {
  let last = performance.eventLoopUtilization()
  return () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, last)
    last = now
    return utilization
  }
}
