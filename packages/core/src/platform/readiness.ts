import { logEvents } from '../logging/events.ts'
import { PlinthError, problem } from '../errors/plinth-error.ts'
import { StartupError } from '../errors/startup-error.ts'
import type { Database } from '../ports/database.ts'
import type { Logger } from '../ports/logger.ts'

/** How long a refusal stands before the catalog is compared again, in milliseconds. */
const REFUSED_FOR = 2_000
/** How often a process that serves looks whether it is still so, in milliseconds. By itself: no request waits for it. */
const LOOK_EVERY = 60_000

export interface Readiness {
  /** Undefined while all is well, so that the hot path awaits nothing. @throws not_ready, unavailable */
  readonly ready: () => Promise<void> | undefined
  /** Compares now. @throws StartupError */
  readonly check: () => Promise<void>
  /** Looks no more. */
  readonly stop: () => void
}

/**
 * Serving is refused until the live catalog is as declared: `drizzle-kit push`, for one, silently disables row-level security
 * and drops policies, and a runtime login that owns the tables is not bound by them.
 */
export function readinessOf(database: Database, log: Logger, begin: () => void = () => undefined): Readiness {
  let verified = false
  let running: Promise<void> | undefined
  let refusedUntil = 0
  let looking: NodeJS.Timeout | undefined
  let isOver = false

  const check = async (): Promise<void> => {
    const faults = await database.check()
    if (faults.length > 0) throw new StartupError(faults)
    verified = true
    database.startBackground()
    begin()
    if (!isOver) looking ??= setInterval(() => void look(), LOOK_EVERY).unref()
    log.info(logEvents.databaseVerified, { database: database.kind })
  }
  const look = async (): Promise<void> => {
    if (!verified) return
    // A database that does not answer is told by its own check.
    const faults = (await database.recheck?.().catch(() => [])) ?? []
    if (faults.length === 0) return
    verified = false
    refusedUntil = Date.now() + REFUSED_FOR
    log.error(logEvents.startupFault, { error: new StartupError(faults) })
  }
  const refuse = (error: unknown): never => {
    if (PlinthError.is(error)) throw error
    refusedUntil = Date.now() + REFUSED_FOR
    log.error(logEvents.startupFault, { error })
    throw problem('not_ready', { cause: error })
  }
  return {
    check,
    stop() {
      isOver = true
      clearInterval(looking)
    },
    ready() {
      if (verified) return undefined
      if (Date.now() < refusedUntil) return Promise.reject(problem('not_ready'))
      running ??= check()
        .catch(refuse)
        .finally(() => {
          running = undefined
        })
      return running
    },
  }
}
