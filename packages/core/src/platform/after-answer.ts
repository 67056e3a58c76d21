import { PlinthError } from '../errors/plinth-error.ts'
import { logEvents } from '../logging/events.ts'
import type { Logger } from '../ports/logger.ts'

/** Each is a look at the database and perhaps a mail; beyond these somebody floods us, and memory is not his to fill. */
const MOST_RUNNING = 1_000

/**
 * Work that an answer does not wait for: mails, and whatever would tell by the time it takes whether there is an account. Begun after
 * the transaction is through, and waited for when the platform closes.
 */
export class AfterAnswer {
  readonly #running = new Set<Promise<void>>()
  readonly #log: Logger

  constructor(log: Logger) {
    this.#log = log
  }

  /** @param name for the log, where it fails or there is too much of it */
  start(name: string, work: () => Promise<void>): void {
    if (this.#running.size >= MOST_RUNNING) {
      this.#log.warn(logEvents.afterAnswerFailed, { work: name, reason: 'too much is waiting' })
      return
    }
    const running = Promise.resolve()
      .then(work)
      .catch((error: unknown) => {
        // What a stranger sent is no fault of ours, and would fill the log at his will.
        if (PlinthError.is(error) && error.status < 500) return
        this.#log.error(logEvents.afterAnswerFailed, { work: name, error })
      })
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }
}
