import { statement, type Platform } from '@plinth/core'
import { authEvents } from '../log-events.ts'

/** A use that is at least so much later than the one written down is worth a write, in milliseconds. */
const WORTH_WRITING_MS = 60_000
const FLUSH_AFTER_MS = 5_000
const MOST_WAITING = 5_000

/**
 * When sessions were last used, and how far that moves their idle end: collected, and written in one statement every few seconds, so
 * that a request costs no write. What a crash loses is a minute of idle time.
 */
export class LastUse {
  readonly #platform: Platform
  readonly #idleMs: number
  readonly #used = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined

  constructor(platform: Platform, idleSeconds: number) {
    this.#platform = platform
    this.#idleMs = idleSeconds * 1000
  }

  /** @param lastSeenAt as it is written down, in milliseconds */
  note(sessionId: string, lastSeenAt: number): void {
    const now = this.#platform.clock.now().getTime()
    if (now - lastSeenAt < WORTH_WRITING_MS || this.#used.size >= MOST_WAITING) return
    this.#used.set(sessionId, now)
    this.#timer ??= setTimeout(() => void this.flush(), FLUSH_AFTER_MS).unref()
  }

  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#used.size === 0) return
    const used = [...this.#used]
    this.#used.clear()
    try {
      await this.#platform.database.system((system) =>
        system.run(statement`
          update plinth.sessions s
            set last_seen_at = w.seen, expires_at = least(s.ends_at, w.seen + make_interval(secs => ${this.#idleMs / 1000}::float8))
            from (select i::uuid as id, to_timestamp(t::float8 / 1000) as seen
              from unnest(${used.map(([id]) => id)}::text::text[], ${used.map(([, at]) => String(at))}::text::text[]) u(i, t)) w
            where s.id = w.id and s.ended_at is null and s.last_seen_at < w.seen`),
      )
    } catch (error) {
      // Nothing depends on it: the next use writes again.
      this.#platform.log.warn(authEvents.lastUseNotWritten, { error })
    }
  }
}
