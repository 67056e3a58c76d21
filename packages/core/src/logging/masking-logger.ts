import type { LogFields } from '../ports/logger.ts'
import { weights, type LeveledLogger, type LineLevel, type LogLevel } from './levels.ts'
import { maskFields, type Masked } from './mask-fields.ts'
import { maskText } from './mask-text.ts'

/** Puts a line together and hands it on. All it gets is masked. */
export interface LineWriter {
  write(level: LineLevel, event: string, fields: Masked | undefined): void
  /** A writer that adds these fields to every line; they win over its own ones, a line's fields over both. */
  child(fields: Masked): LineWriter
}

const ofTheLine: ReadonlySet<string> = new Set(['level', 'time', 'name', 'event'])
/** A child may change the name: `log.child({ name: 'relay' })`. */
const ofTheLogger: ReadonlySet<string> = new Set(['level', 'time', 'event'])

/**
 * A logger over a writer: asks the level first, masks, and never throws: a full disk or an object that cannot be read must
 * not fail the request that was to be logged.
 */
export function maskingLogger(writer: LineWriter, level: LogLevel): LeveledLogger {
  return new MaskingLogger(() => writer, { level, weight: weights[level] })
}

interface Threshold {
  level: LogLevel
  weight: number
}

class MaskingLogger implements LeveledLogger {
  readonly #makeWriter: () => LineWriter
  #made: LineWriter | undefined
  /** Shared with all children. */
  readonly #threshold: Threshold

  constructor(makeWriter: () => LineWriter, threshold: Threshold) {
    this.#makeWriter = makeWriter
    this.#threshold = threshold
  }

  /** Made with the first line: every request and every job has a logger, and most say nothing. */
  get #writer(): LineWriter {
    return (this.#made ??= this.#makeWriter())
  }

  get level(): LogLevel {
    return this.#threshold.level
  }

  set level(level: LogLevel) {
    this.#threshold.level = level
    this.#threshold.weight = weights[level]
  }

  debug(event: string, fields?: LogFields): void {
    if (this.#threshold.weight <= weights.debug) this.#write('debug', event, fields)
  }

  info(event: string, fields?: LogFields): void {
    if (this.#threshold.weight <= weights.info) this.#write('info', event, fields)
  }

  warn(event: string, fields?: LogFields): void {
    if (this.#threshold.weight <= weights.warn) this.#write('warn', event, fields)
  }

  error(event: string, fields?: LogFields): void {
    if (this.#threshold.weight <= weights.error) this.#write('error', event, fields)
  }

  child(fields: LogFields): LeveledLogger {
    const later = whole(fields)
    if (later) return new MaskingLogger(() => this.#writer.child(safely(later, ofTheLogger)), this.#threshold)
    const now = safely(fields, ofTheLogger)
    return new MaskingLogger(() => this.#writer.child(now), this.#threshold)
  }

  #write(level: LineLevel, event: string, fields: LogFields | undefined): void {
    try {
      this.#writer.write(level, maskText(event), fields && safely(fields, ofTheLine))
    } catch {
      // The destination failed. There is no other place to say so.
    }
  }
}

/** A copy that is the same whenever it is written, where the fields are all texts, numbers and the like. */
function whole(fields: LogFields): LogFields | undefined {
  try {
    const copy = { ...fields }
    for (const name in copy) if (typeof copy[name] === 'object' || typeof copy[name] === 'function') return undefined
    return copy
  } catch {
    return undefined
  }
}

/** A getter or toJSON that throws costs the fields, not the line. */
function safely(fields: LogFields, reserved: ReadonlySet<string>): Masked {
  try {
    return maskFields(fields, reserved)
  } catch {
    return { unprintable: true }
  }
}
