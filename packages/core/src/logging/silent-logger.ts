import type { Logger } from '../ports/logger.ts'

const nothing = (): void => {}

/** Writes nothing: for tests, and for hosts that log by themselves. */
export const silentLogger: Logger = Object.freeze({
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLogger,
})
