import {
  chargesOf,
  resilient,
  resultOf,
  type BucketCharge,
  type HealthCheck,
  type RateLimitStore,
  type Resilience,
} from '@plinth/core'
import { RedisConnection, RedisLate } from './redis-connection.ts'
import { takeScript, takeScriptSha } from './take-script.ts'

export interface RedisLimitsOptions {
  /** Milliseconds for one call, connecting included. Default 1,000. */
  readonly timeoutMs?: number
  /**
   * What keys begin with. The braces keep the buckets of one call in one slot, for proxies in front of a cluster. Default
   * `{plinth}:limits:`.
   */
  readonly prefix?: string
}

const TIMEOUT_MS = 1_000
/** Calls that wait for an answer; the next one is refused at once, and whoever asked limits by itself. */
const MOST_AT_ONCE = 10_000
const FAILURES = 5
const OPEN_MS = 1_000

/** Buckets in Redis or Valkey. */
export interface RedisLimits extends RateLimitStore {
  readonly resilience: readonly [Resilience]
  readonly checks: readonly [HealthCheck]
  /** Says goodbye to the server. `plinth.close()` calls it. */
  close(): Promise<void>
}

/**
 * Rate limits on Redis 6 or newer, or Valkey: `createPlinth({ rateLimits: { store: redisLimits(url) } })`. One script for each
 * `take`, exact across processes, by the clock of Redis; keys expire when their bucket is full. Connects with the first `take`
 * and again whenever the connection is lost; a call that gets no answer in time rejects, and what it means that the store is
 * away is decided by who asked. After five failures in a row it is left alone for a second, so that no caller waits for a server
 * that is silent. Nothing is tried again: what was charged may have been charged.
 * @param url `redis://[[user]:password@]host[:port][/database]`, `rediss://` over TLS
 * @throws TypeError for what is no such URL, without quoting it
 */
export function redisLimits(url: string, options: RedisLimitsOptions = {}): RedisLimits {
  const { prefix = '{plinth}:limits:', timeoutMs = TIMEOUT_MS } = options
  const connection = new RedisConnection(url)
  const way = resilient('redis', {
    timeoutMs,
    // What was charged may have been charged, and would be counted twice; and where no connection can be made, a limit in this process
    // is better than requests that wait.
    retry: false,
    breaker: { failures: FAILURES, openMs: OPEN_MS },
    bulkhead: { atOnce: MOST_AT_ONCE, waiting: 0 },
    isTimeout: (error) => error instanceof RedisLate,
  })
  return {
    resilience: [way],
    checks: [{ name: 'redis', check: (signal) => connection.ping(signal), timeoutMs }],
    async take(requests) {
      const charges = chargesOf(requests)
      if (charges.length === 0) return []
      const script = {
        text: takeScript,
        sha: takeScriptSha,
        keys: charges.map(({ key }) => `${prefix}${key}`),
        arguments: charges.flatMap(argumentsOf),
      }
      const answer = await way.run((signal) => connection.script(script, signal))
      const numbers = numbersOf(answer, charges.length)
      return charges.map((charge, index) =>
        resultOf(charge, {
          charged: numbers[0] === 1,
          granted: numbers[index * 2 + 1]!,
          used: numbers[index * 2 + 2]!,
        }),
      )
    },
    close: () => connection.close(),
  }
}

function argumentsOf({ interval, capacity, cost, partial }: BucketCharge): string[] {
  return [String(interval), String(capacity), String(cost), partial ? '1' : '0']
}

function numbersOf(answer: unknown, buckets: number): readonly number[] {
  if (Array.isArray(answer) && answer.length === buckets * 2 + 1) {
    const numbers = answer.map(Number)
    if (numbers.every(Number.isFinite)) return numbers
  }
  throw new Error('Redis answered the script of the limits with something else')
}
