import type { Environment } from '../settings/define-settings.ts'
import { jsonLogger } from './json-logger.ts'
import type { LoggerOptions } from './json-logger.ts'
import type { LeveledLogger, LogLevel } from './levels.ts'
import { prettyLogger } from './pretty-logger.ts'

/** The logger that the settings ask for: lines for people in development, JSON elsewhere. Options win over the settings. */
export function platformLogger(
  settings: { readonly ENVIRONMENT: Environment; readonly LOG_LEVEL: LogLevel; readonly LOG_TO?: 'stdout' | 'stderr' },
  options: LoggerOptions = {},
): LeveledLogger {
  const make = settings.ENVIRONMENT === 'development' ? prettyLogger : jsonLogger
  const destination = settings.LOG_TO === 'stderr' ? { destination: process.stderr } : {}
  return make({ level: settings.LOG_LEVEL, ...destination, ...options })
}
