import { performance } from 'node:perf_hooks'

/** How long others count after one of their jobs began, in milliseconds. */
const OTHERS_MS = 1_000
/** How long a job is a quick one, in milliseconds: nothing is held back for longer than that. */
export const QUICK_MS = 20
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

/** A place that a transaction has, or had. */
export interface Place {
  readonly tenantId: string
  readonly since: number
  taken: boolean
}

/**
 * How many of a worker's places one tenant has, and may have. While others have work too and the process is busy, quick jobs of one
 * tenant have half: more at once are not more in a second then, but a longer way for everybody else's. One that has run for twenty
 * milliseconds waits for something else than this process, and its tenant has all places.
 */
export class Shares {
  readonly #parts: Required<SharesParts>
  readonly #places = new Map<string, Set<Place>>()
  #taken = 0
  /** The last two tenants of which a job began, and when. */
  #last = { tenantId: '', at: -Infinity }
  #before = { tenantId: '', at: -Infinity }
  #asked = -Infinity
  #busy = 0

  constructor({ places, now = () => performance.now(), busy = busyShare() }: SharesParts) {
    this.#parts = { places, now, busy }
  }

  /** How many places are free, whosever they may be; less than none where work was resumed. */
  get free(): number {
    return this.#parts.places - this.#taken
  }

  has(tenantId: string): number {
    return this.#places.get(tenantId)?.size ?? 0
  }

  begin(tenantId: string): Place {
    const place = { tenantId, since: this.#parts.now(), taken: true }
    const own = this.#places.get(tenantId)
    if (own) own.add(place)
    else this.#places.set(tenantId, new Set([place]))
    this.#taken += 1
    if (this.#last.tenantId !== tenantId) this.#before = this.#last
    this.#last = { tenantId, at: place.since }
    return place
  }

  /** Its COMMIT is sent: others may have the place, but its tenant has it until it ends. */
  leave(place: Place): void {
    if (!place.taken) return
    place.taken = false
    this.#taken -= 1
  }

  /** It works again, since its COMMIT was refused: whether there is a place or not. */
  resume(place: Place): void {
    if (place.taken) return
    place.taken = true
    this.#taken += 1
  }

  end(place: Place): void {
    this.leave(place)
    const own = this.#places.get(place.tenantId)
    own?.delete(place)
    if (own?.size === 0) this.#places.delete(place.tenantId)
  }

  /** How many it may have now, with those that wait for their COMMIT. */
  most(tenantId: string): number {
    const { places, now } = this.#parts
    const other = this.#last.tenantId === tenantId ? this.#before : this.#last
    if (now() - other.at > OTHERS_MS || !this.#isBusy()) return Infinity
    // In the order of beginning: the first one is the oldest.
    const [oldest] = this.#places.get(tenantId) ?? []
    return oldest && now() - oldest.since >= QUICK_MS ? Infinity : Math.max(1, Math.floor(places / 2))
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
