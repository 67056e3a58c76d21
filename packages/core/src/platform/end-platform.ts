import { withinTime } from '../limits/within-time.ts'
import { logEvents } from '../logging/events.ts'
import type { Platform } from './platform.ts'
import type { Plinth, PlinthOptions } from './plinth.ts'

/**
 * The end of a platform, in the order in which each part still needs the next: requests, what they left to do, the workers of features,
 * then what all of them speak to.
 */
export function endOf(
  platform: Platform,
  options: PlinthOptions,
  stopLooking: () => void,
): Pick<Plinth, 'drain' | 'close'> {
  const { load, log, limits } = platform
  const begin = async (): Promise<void> => {
    const left = await load.drain(limits.drain)
    if (left > 0) log.warn(logEvents.drainIncomplete, { inFlight: left })
  }
  let draining: Promise<void> | undefined
  const drain = (): Promise<void> => (draining ??= begin())
  const steps: readonly (() => Promise<void> | undefined)[] = [
    drain,
    // A mail server that hangs must not keep the process beyond the time that whoever stops it allows.
    () => withinTime(platform.after.settled(), limits.drain),
    ...platform.registry.features.map((feature) => () => feature.stop?.()),
    () => options.rateLimits?.store?.close?.(),
    () => platform.mailer.close?.(),
    () => platform.database.close(),
  ]
  const close = async (): Promise<void> => {
    const failures: unknown[] = []
    for (const step of steps) {
      try {
        await step()
      } catch (error) {
        // A connection that is left open because another could not be closed would keep the process from ending.
        log.error(logEvents.closeFailed, { error })
        failures.push(error)
      }
    }
    load.stop()
    stopLooking()
    if (failures.length > 0) throw new AggregateError(failures, 'Not everything could be closed')
  }
  let closing: Promise<void> | undefined
  return { drain, close: () => (closing ??= close()) }
}
