import {
  BrokenCircuitError,
  bulkhead as bulkheadPolicy,
  BulkheadRejectedError,
  circuitBreaker as breakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  ExponentialBackoff,
  handleWhen,
  noop,
  retry as retryPolicy,
  TaskCancelledError,
  timeout as timeoutPolicy,
  TimeoutStrategy,
  wrap,
  type IPolicy,
} from 'cockatiel'
import { ResilienceError } from './resilience-error.ts'

export interface RetryOptions {
  /** Further attempts after the first one. Default 2. */
  readonly retries?: number
  /** Milliseconds before the second attempt; doubled for each further one, with jitter. Default 100. */
  readonly firstMs?: number
  /** Milliseconds between two attempts at most. Default 2,000. */
  readonly mostMs?: number
}

export interface BreakerOptions {
  /** Failures one after the other that open it. Default 5. */
  readonly failures?: number
  /** Milliseconds that it stays open; then one call tries whether all is well again. Default 5,000. */
  readonly openMs?: number
}

export interface BulkheadOptions {
  /** Calls at the same time. */
  readonly atOnce: number
  /** Calls that may wait for their turn; the next one is refused. */
  readonly waiting: number
}

/** Each part is left out by `false`, and has the defaults that stand at its options where it is left open. */
export interface ResilienceOptions {
  /** Milliseconds for one attempt; then its signal is aborted and it counts as failed, whatever it still does. Default 10,000. */
  readonly timeoutMs?: number | false
  readonly retry?: RetryOptions | false
  readonly breaker?: BreakerOptions | false
  /** Default: 100 at once, none waiting. */
  readonly bulkhead?: BulkheadOptions | false
  /** Whether this error says that the other side is not well. What it refused with good reason does not. Default: all do. */
  readonly isFailure?: (error: unknown) => boolean
  /** Whether this error says that a time limit of the caller's own was over; it is counted as such. Default: none does. */
  readonly isTimeout?: (error: unknown) => boolean
  /**
   * Whether after this error nothing can have happened over there, so that it may be tried again though it must not happen twice (no
   * connection was made). Default: never.
   */
  readonly isRepeatable?: (error: unknown) => boolean
}

export interface RunOptions {
  /** Doing it twice does no more than doing it once, so that it may be tried again after any failure. Default false. */
  readonly idempotent?: boolean
}

export type CircuitWord = 'closed' | 'open' | 'half-open'

/** How often calls ended how, since the process began. */
export interface CallCounts {
  succeeded: number
  failed: number
  timeout: number
  open: number
  full: number
  retried: number
}

/** The way to something that is not this process. Made by {@link resilient}. */
export interface Resilience {
  /** Shown in health and metrics: `smtp`, `redis`. */
  readonly name: string
  readonly circuit: CircuitWord
  readonly counts: Readonly<CallCounts>
  /**
   * Calls the other side.
   * @param work gets a signal that is aborted when the time of this attempt is over
   * @throws ResilienceError where it was given up or not made; whatever `work` throws
   */
  run<T>(work: (signal: AbortSignal) => Promise<T>, options?: RunOptions): Promise<T>
  /** Told when the circuit changes. */
  onCircuit(listener: (circuit: CircuitWord) => void): void
}

/**
 * Puts retry, circuit breaker, bulkhead and timeout, in this order, around calls to something that may be away, slow or full. Nothing
 * is tried again that may have happened: see `isRepeatable` and `idempotent`.
 * @param name of what is called; small letters, digits and hyphens
 * @throws TypeError for another name
 */
export function resilient(name: string, options: ResilienceOptions = {}): Resilience {
  if (!/^[a-z][a-z0-9-]{0,39}$/.test(name)) throw new TypeError(`'${name}' is no name of something that is called`)
  const { isFailure = () => true, isRepeatable = () => false, isTimeout: isOwnTimeout = () => false } = options
  const counts: CallCounts = { succeeded: 0, failed: 0, timeout: 0, open: 0, full: 0, retried: 0 }
  const listeners: ((circuit: CircuitWord) => void)[] = []
  const breaker = breakerOf(options.breaker, isFailure)
  breaker?.onStateChange((state) => {
    for (const tell of listeners) tell(wordOf(state))
  })
  const { atOnce, waiting } =
    options.bulkhead === false ? noBulkhead : (options.bulkhead ?? { atOnce: 100, waiting: 0 })
  const once = wrap(
    breaker ?? (noop as IPolicy),
    options.bulkhead === false ? (noop as IPolicy) : bulkheadPolicy(atOnce, waiting),
    options.timeoutMs === false
      ? (noop as IPolicy)
      : timeoutPolicy(options.timeoutMs ?? 10_000, TimeoutStrategy.Aggressive),
  )
  const again = (may: (error: unknown) => boolean): IPolicy => {
    if (options.retry === false) return once
    const retrying = retrier(options.retry ?? {}, (error) => !wasNotMade(error) && may(error))
    retrying.onRetry(() => (counts.retried += 1))
    return wrap(retrying, once)
  }
  const [careful, free] = [again(isRepeatable), again(isFailure)]

  return {
    name,
    counts,
    get circuit() {
      return breaker ? wordOf(breaker.state) : 'closed'
    },
    async run(work, { idempotent = false } = {}) {
      try {
        const result = await (idempotent ? free : careful).execute(({ signal }) => work(signal))
        counts.succeeded += 1
        return result
      } catch (error) {
        const known = inWords(name, error)
        counts[known instanceof ResilienceError ? known.reason : isOwnTimeout(known) ? 'timeout' : 'failed'] += 1
        throw known
      }
    },
    onCircuit: (listener) => void listeners.push(listener),
  }
}

const noBulkhead: BulkheadOptions = { atOnce: Infinity, waiting: 0 }

/**
 * Tries again what failed, by the defaults of {@link RetryOptions}. For what may be done twice.
 * @throws what the last attempt threw
 */
export function retry<T>(work: (signal: AbortSignal) => Promise<T>, options: RetryOptions = {}): Promise<T> {
  return retrier(options, () => true).execute(({ signal }) => work(signal))
}

/** A circuit breaker alone: {@link resilient} without retry, timeout and bulkhead. */
export function circuitBreaker(
  name: string,
  options: BreakerOptions & Pick<ResilienceOptions, 'isFailure'> = {},
): Resilience {
  const { isFailure, ...breaker } = options
  return resilient(name, { breaker, retry: false, timeoutMs: false, bulkhead: false, ...(isFailure && { isFailure }) })
}

function retrier({ retries = 2, firstMs = 100, mostMs = 2_000 }: RetryOptions, may: (error: unknown) => boolean) {
  // Its jitter is decorrelated: many who failed together do not come back together.
  const backoff = new ExponentialBackoff({ initialDelay: firstMs, maxDelay: mostMs })
  return retryPolicy(handleWhen(may), { maxAttempts: retries, backoff })
}

function breakerOf(options: BreakerOptions | false | undefined, isFailure: (error: unknown) => boolean) {
  if (options === false) return undefined
  const { failures = 5, openMs = 5_000 } = options ?? {}
  // That there is no room for one more says nothing of the other side.
  const counted = handleWhen(
    (error) => !(error instanceof BulkheadRejectedError) && (isTimeout(error) || isFailure(error)),
  )
  return breakerPolicy(counted, { halfOpenAfter: openMs, breaker: new ConsecutiveBreaker(failures) })
}

const isTimeout = (error: unknown): boolean => error instanceof TaskCancelledError

/** Trying again at once what was not even tried would only wait. */
function wasNotMade(error: unknown): boolean {
  return error instanceof BrokenCircuitError || error instanceof BulkheadRejectedError
}

function inWords(name: string, error: unknown): unknown {
  if (error instanceof BrokenCircuitError) return new ResilienceError(name, 'open')
  if (error instanceof BulkheadRejectedError) return new ResilienceError(name, 'full')
  return isTimeout(error) ? new ResilienceError(name, 'timeout') : error
}

function wordOf(state: CircuitState): CircuitWord {
  if (state === CircuitState.Closed) return 'closed'
  return state === CircuitState.HalfOpen ? 'half-open' : 'open'
}
