import { logEvents } from '../logging/events.ts'
import type { Logger } from '../ports/logger.ts'
import type { CheckResult, HealthCheck } from './health-check.ts'

const PATIENCE_MS = 2_000
const FRESH_MS = 1_000
/** What stays unwell is told again after so long. */
const TOLD_EVERY_MS = 60_000

/** One check, asked at most once at a time and once in a while: anybody may ask for the health, and one look serves them all. */
export class WatchedCheck {
  readonly #check: HealthCheck
  readonly #log: Logger
  #look: Promise<CheckResult> | undefined
  #last: { readonly at: number; readonly result: CheckResult } | undefined
  #toldAt = -Infinity

  constructor(check: HealthCheck, log: Logger) {
    this.#check = check
    this.#log = log
  }

  get name(): string {
    return this.#check.name
  }

  get needed(): boolean {
    return this.#check.needed === true
  }

  /** Of the last look; undefined before the first one. */
  get last(): CheckResult | undefined {
    return this.#last?.result
  }

  /** Never rejects. */
  result(): Promise<CheckResult> {
    const { freshMs = FRESH_MS } = this.#check
    if (this.#last && performance.now() - this.#last.at < freshMs) return Promise.resolve(this.#last.result)
    this.#look ??= this.#lookNow().finally(() => (this.#look = undefined))
    return this.#look
  }

  async #lookNow(): Promise<CheckResult> {
    const startedAt = performance.now()
    const error = await this.#ask()
    const now = performance.now()
    const response_time_ms = Math.round((now - startedAt) * 10) / 10
    const result: CheckResult = { status: error === undefined ? 'healthy' : 'unhealthy', response_time_ms }
    this.#tell(error, now)
    this.#last = { at: now, result }
    return result
  }

  /** What is wrong; undefined where nothing is. */
  async #ask(): Promise<unknown> {
    const { timeoutMs = PATIENCE_MS, check } = this.#check
    const controller = new AbortController()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const error = new Error(`no answer within ${timeoutMs} ms`)
        reject(error)
        controller.abort(error)
      }, timeoutMs)
    })
    try {
      await Promise.race([check(controller.signal), late])
      return undefined
    } catch (error) {
      return error ?? new Error('it rejected without a reason')
    } finally {
      clearTimeout(timer)
    }
  }

  /** When it changes, and now and then while it is unwell: a probe every second must not fill the log. */
  #tell(error: unknown, now: number): void {
    const { name: check } = this.#check
    if (error === undefined) {
      if (this.#toldAt > 0) this.#log.info(logEvents.healthCheckRecovered, { check })
      this.#toldAt = -Infinity
    } else if (now - this.#toldAt >= TOLD_EVERY_MS) {
      this.#toldAt = now
      this.#log.warn(logEvents.healthCheckFailed, { check, error })
    }
  }
}
