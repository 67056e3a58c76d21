import type { Feature } from '../feature/feature.ts'
import { withinTime } from '../limits/within-time.ts'
import { logEvents } from '../logging/events.ts'
import type { Limits, Platform } from './platform.ts'
import type { Plinth, PlinthOptions } from './plinth.ts'

/** How long a feature may take to stop that does not say how long it needs, in milliseconds. */
const FEATURE_MS = 5_000
/** How long a store of limits, or a mailer, may take to say goodbye. What answers had begun to send has had its time before. */
const CONNECTOR_MS = 5_000
/** The relay ends its deliveries, then what runs has ten seconds, then connections say goodbye. */
const DATABASE_MS = 15_000

/** A part that ends, and how long it may take: one that hangs would keep the process until it is killed, and nothing behind it be closed. */
interface Part {
  readonly name: string
  readonly withinMs: number
  readonly end: () => Promise<unknown> | undefined
}

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
  const [workers, last] = inOrderOfEnd(platform.registry.features)
  const partOf = (feature: Feature): Part => ({
    name: feature.name,
    withinMs: stopMsOf(feature),
    end: () => feature.stop?.(),
  })
  const stages: readonly (readonly Part[])[] = [
    // A mail server that hangs must not keep the process beyond the time that whoever stops it allows.
    [{ name: 'what answers left to do', withinMs: limits.drain, end: () => platform.after.settled() }],
    workers.map(partOf),
    last.map(partOf),
    [{ name: 'store of limits', withinMs: CONNECTOR_MS, end: () => options.rateLimits?.store?.close?.() }],
    [{ name: 'mailer', withinMs: CONNECTOR_MS, end: () => platform.mailer.close?.() }],
    [{ name: 'database', withinMs: DATABASE_MS, end: () => platform.database.close() }],
  ]
  const failures: unknown[] = []
  const endPart = async ({ name, withinMs, end }: Part): Promise<void> => {
    try {
      await withinTime(Promise.resolve(end()), withinMs)
    } catch (error) {
      // A connection that is left open because another could not be closed would keep the process from ending.
      log.error(logEvents.closeFailed, { part: name, error })
      failures.push(error)
    }
  }
  const close = async (): Promise<void> => {
    stopLooking()
    await drain()
    for (const stage of stages) await Promise.all(stage.map(endPart))
    load.stop()
    if (failures.length > 0) throw new AggregateError(failures, 'Not everything could be closed')
  }
  let closing: Promise<void> | undefined
  return { drain, close: () => (closing ??= close()) }
}

/**
 * Side by side, and whoever keeps the audit log behind them: jobs work on for their grace, and what is denied to one then would be told to
 * somebody who has said his last words.
 */
function inOrderOfEnd(features: readonly Feature[]): readonly [readonly Feature[], readonly Feature[]] {
  const { others = [], last = [] } = Object.groupBy(features, ({ slots }) => (slots?.audit ? 'last' : 'others'))
  return [others, last]
}

/** How long this feature may take to stop. */
export function stopMsOf({ stop, stopMs }: Feature): number {
  return stop ? (stopMs ?? FEATURE_MS) : 0
}

/** How long `close()` may take behind the last request: what whoever ends the process has to give it. */
export function closeMsOf(features: readonly Feature[], limits: Pick<Limits, 'drain'>): number {
  const stages = inOrderOfEnd(features).map((stage) => Math.max(0, ...stage.map(stopMsOf)))
  return limits.drain + stages.reduce((sum, ms) => sum + ms, 0) + 2 * CONNECTOR_MS + DATABASE_MS
}
