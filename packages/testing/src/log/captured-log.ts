import { inspect } from 'node:util'
import type { LogFields, Logger } from '@plinth/core'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export interface LogLine {
  readonly level: LogLevel
  readonly event: string
  readonly fields: LogFields
}

/** A logger that keeps what it is told. */
export interface CapturedLog extends Logger {
  /** The newest lines, oldest first. */
  readonly lines: readonly LogLine[]
  /** All lines as one text, errors with stack and causes: for `expect(log.text()).not.toContain(secret)`. */
  text(): string
  /** Lines of one event. */
  of(event: string): readonly LogLine[]
  clear(): void
}

/**
 * Keeps the last `most` lines (default 10,000: a fuzzer makes a line per request).
 * @param options.least lines below this level are dropped
 */
export function capturedLog(options: { readonly most?: number; readonly least?: LogLevel } = {}): CapturedLog {
  const { most = 10_000, least = 'debug' } = options
  const lines: LogLine[] = []
  const from = levels.indexOf(least)
  const keep = (level: LogLevel, event: string, fields: LogFields): void => {
    if (levels.indexOf(level) < from) return
    lines.push({ level, event, fields })
    // In lumps, for shifting an array of 10,000 at every line is what takes the time.
    if (lines.length > 2 * most) lines.splice(0, lines.length - most)
  }
  const logger = (common: LogFields): Logger => ({
    debug: (event, fields) => keep('debug', event, { ...common, ...fields }),
    info: (event, fields) => keep('info', event, { ...common, ...fields }),
    warn: (event, fields) => keep('warn', event, { ...common, ...fields }),
    error: (event, fields) => keep('error', event, { ...common, ...fields }),
    child: (fields) => logger({ ...common, ...fields }),
  })
  return {
    ...logger({}),
    get lines() {
      return lines.slice(-most)
    },
    text: () => lines.slice(-most).map(printLine).join('\n'),
    of: (event) => lines.filter((line) => line.event === event),
    clear: () => void lines.splice(0),
  }
}

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

function printLine({ level, event, fields }: LogLine): string {
  return `${level} ${event} ${inspect(fields, { depth: 8, breakLength: Infinity })}`
}
