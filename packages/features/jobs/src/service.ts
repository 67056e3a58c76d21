import type { Platform } from '@plinth/core'
import { jobLogEvents } from './log-events.ts'
import { Mover } from './mover/mover.ts'
import { Schedules } from './mover/schedules.ts'
import type { JobsSettings } from './options.ts'
import { waitAgain } from './mover/give-back.ts'
import { Line } from './queue/line.ts'
import { Queue } from './queue/queue.ts'
import { Supply } from './queue/supply.ts'
import { Worker } from './worker/worker.ts'

/** Mover and worker of one process. */
export class JobService {
  readonly #platform: Platform
  readonly #settings: JobsSettings
  readonly #queue: Queue
  readonly #line = new Line()
  readonly #supply: Supply
  readonly #mover: Mover
  #worker: Worker | undefined
  /** Handed over by this process and not yet through, as far as it knows; what others take is found by the next look. */
  #flying = 0
  #closing: Promise<void> | undefined

  constructor(platform: Platform, settings: JobsSettings) {
    this.#platform = platform
    this.#settings = settings
    this.#queue = new Queue(platform.database)
    this.#supply = new Supply({ queue: this.#queue, line: this.#line })
    this.#mover = new Mover({
      platform,
      settings,
      queue: this.#queue,
      line: this.#line,
      supply: this.#supply,
      worker: () => this.#worker,
      schedules: new Schedules(platform.registry.jobs.values()),
      onHanded: (count, first) => {
        // Where nothing waits, whatever is on its way is somebody else's.
        this.#flying = count === 0 ? 0 : this.#flying + count
        if (count === 0) return
        if (first) this.#worker?.lookNow()
        else this.#worker?.poke()
      },
    })
  }

  /** Where there are no jobs there is nothing to hand out. */
  start(): void {
    if (this.#closing || this.#platform.registry.jobs.size === 0) return
    this.#mover.start()
    if (this.#settings.here) this.#startWorker()
  }

  /** There is a new job. */
  poke(): void {
    this.#mover.poke()
  }

  async work(signal: AbortSignal): Promise<void> {
    this.#mover.start()
    this.#startWorker()
    if (!signal.aborted)
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    await this.close()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#mover.stop()
    // Before what runs has its time to end: others may take them meanwhile.
    await this.#leaveLine()
    await this.#worker?.stop()
    await this.#leaveLine()
    await this.#queue.close()
    if (this.#worker) this.#platform.log.info(jobLogEvents.workerStopped, {})
  }

  /** What lies in the line waits again. Where that cannot be said, it is found to be nowhere, later. */
  async #leaveLine(): Promise<void> {
    await waitAgain(this.#platform.database, this.#line.empty()).catch(() => 0)
  }

  #startWorker(): void {
    if (this.#worker) return
    this.#worker = new Worker({
      platform: this.#platform,
      settings: this.#settings,
      queue: this.#queue,
      supply: this.#supply,
      onDone: (count) => {
        this.#flying = Math.max(0, this.#flying - count)
        // Not for each: what is on its way keeps the worker busy until there is room for many.
        if (this.#flying <= this.#settings.window / 2) this.#mover.poke()
      },
    })
    this.#worker.start()
    this.#platform.log.info(jobLogEvents.workerStarted, { concurrency: this.#settings.concurrency })
  }
}
