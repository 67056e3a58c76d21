import type { Platform } from '@plinth/core'
import { jobLogEvents } from '../log-events.ts'
import type { JobsSettings } from '../options.ts'
import { Pause } from '../pause.ts'
import type { Queue } from '../queue/queue.ts'
import type { Worker } from '../worker/worker.ts'
import { forgetGone } from '../worker/presence.ts'
import { Feeder, type Step } from './feeder.ts'
import { giveBackLost, giveBackMissing } from './give-back.ts'
import { BATCH, chooseNext, everyTenant, markQueued, promoteDue, releaseHeld } from './hand-over.ts'
import type { Schedules } from './schedules.ts'

const LEAD = 'jobs'
const LONGEST_PAUSE_MS = 10_000
/** Where something moves: a step costs as much for one job as for a hundred, so they may gather. */
const GATHER_MS = 20
/** How often what dead workers left in the queue is looked for. */
const FORGET_MS = 60_000

export interface MoverParts {
  readonly platform: Platform
  readonly queue: Queue
  readonly settings: JobsSettings
  readonly schedules: Schedules
  /** The worker of this process, where it has one. */
  readonly here: () => Worker | undefined
  /** Told when something was put into the queue, and whether a tenant's first job is among it, of which none is on its way. */
  readonly onHanded: (count: number, first: boolean) => void
}

/**
 * Hands jobs from their table to the queue. One process leads and does it for all; the others look whether it is gone. That there is
 * one makes windows, limits and turns simple: nobody else counts at the same time.
 */
export class Mover {
  readonly #parts: MoverParts
  readonly #feeder: Feeder
  readonly #pause = new Pause()
  #feeds = false
  #running: Promise<void> | undefined
  #stopping = false
  #lookedAfter = 0
  #forgot = 0

  constructor(parts: MoverParts) {
    this.#parts = parts
    this.#feeder = new Feeder(parts)
  }

  /** Whether it gives jobs to the worker of this process by itself, and nothing to the queue. */
  get feeds(): boolean {
    return this.#feeds
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** There is something new: look soon. */
  poke(): void {
    this.#pause.shorten()
  }

  async stop(): Promise<void> {
    this.#stopping = true
    this.#pause.end()
    await this.#running
  }

  async #run(): Promise<void> {
    const { platform, settings } = this.#parts
    let failures = 0
    while (!this.#stopping) {
      let working: Promise<void> | undefined
      try {
        await platform.database.lead(LEAD, (check) => (working = this.#work(check)))
        failures = 0
      } catch (error) {
        failures += 1
        platform.log.warn(jobLogEvents.moverInterrupted, { error })
      }
      // Where the lead was lost in the middle of a step: two that count at the same time would go beyond the limits.
      await working?.catch(() => undefined)
      this.#feeds = false
      if (!this.#stopping)
        await this.#pause.wait(Math.min(LONGEST_PAUSE_MS, settings.pollMs * 2 ** Math.min(failures, 8)))
    }
  }

  async #work(check: () => Promise<void>): Promise<void> {
    const { settings } = this.#parts
    // Where a window is full of long jobs, looks become as rare as where there is nothing.
    let crowdedMs = GATHER_MS
    while (!this.#stopping) {
      const { moved, crowded, again } = await this.#step(check)
      if (moved > 0) crowdedMs = GATHER_MS
      if (again || moved >= BATCH || this.#stopping) continue
      await this.#pause.wait(moved > 0 ? GATHER_MS : crowded ? Math.min(crowdedMs, settings.pollMs) : settings.pollMs)
      if (moved === 0) crowdedMs *= 2
    }
  }

  async #step(check: () => Promise<void>): Promise<Step> {
    const { platform, schedules } = this.#parts
    await this.#lookAfter()
    await schedules.make(platform.database, platform.clock.now())
    const worker = await this.#feeder.onlyWorker()
    this.#feeds = worker !== undefined
    return worker ? this.#feeder.feed(worker, check) : this.#handOver(check)
  }

  /** In one transaction. Nothing is handed over before it is known that this process still leads. */
  async #handOver(check: () => Promise<void>): Promise<Step> {
    const { platform, queue, settings } = this.#parts
    const { database, clock, registry } = platform
    await queue.ready()
    const { promoted, handed, first, crowded } = await database.system(async (system) => {
      const [promoted, { parcels, crowded }] = await Promise.all([
        promoteDue(system, clock.now()),
        chooseNext(system, registry.jobs, { ...everyTenant, window: settings.window }),
        check(),
      ])
      if (parcels.length > 0) await Promise.all([queue.hand(system, parcels), markQueued(system, parcels)])
      return { promoted, handed: parcels.length, first: parcels.some(({ priority }) => priority === -1), crowded }
    })
    if (handed > 0) this.#parts.onHanded(handed, first)
    return { moved: promoted + handed, crowded, again: false }
  }

  /** What went wrong elsewhere; a few times in the time of a lease. */
  async #lookAfter(): Promise<void> {
    const { platform, queue, settings } = this.#parts
    const every = Math.min(5_000, settings.leaseMs / 3)
    if (performance.now() - this.#lookedAfter < every) return
    this.#lookedAfter = performance.now()
    await giveBackLost(platform)
    await giveBackMissing(platform.database, queue, settings.leaseMs)
    await platform.database.system((system) => releaseHeld(system))
    if (performance.now() - this.#forgot < FORGET_MS) return
    this.#forgot = performance.now()
    await queue.forget()
    await forgetGone(platform.database)
  }
}
