import type { FixedStatement, Platform } from '@plinth/core'
import { authEvents } from './log-events.ts'

/** A use that is at least so much later than the one written down is worth a write, in milliseconds. */
const WORTH_WRITING_MS = 60_000
const FLUSH_AFTER_MS = 5_000
const MOST_WAITING = 5_000

/**
 * When things were last used: collected, and written in one statement every few seconds, so that a request costs no write. What a
 * crash loses is a minute.
 */
export class LastUse {
  readonly #platform: Platform
  readonly #write: (ids: readonly string[], times: readonly string[]) => FixedStatement
  readonly #used = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> = Promise.resolve()

  /** @param write what writes times (milliseconds since 1970, as text) of ids */
  constructor(platform: Platform, write: (ids: readonly string[], times: readonly string[]) => FixedStatement) {
    this.#platform = platform
    this.#write = write
  }

  /** @param lastUsedAt as it is written down, in milliseconds */
  note(id: string, lastUsedAt: number): void {
    const now = this.#platform.clock.now().getTime()
    if (now - lastUsedAt < WORTH_WRITING_MS || this.#used.size >= MOST_WAITING) return
    this.#used.set(id, now)
    this.#timer ??= setTimeout(() => void this.flush(), FLUSH_AFTER_MS).unref()
  }

  /** Ends when nothing is being written any more, of a flush that was under way either: after it the database may be closed. */
  flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    return (this.#running = this.#running.then(() => this.#writeUsed()))
  }

  async #writeUsed(): Promise<void> {
    if (this.#used.size === 0) return
    const used = [...this.#used]
    this.#used.clear()
    const written = this.#write(
      used.map(([id]) => id),
      used.map(([, at]) => String(at)),
    )
    try {
      await this.#platform.database.system((system) => system.run(written))
    } catch (error) {
      // Nothing depends on it: the next use writes again.
      this.#platform.log.warn(authEvents.lastUseNotWritten, { error })
    }
  }
}
