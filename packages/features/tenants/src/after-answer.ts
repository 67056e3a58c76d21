import type { Logger } from '@plinth/core'

/** Mails go out when the transaction is through, and nobody's answer waits for a mail server. What still runs is waited for at the end. */
export class AfterAnswer {
  readonly #running = new Set<Promise<void>>()

  /** @param name for the log, where it fails */
  start(log: Logger, name: string, work: () => Promise<void>): void {
    const running = Promise.resolve()
      .then(work)
      .catch((error: unknown) => log.error('tenants.background_failed', { work: name, error }))
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }
}
