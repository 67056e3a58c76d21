import { destination as openDestination, pino, type DestinationStream, type Logger as Pino } from 'pino'
import { systemClock, type Clock } from '../ports/clock.ts'
import type { LeveledLogger, LineLevel, LogDestination, LogLevel } from './levels.ts'
import type { Masked } from './mask-fields.ts'
import { maskingLogger, type LineWriter } from './masking-logger.ts'

export interface LoggerOptions {
  /** Lines below it cost nothing but the call. Default: info. */
  readonly level?: LogLevel
  /** Field `name` of each line: which logger it was. Default: plinth. */
  readonly name?: string
  /** Default: standard output, written before the call returns, so that a crash loses no line. */
  readonly destination?: LogDestination
  readonly clock?: Clock
}

/**
 * One JSON object a line: `level` (a word), `time` (ISO 8601, UTC), `name`, the fields of the loggers and of the line, and
 * `event`. Secrets are masked. Line breaks in values are escaped, so that no value can begin a line of its own.
 */
export function jsonLogger({
  level = 'info',
  name = 'plinth',
  destination,
  clock = systemClock,
}: LoggerOptions = {}): LeveledLogger {
  const stream: DestinationStream = destination
    ? { write: (line) => void destination.write(line) }
    : openDestination({ dest: 1, sync: true })
  const root = pino(
    {
      level: 'debug', // The level is asked before anything is built; pino is not asked again.
      base: null,
      messageKey: 'event',
      timestamp: () => `,"time":"${clock.now().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  )
  return maskingLogger(new PinoWriter(root, { name }), level)
}

class PinoWriter implements LineWriter {
  readonly #root: Pino
  readonly #bindings: Masked
  readonly #own: Pino

  constructor(root: Pino, bindings: Masked) {
    this.#root = root
    this.#bindings = bindings
    // From the root, with all fields: pino's own children of children write a field twice when both set it.
    this.#own = root.child(bindings)
  }

  write(level: LineLevel, event: string, fields: Masked | undefined): void {
    if (!fields) return this.#own[level](event)
    for (const key in fields) {
      if (Object.hasOwn(this.#bindings, key)) return this.#without(fields)[level](fields, event)
    }
    this.#own[level](fields, event)
  }

  child(fields: Masked): LineWriter {
    return new PinoWriter(this.#root, { ...this.#bindings, ...fields })
  }

  /** Two members of one name are read as the first by some and as the last by others. */
  #without(fields: Masked): Pino {
    return this.#root.child(
      Object.fromEntries(Object.entries(this.#bindings).filter(([key]) => !Object.hasOwn(fields, key))),
    )
  }
}
