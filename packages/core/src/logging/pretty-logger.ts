import { systemClock, type Clock } from '../ports/clock.ts'
import type { ErrorFields } from './error-fields.ts'
import type { LoggerOptions } from './json-logger.ts'
import type { LeveledLogger, LineLevel, LogDestination } from './levels.ts'
import type { Masked } from './mask-fields.ts'
import { maskingLogger, type LineWriter } from './masking-logger.ts'

export interface PrettyLoggerOptions extends LoggerOptions {
  /** Default: when standard output is a terminal and NO_COLOR is unset. */
  readonly color?: boolean
}

/**
 * For people at a terminal: `12:03:11.123 info  plinth request_completed method=GET status=200`, UTC. One line; only the stack
 * of an error follows it, indented. Secrets are masked as in {@link import('./json-logger.ts').jsonLogger}.
 */
export function prettyLogger(options: PrettyLoggerOptions = {}): LeveledLogger {
  const { level = 'info', name = 'plinth', destination = process.stdout, clock = systemClock } = options
  const color = options.color ?? (destination === process.stdout && process.stdout.isTTY && !process.env['NO_COLOR'])
  return maskingLogger(new PrettyWriter({ destination, clock, color }, { name }), level)
}

interface Screen {
  readonly destination: LogDestination
  readonly clock: Clock
  readonly color: boolean
}

const colors: Readonly<Record<LineLevel, string>> = { debug: '90', info: '32', warn: '33', error: '31' }

class PrettyWriter implements LineWriter {
  readonly #screen: Screen
  readonly #bindings: Masked

  constructor(screen: Screen, bindings: Masked) {
    this.#screen = screen
    this.#bindings = bindings
  }

  child(fields: Masked): LineWriter {
    return new PrettyWriter(this.#screen, { ...this.#bindings, ...fields })
  }

  write(level: LineLevel, event: string, fields: Masked | undefined): void {
    const { destination, clock, color } = this.#screen
    const { name, ...rest } = { ...this.#bindings, ...fields }
    const stacks: string[] = []
    const pairs = Object.entries(rest).map(([key, value]) => ` ${plain(key)}=${textOf(value, stacks)}`)
    const word = level.padEnd(5)
    const shown = color ? `\u001B[${colors[level]}m${word}\u001B[0m` : word
    const time = clock.now().toISOString().slice(11, 23)
    destination.write(`${time} ${shown} ${plain(String(name))} ${plain(event)}${pairs.join('')}\n${stacks.join('')}`)
  }
}

function textOf(value: unknown, stacks: string[]): string {
  if (isErrorFields(value)) {
    stacks.push(...framesOf(value, 1))
    return textOf(`${value.type}: ${value.message}`, stacks)
  }
  if (typeof value === 'string' && /^[\w./:@+[\]-]+$/.test(value)) return value
  return plain(JSON.stringify(value))
}

/** The stack, then the causes, each a step further in. */
function framesOf(error: ErrorFields | string, depth: number): string[] {
  const lines = typeof error === 'string' ? [error] : (error.stack ?? `${error.type}: ${error.message}`).split('\n')
  const own = lines.map((line) => `${'    '.repeat(depth)}${plain(line)}\n`)
  if (typeof error === 'string') return own
  const inner = [...(error.cause === undefined ? [] : [error.cause]), ...(error.errors ?? [])]
  return [...own, ...inner.flatMap((one) => framesOf(one, depth + 1))]
}

const isErrorFields = (value: unknown): value is ErrorFields =>
  typeof value === 'object' && value !== null && 'type' in value && 'message' in value && 'stack' in value

// A request chooses parts of a line. Escape sequences can rewrite what a terminal shows, a line break can forge a line, and
// the marks for right-to-left text can turn one around.
// oxlint-disable-next-line no-control-regex
const controls = /[\u0000-\u001F\u007F-\u009F\u2028\u2029\u200E\u200F\u202A-\u202E\u2066-\u2069]/g

const plain = (text: string): string =>
  text.replace(controls, (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`)
