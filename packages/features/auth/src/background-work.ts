import type { Logger } from '@plinth/core'

/**
 * Work that an answer does not wait for: so that whether there is an account shows neither in the answer nor in its time. It is
 * waited for when the platform closes.
 */
export class BackgroundWork {
  readonly #running = new Set<Promise<void>>()
  readonly #log: Logger

  constructor(log: Logger) {
    this.#log = log
  }

  /** @param name for the log, where it fails */
  start(name: string, work: () => Promise<void>): void {
    const running = Promise.resolve()
      .then(work)
      .catch((error: unknown) => this.#log.error('auth.background_failed', { work: name, error }))
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }
}
