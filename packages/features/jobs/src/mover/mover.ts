import { givenTime, Pause, type Platform, type StatementRunner } from '@plinth/core'
import { jobLogEvents } from '../log-events.ts'
import type { JobsSettings } from '../options.ts'
import type { Queue } from '../queue/queue.ts'
import type { Line } from '../queue/line.ts'
import type { Supply } from '../queue/supply.ts'
import { countWorkers, forgetGone } from '../worker/presence.ts'
import type { Worker } from '../worker/worker.ts'
import { forgetDead } from './forget-dead.ts'
import { giveBackLost } from './give-back-lost.ts'
import { giveBackMissing, serverTime, waitAgain } from './give-back.ts'
import { BATCH, chooseNext, isFirst, markQueued, promoteDue, releaseHeld, type Handed } from './hand-over.ts'
import { handToWorker } from './hand-to-worker.ts'
import type { Schedules } from './schedules.ts'

const LEAD = 'jobs'
const LONGEST_PAUSE_MS = 10_000
/** Where something moves: a step costs as much for one job as for a hundred, so they may gather. */
const GATHER_MS = 20
/** Of so many that left the line it is said that something moves there. */
const MOVES = 25
/** How long a job may be on its way before it is asked where it is. */
const ASK_AFTER_MS = 10_000
/** How often it is asked who else runs jobs. */
const COUNT_MS = 500
/** About how many lie in the line: of thousands of tenants the window of each is smaller. */
const MOST_IN_LINE = 20_000
/** How often what dead workers left in the queue is looked for. */
const FORGET_MS = 60_000

export interface MoverParts {
  readonly platform: Platform
  readonly queue: Queue
  readonly settings: JobsSettings
  readonly schedules: Schedules
  /** What is handed over where the worker of this process is the only one. */
  readonly line: Line
  readonly supply: Supply
  /** That worker, where there is one. */
  readonly worker: () => Worker | undefined
  /** Told when something was put into the queue, and whether a tenant's first job is among it, of which none is on its way. */
  readonly onHanded: (count: number, first: boolean) => void
}

/**
 * Hands jobs from their table to the queue. One process leads and does it for all; the others look whether it is gone. That there is
 * one makes windows, limits and turns simple: nobody else counts at the same time.
 */
export class Mover {
  readonly #parts: MoverParts
  readonly #pause = new Pause()
  #running: Promise<void> | undefined
  #stopping = false
  #lookedAfter = 0
  #counted = 0
  /** Since when all goes into the line, by the clock of the server. */
  #lineSince = new Date(0)
  #alone = false
  /** The clock of the server, in milliseconds, where this process has counted none. */
  #serverStart = 0
  #forgot = 0
  #promoted = -Infinity

  constructor(parts: MoverParts) {
    this.#parts = parts
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
      await this.#leave()
      if (!this.#stopping)
        await this.#pause.wait(Math.min(LONGEST_PAUSE_MS, settings.pollMs * 2 ** Math.min(failures, 8)))
    }
  }

  async #work(check: () => Promise<void>): Promise<void> {
    const { settings } = this.#parts
    await this.#inherit()
    // Where a window is full of long jobs, looks become as rare as where there is nothing.
    let crowdedMs = GATHER_MS
    let inLine = 0
    while (!this.#stopping) {
      const { moved, crowded } = await this.#step(check)
      const { length } = this.#parts.line
      if (moved > 0 || inLine - length >= MOVES) [crowdedMs, inLine] = [GATHER_MS, length]
      else inLine = Math.max(inLine, length)
      if (moved >= BATCH || this.#stopping) continue
      await this.#pause.wait(moved > 0 ? GATHER_MS : crowded ? Math.min(crowdedMs, settings.pollMs) : settings.pollMs)
      if (moved === 0) crowdedMs *= 2
    }
  }

  /** How many were handed over or promoted. Nothing is handed over before it is known that this process still leads. */
  async #step(check: () => Promise<void>): Promise<{ readonly moved: number; readonly crowded: boolean }> {
    const { platform, line, supply, settings, schedules } = this.#parts
    await this.#lookAfter(check)
    await schedules.make(platform, givenTime(platform) ?? new Date(this.#serverStart + performance.now()))
    const worker = await this.#lookAround()
    const inLine = worker && supply.isQueueEmpty
    // What is still in the queue came before; until it is done, nobody has more than one job there beside.
    const most = worker ? 1 : settings.window
    const window = Math.max(1, Math.min(inLine ? Math.floor(MOST_IN_LINE / (line.tenants + 1)) : most, settings.window))
    const { promoted, handed, first, crowded } = inLine
      ? await handToWorker({ platform, line, leaseMs: settings.leaseMs, worker, window, promote: this.#promote }, check)
      : await this.#handToQueue(window, check)
    if (handed > 0 || !crowded) this.#parts.onHanded(handed, first)
    return { moved: promoted + handed, crowded }
  }

  /** What was scheduled and is due. Not in every look that a new job asks for: it would wait for that, too. */
  readonly #promote = (runner: StatementRunner): Promise<number> => {
    const now = performance.now()
    if (now - this.#promoted < GATHER_MS) return Promise.resolve(0)
    this.#promoted = now
    return promoteDue(runner, givenTime(this.#parts.platform))
  }

  /** In one transaction. */
  async #handToQueue(window: number, check: () => Promise<void>): Promise<Handed> {
    const { platform, queue } = this.#parts
    await queue.ready()
    return platform.database.system(async (system) => {
      const [promoted, { parcels, crowded }] = await Promise.all([
        this.#promote(system),
        chooseNext(system, platform.registry.jobs, window),
        check(),
      ])
      if (parcels.length > 0) await Promise.all([queue.hand(system, parcels), markQueued(system, parcels)])
      return { promoted, handed: parcels.length, first: parcels.some(isFirst), crowded }
    })
  }

  /** The worker of this process, where it is the only one. When somebody comes, what lies in its line is put where he can take it. */
  async #lookAround(): Promise<Worker | undefined> {
    const { platform, queue, line, supply } = this.#parts
    const own = this.#parts.worker()
    if (own && performance.now() - this.#counted > COUNT_MS) {
      this.#alone = (await countWorkers(platform.database, own.name)) === 0
      this.#counted = performance.now()
    }
    if (own && this.#alone) {
      if (!supply.isQueueEmpty && (await queue.isEmpty())) {
        this.#lineSince = await this.#serverTime()
        supply.isQueueEmpty = true
      }
      return own
    }
    supply.isQueueEmpty = false
    if (line.length === 0) return undefined
    await queue.ready()
    for (let parcels = line.parcels(BATCH); parcels.length > 0; parcels = line.parcels(BATCH)) {
      await platform.database.system((system) =>
        Promise.all([queue.hand(system, parcels), markQueued(system, parcels)]),
      )
      // Whoever took one meanwhile claims it; its row of the queue is void.
      line.remove(parcels)
    }
    return undefined
  }

  /** Asked as soon as this process leads, and every few seconds: in between, what the process has counted since is added. */
  async #serverTime(): Promise<Date> {
    const now = await serverTime(this.#parts.platform.database)
    this.#serverStart = now.getTime() - performance.now()
    return now
  }

  /** What whoever led before had in his memory, or was handing over when he ended, is given out anew. */
  async #inherit(): Promise<void> {
    await giveBackMissing(this.#parts.platform.database, this.#parts, await this.#serverTime())
  }

  /** Others lead now: what lies in the line waits for them. */
  async #leave(): Promise<void> {
    const { platform, line, supply } = this.#parts
    this.#alone = false
    supply.isQueueEmpty = false
    // Where that cannot be said, it is found to be nowhere, later.
    await waitAgain(platform.database, line.empty()).catch(() => 0)
  }

  /** What is handed over and nowhere. What came since all goes into the line is there. */
  async #giveBackMissing(): Promise<void> {
    const { platform, settings, supply } = this.#parts
    const { database } = platform
    const before = new Date((await this.#serverTime()).getTime() - Math.min(ASK_AFTER_MS, settings.leaseMs))
    const inLine = supply.isQueueEmpty && this.#lineSince < before
    await giveBackMissing(database, this.#parts, inLine ? this.#lineSince : before)
  }

  /** What went wrong elsewhere; a few times in the time of a lease. */
  async #lookAfter(check: () => Promise<void>): Promise<void> {
    const { platform, queue, settings } = this.#parts
    const goesOn = async (): Promise<boolean> => {
      await check()
      return !this.#stopping
    }
    const every = Math.min(5_000, settings.leaseMs / 3)
    if (performance.now() - this.#lookedAfter < every) return
    this.#lookedAfter = performance.now()
    await giveBackLost(platform, goesOn)
    await this.#giveBackMissing()
    await platform.database.system((system) => releaseHeld(system))
    if (performance.now() - this.#forgot < FORGET_MS) return
    this.#forgot = performance.now()
    await queue.forget()
    await forgetGone(platform.database)
    await forgetDead(platform, settings, goesOn)
    const longAgo = new Date((await this.#serverTime()).getTime() - FORGET_MS)
    await giveBackMissing(platform.database, this.#parts, longAgo, 2 * MOST_IN_LINE)
  }
}
