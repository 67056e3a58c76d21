import type { Logger } from '@plinth/core'
import { auditEvents } from '../log-events.ts'
import type { Sealer } from './sealer.ts'

/** Milliseconds between two looks at the inbox, and how many a failing database is left alone. */
const EVERY_MS = 1_000
const AFTER_FAILURE_MS = 10_000

/**
 * Seals once a second. Every process does, without a leader: a chain has a lock of its own, and a look at an empty inbox is one page
 * of an index. What waits in the inbox is lost by no crash.
 */
export class BackgroundSealing {
  readonly #sealer: Sealer
  readonly #log: Logger
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  #stopped = false

  constructor(sealer: Sealer, log: Logger) {
    this.#sealer = sealer
    this.#log = log
  }

  start(): void {
    this.#timer ??= this.#after(EVERY_MS)
  }

  /** Resolves when nothing of it is running any more. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#running
  }

  #after(milliseconds: number): NodeJS.Timeout {
    const timer = setTimeout(() => {
      this.#running = this.#round()
    }, milliseconds)
    // A process that has nothing else to do may end.
    return timer.unref()
  }

  async #round(): Promise<void> {
    let next = EVERY_MS
    try {
      await this.#sealer.sealAll(() => this.#stopped)
    } catch (error) {
      next = AFTER_FAILURE_MS
      this.#log.warn(auditEvents.notSealed, { error })
    }
    if (!this.#stopped) this.#timer = this.#after(next)
  }
}
