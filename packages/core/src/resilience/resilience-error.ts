/** `open`: it has failed too often and is left alone for a while. `full`: too much waits for it. `timeout`: it took too long. */
export type ResilienceReason = 'open' | 'full' | 'timeout'

/** A call that was given up, or not made at all. */
export class ResilienceError extends Error {
  override readonly name = 'ResilienceError'
  readonly reason: ResilienceReason

  constructor(target: string, reason: ResilienceReason) {
    super(`${target} ${words[reason]}`)
    this.reason = reason
  }

  /** By name, so that two installed copies of this package still understand each other. */
  static is(value: unknown): value is ResilienceError {
    return value instanceof Error && value.name === 'ResilienceError' && 'reason' in value
  }
}

const words: Readonly<Record<ResilienceReason, string>> = {
  open: 'has failed too often and is not asked for the moment',
  full: 'is asked for more than it can take',
  timeout: 'did not answer in time',
}
