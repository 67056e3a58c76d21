import type { FixedStatement, Platform } from '@plinth/core'
import type { JobsSettings } from '../options.ts'
import { claim } from '../worker/claim.ts'
import { countWorkers } from '../worker/presence.ts'
import type { Worker } from '../worker/worker.ts'
import { chooseNext, NOBODY, promoteDue, type Choice } from './hand-over.ts'

/** How often it is asked whether anybody else is there. */
const ASK_MS = 500
/** Tenants with waiting jobs that are looked at in one step; of a thousand those behind have their turn in the next. */
const LEAST_TENANTS = 100

export interface Step {
  readonly moved: number
  readonly crowded: boolean
  /** More may wait where this step did not look. */
  readonly again: boolean
}

export interface FeederParts {
  readonly platform: Platform
  readonly settings: JobsSettings
  /** The worker of this process, where it has one. */
  readonly here: () => Worker | undefined
}

/**
 * Gives jobs to the worker of the process that leads, while it is the only one. The queue is for handing work to other processes: where
 * there is none, a row that is put into it, marked, fetched and deleted again is half of what a short job costs, and three more waits before
 * it begins. What goes next is decided when there is a place for it.
 */
export class Feeder {
  readonly #parts: FeederParts
  #asked = -Infinity
  #others = 0
  #behind = NOBODY
  #last = NOBODY

  constructor(parts: FeederParts) {
    this.#parts = parts
  }

  /** The worker of this process, where no other one has said that it is there. */
  async onlyWorker(): Promise<Worker | undefined> {
    const worker = this.#parts.here()
    if (!worker) return undefined
    if (performance.now() - this.#asked > ASK_MS) {
      this.#others = await countWorkers(this.#parts.platform.database, worker.name)
      this.#asked = performance.now()
    }
    return this.#others === 0 ? worker : undefined
  }

  /** Nothing is claimed before it is known that this process still leads. */
  async feed(worker: Worker, check: () => Promise<void>): Promise<Step> {
    const { platform, settings } = this.#parts
    const { database, clock } = platform
    const runner = { run: (given: FixedStatement) => database.systemStatement(given) }
    const { some, first } = worker.room()
    const [promoted, { parcels, crowded, walkedTo }] = await Promise.all([
      promoteDue(runner, clock.now()),
      this.#choose(runner, Math.max(some, first)),
      check(),
    ])
    const given = parcels.filter(({ priority }, at) => at < some || priority === -1)
    const claimed =
      given.length === 0 ? [] : await claim(database, given, { worker: worker.name, leaseMs: settings.leaseMs })
    worker.accept(claimed)
    const last = given.findLast(({ priority }) => priority === given[0]?.priority)?.tenantId
    const [begun, filled] = [this.#behind, given.length >= some]
    this.#last = last ?? this.#last
    // Where they are too many for one look, it goes on behind the one that had its turn last; behind the last of all, from the first.
    if (walkedTo === undefined && (begun === NOBODY || !filled)) this.#behind = NOBODY
    else this.#behind = last ?? walkedTo ?? begun
    const again = begun !== NOBODY && this.#behind === NOBODY
    return { moved: promoted + claimed.length, crowded, again }
  }

  async #choose(runner: Parameters<typeof chooseNext>[0], most: number): Promise<Choice> {
    if (most === 0) return { parcels: [], crowded: false, walkedTo: undefined }
    return chooseNext(runner, this.#parts.platform.registry.jobs, {
      window: this.#parts.settings.window,
      most,
      tenants: Math.max(LEAST_TENANTS, 2 * most),
      behind: this.#behind,
      last: this.#last,
    })
  }
}
