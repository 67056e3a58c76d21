import type { LogFields, Logger } from '../ports/logger.ts'

/** From the chattiest to nothing at all. */
export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]
/** The level of a line. */
export type LineLevel = Exclude<LogLevel, 'silent'>

export const weights: Readonly<Record<LogLevel, number>> = {
  debug: 20,
  info: 30,
  warn: 40,
  error: 50,
  silent: Number.POSITIVE_INFINITY,
}

/** A logger whose level can change while it runs; its children follow. */
export interface LeveledLogger extends Logger {
  level: LogLevel
  child(fields: LogFields): LeveledLogger
}

/** Where lines go: a stream, or anything that takes text. One call is one line with its line break. */
export interface LogDestination {
  write(line: string): unknown
}
