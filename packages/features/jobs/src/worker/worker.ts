import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { Pause, settledWithin, type Platform } from '@plinth/core'
import { jobLogEvents } from '../log-events.ts'
import type { JobsSettings } from '../options.ts'
import type { Queue } from '../queue/queue.ts'
import type { Supply } from '../queue/supply.ts'
import { claim, renew, type Claimed } from './claim.ts'
import { Ending } from './ending.ts'
import { Draining, type Running } from './run-job.ts'
import { Pace } from './pace.ts'
import { announce, takeLeave } from './presence.ts'
import { belongsTogether, runTogether } from './run-together.ts'
import { giveBack } from './settle.ts'
import { QUICK_MS, Shares } from './shares.ts'

const LONGEST_PAUSE_MS = 10_000
/** Of how much work a process takes ahead: what lies here is in the way of another tenant's, and goes back when the process ends. */
const AHEAD_MS = 20
/** How long places may stay free so that several are filled at once: a look at the queue costs as much for ten as for one. */
const GATHER_MS = 8
/** Of how many times its places a process takes work ahead at most. */
const MOST_AHEAD = 10
/** How long deliveries that are claimed may stay in the queue so that many are deleted at once. */
const DROP_MS = 20
/** How long a run may take to end once it was told that its time of grace is over. */
const LAST_MS = 500

export interface WorkerParts {
  readonly platform: Platform
  readonly queue: Queue
  readonly settings: JobsSettings
  readonly supply: Pick<Supply, 'take' | 'claimed'>
  /** Told when jobs ended, and the mover may have room for others. */
  readonly onDone: (count: number) => void
}

/** How many jobs a worker takes now. */
export interface Room {
  readonly some: number
  /** As many in all, where they are the first of their tenant: what is taken ahead of others is no line for them. */
  readonly first: number
}

/** Takes jobs from the queue and runs them, so many at once. */
export class Worker {
  readonly #parts: WorkerParts
  readonly name = `${hostname().slice(0, 40)}/${process.pid}/${randomUUID().slice(0, 8)}`
  readonly #pause = new Pause()
  readonly #running = new Map<string, Running>()
  /** Claimed, and begun as soon as there is room. */
  #ahead: Running[] = []
  #lookingNow = false
  readonly #pace = new Pace()
  readonly #shares: Shares
  readonly #ending = new Set<Promise<void>>()
  /** Deliveries that are claimed, or void, and still in the queue. */
  #known: string[] = []
  #dropping: Promise<void> | undefined
  #dropTimer: NodeJS.Timeout | undefined
  #fillTimer: NodeJS.Timeout | undefined
  #loop: Promise<void> | undefined
  #heart: NodeJS.Timeout | undefined
  #beating: Promise<void> | undefined
  #stopping = false

  constructor(parts: WorkerParts) {
    this.#parts = parts
    this.#shares = new Shares({ places: parts.settings.concurrency })
  }

  start(): void {
    if (this.#loop) return
    const { settings } = this.#parts
    this.#heart = setInterval(() => this.#beatOnce(), Math.min(2_000, settings.leaseMs / 4)).unref()
    this.#loop = this.#run()
  }

  /** There may be something in the queue: look soon. */
  poke(): void {
    this.#pause.shorten()
  }

  /** There is a tenant's first job: beside what was taken ahead of others, it has a place of its own. */
  lookNow(): void {
    this.#lookingNow = true
    this.#pause.skip()
  }

  /** Takes nothing more; lets what runs end within its time of grace, gives the rest back. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#pause.end()
    await this.#loop
    // Behind a beat that says that it is there; the next ones say no more than what still runs.
    await this.#beating
    await takeLeave(this.#parts.platform.database, this.name).catch(() => undefined)
    const ahead = this.#ahead.splice(0).map(({ job }) => job)
    await giveBack(this.#parts.platform, ahead).catch(() => undefined)
    await settledWithin(this.#parts.settings.graceMs, this.#ending)
    const left = [...this.#running.values()]
    for (const { ending } of left) ending.end(new Draining('the process ends'))
    await settledWithin(LAST_MS, this.#ending)
    clearInterval(this.#heart)
    await this.#beating
    // What does not heed its signal: the lease would give it back as well, later.
    await giveBack(
      this.#parts.platform,
      [...this.#running.values()].map(({ job }) => job),
    ).catch(() => undefined)
    clearTimeout(this.#fillTimer)
    clearTimeout(this.#dropTimer)
    await this.#dropping
    await this.#drop()
  }

  async #run(): Promise<void> {
    const { settings, platform } = this.#parts
    let failures = 0
    await this.#announce()
    while (!this.#stopping) {
      let taken = 0
      try {
        taken = await this.#takeSome()
        failures = 0
      } catch (error) {
        failures += 1
        platform.log.warn(jobLogEvents.workerInterrupted, { error })
      }
      if (this.#stopping) break
      if (this.#free < this.#least) await this.#pause.wait(settings.pollMs)
      else if (taken === 0)
        await this.#pause.wait(Math.min(LONGEST_PAUSE_MS, settings.pollMs * 2 ** Math.min(failures, 8)))
    }
  }

  get #free(): number {
    return this.#shares.free + this.#most - this.#ahead.length
  }

  get room(): Room {
    const { concurrency } = this.#parts.settings
    const free = this.#free
    if (this.#stopping) return { some: 0, first: 0 }
    const some = free < this.#least ? 0 : free
    // Not without end: where many tenants have one job each, what lies here is theirs already.
    return { some, first: free > -concurrency ? Math.max(free, concurrency) : some }
  }

  /** Runs what was claimed for it, as soon as there is a place. */
  accept(claimed: readonly Claimed[]): void {
    for (const job of claimed) this.#ahead.push({ job, ending: new Ending(), progress: null, note: null })
    this.#fill()
  }

  /** Places that must be free before the next look: as many as end in the time of gathering, of work that takes longer one. */
  get #least(): number {
    const ending = Math.floor(this.#pace.within(GATHER_MS))
    return Math.max(1, Math.min(ending, Math.floor((this.#parts.settings.concurrency + this.#most) / 2)))
  }

  /** How many may be claimed ahead. */
  get #most(): number {
    return Math.min(MOST_AHEAD * this.#parts.settings.concurrency, Math.floor(this.#pace.within(AHEAD_MS)))
  }

  async #takeSome(): Promise<number> {
    const { supply, platform, settings } = this.#parts
    const { some, first } = this.room
    const most = this.#lookingNow ? first : some
    this.#lookingNow = false
    if (most === 0) return 0
    const { deliveries, queued } = await supply.take(most)
    if (deliveries.length === 0) return 0
    const claiming = claim(platform, deliveries, { worker: this.name, leaseMs: settings.leaseMs })
    const claimed = await supply.claimed(deliveries, claiming)
    // What is claimed is known by its row from now on, and the queue need not know it any more.
    this.#known.push(...deliveries.slice(0, queued).map(({ delivery }) => delivery))
    if (queued > 0) this.#dropSoon()
    if (claimed.length < deliveries.length) this.#parts.onDone(deliveries.length - claimed.length)
    this.accept(claimed)
    return deliveries.length
  }

  #fill(): void {
    while (!this.#stopping && this.#shares.free > 0) {
      const next = this.#next()
      if (!next) return this.#fillSoon()
      this.#begin(this.#withOthers(next))
    }
  }

  /** What is held back for others is so for as long as a quick job takes, whether one ends or not. */
  #fillSoon(): void {
    if (this.#ahead.length === 0) return
    this.#fillTimer ??= setTimeout(() => {
      this.#fillTimer = undefined
      this.#fill()
    }, QUICK_MS).unref()
  }

  /** What may share its transaction, of what was claimed ahead. */
  #withOthers(first: Running): readonly [Running, ...Running[]] {
    const most = this.#parts.platform.registry.jobs.get(first.job.type)?.together ?? 1
    if (most === 1) return [first]
    const others = this.#ahead.filter((one) => belongsTogether(first, one))
    const chosen = new Set(others.slice(0, most - 1))
    this.#ahead = this.#ahead.filter((one) => !chosen.has(one))
    return [first, ...chosen]
  }

  /** Of what was claimed ahead, the first of the tenant of which fewest run: another one's forty are no line here. None beyond its share. */
  #next(): Running | undefined {
    let [least, chosen] = [Infinity, -1]
    for (const [at, { job }] of this.#ahead.entries()) {
      const own = this.#shares.has(job.tenantId)
      if (own < least && own < this.#shares.most(job.tenantId)) [least, chosen] = [own, at]
      if (least === 0) break
    }
    return chosen < 0 ? undefined : this.#ahead.splice(chosen, 1)[0]
  }

  #begin(jobs: readonly [Running, ...Running[]]): void {
    for (const running of jobs) this.#running.set(running.job.delivery, running)
    const [{ job: first }] = jobs
    const place = this.#shares.begin(first.tenantId)
    const ending = runTogether(this.#parts.platform, jobs, {
      onWork: () => this.#shares.resume(place),
      // What waits for the answer to its COMMIT has no place any more: what begins then is sent behind that, in one message.
      onSent: () => {
        this.#shares.leave(place)
        this.#fill()
      },
    })
      // The database is away: the lease gives the job to whoever is there when it is back.
      .catch((error: unknown) => this.#parts.platform.log.warn(jobLogEvents.workerInterrupted, { error }))
      .finally(() => {
        for (const { job } of jobs) this.#running.delete(job.delivery)
        this.#ending.delete(ending)
        this.#shares.end(place)
        this.#pace.ended(jobs.length)
        this.#fill()
        this.#parts.onDone(jobs.length)
        if (this.#free >= this.#least) this.#pause.shorten()
      })
    this.#ending.add(ending)
  }

  #dropSoon(): void {
    this.#dropTimer ??= setTimeout(() => {
      this.#dropTimer = undefined
      // Behind a turn: with nothing to drop it would end before it is kept, and be taken for one that goes on for ever.
      this.#dropping ??= Promise.resolve().then(() => this.#drop())
    }, DROP_MS).unref()
  }

  /** Several at once: what ends while one statement runs goes with the next. */
  async #drop(): Promise<void> {
    const { queue } = this.#parts
    try {
      while (this.#known.length > 0) await queue.drop(this.#known.splice(0))
    } catch {
      // They stay there until somebody asks for them and finds that they are done.
    } finally {
      this.#dropping = undefined
    }
  }

  #beatOnce(): void {
    this.#beating ??= this.#beat().finally(() => (this.#beating = undefined))
  }

  async #beat(): Promise<void> {
    const { platform, settings } = this.#parts
    const running = [...this.#running.values(), ...this.#ahead]
    const announced = this.#announce()
    try {
      if (running.length === 0) return
      const said = running.map(({ job, progress, note }) => ({ ...job, progress, note }))
      const kept = await renew(platform.database, said, settings.leaseMs)
      for (const { job, ending } of running)
        if (!kept.has(job.delivery)) ending.end(new Error('It was cancelled, or given to another worker.'))
    } catch (error) {
      platform.log.warn(jobLogEvents.workerInterrupted, { error })
    }
    await announced
  }

  /** Whether it can be said or not: jobs that are kept by their lease are more than that somebody knows who keeps them. */
  async #announce(): Promise<void> {
    const { platform } = this.#parts
    if (this.#stopping) return
    await announce(platform.database, this.name).catch((error: unknown) =>
      platform.log.warn(jobLogEvents.workerInterrupted, { error }),
    )
  }
}
