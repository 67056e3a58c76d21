import { PlinthError } from '../errors/plinth-error.ts'
import { logEvents } from '../logging/events.ts'
import type { Logger } from '../ports/logger.ts'

/**
 * Of one name: each is a look at the database and perhaps a mail; beyond these somebody floods us, and memory is not his to fill. Each
 * name has its own, so that a flood of refusals keeps no mail from being sent, nor one of mails an entry from being written.
 */
const MOST_RUNNING = 1_000

/**
 * Work that an answer does not wait for: mails, and whatever would tell by the time it takes whether there is an account. Begun after
 * the transaction is through, and waited for when the platform closes.
 */
export class AfterAnswer {
  readonly #running = new Map<string, Set<Promise<void>>>()
  readonly #log: Logger

  constructor(log: Logger) {
    this.#log = log
  }

  /**
   * @param name for the log, where it fails or there is too much of it; one of few
   * @returns whether it was begun: not where there is too much of this name
   */
  start(name: string, work: () => Promise<void>): boolean {
    const lane = this.#running.get(name) ?? new Set()
    this.#running.set(name, lane)
    if (lane.size >= MOST_RUNNING) {
      this.#log.warn(logEvents.afterAnswerFailed, { work: name, reason: 'too much is waiting' })
      return false
    }
    const running = Promise.resolve()
      .then(work)
      .catch((error: unknown) => {
        // What a stranger sent is no fault of ours, and would fill the log at his will.
        if (PlinthError.is(error) && error.status < 500) return
        this.#log.error(logEvents.afterAnswerFailed, { work: name, error })
      })
      .finally(() => lane.delete(running))
    lane.add(running)
    return true
  }

  async settled(): Promise<void> {
    const all = (): readonly Promise<void>[] => [...this.#running.values()].flatMap((lane) => [...lane])
    for (let running = all(); running.length > 0; running = all()) await Promise.all(running)
  }
}
