import { logEvents, type FixedStatement, type Logger } from '@plinth/core'
import type { Driver } from '../drivers/driver.ts'
import { printFixed } from '../session/fixed-statement.ts'

/** Delivered events are kept for a week: long enough to see what was handed on, short enough for the table to stay small. */
const KEEP_DELIVERED = '7 days'
/** Rows a statement: a delete of millions would hold its locks for minutes. */
const BATCH = 5_000
const FIRST_AFTER_MS = 60_000
const EVERY_MS = 600_000

const isFull = 'full_at < extract(epoch from clock_timestamp()) * 1000000'

const sweeps = [
  `delete from plinth.idempotency_keys where (tenant_id, principal, key) in
     (select tenant_id, principal, key from plinth.idempotency_keys where expires_at < clock_timestamp() limit ${BATCH})`,
  `delete from plinth.events where (tenant_id, id) in
     (select tenant_id, id from plinth.events where delivered_at < clock_timestamp() - interval '${KEEP_DELIVERED}' limit ${BATCH})`,
  // Full buckets: whoever comes next finds none, which is a full one.
  `delete from plinth.rate_buckets where ${isFull} and key in (select key from plinth.rate_buckets where ${isFull} limit ${BATCH})`,
].map((text) => `with gone as (${text} returning 1) select count(*)::int as n from gone`)

/** What one feature has to remove. */
export interface SweepPart {
  readonly name: string
  /** Made anew for each round: it depends on the time. */
  readonly steps: () => readonly (FixedStatement | (() => Promise<unknown>))[]
}

/**
 * Removes what has had its time: expired idempotency keys and events delivered long ago. Every process may do it; two at once
 * delete different rows or none.
 */
export class Sweep {
  readonly #driver: () => Promise<Driver>
  readonly #log: Logger
  readonly #features: readonly SweepPart[]
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  #stopping = false

  constructor(driver: () => Promise<Driver>, log: Logger, features: readonly SweepPart[] = []) {
    this.#features = features
    this.#driver = driver
    this.#log = log
  }

  start(): void {
    this.#timer ??= this.#after(FIRST_AFTER_MS)
  }

  async stop(): Promise<void> {
    this.#stopping = true
    clearTimeout(this.#timer)
    await this.#running
  }

  /**
   * One round. Trouble is logged and tried again next time: nothing depends on it today. It ends nothing but its own step: a row that one
   * feature can never remove would else keep those of all features behind it for ever.
   */
  async run(): Promise<void> {
    for (const text of sweeps)
      await this.#attempt('platform', async () => {
        const driver = await this.#driver()
        // Until one comes back short: what came in within ten minutes may be more than one batch.
        while (!this.#stopping && (await driver.query(text))[0]?.['n'] === BATCH);
      })
    for (const { name, steps } of this.#features)
      await this.#attempt(name, async () => {
        for (const step of steps()) await this.#attempt(name, () => this.#take(step))
      })
  }

  async #take(step: FixedStatement | (() => Promise<unknown>)): Promise<void> {
    if (typeof step === 'function') {
      await step()
      return
    }
    const { text, parameters } = printFixed(step)
    await (await this.#driver()).query(text, parameters)
  }

  async #attempt(of: string, work: () => Promise<void>): Promise<void> {
    if (this.#stopping) return
    try {
      await work()
    } catch (error) {
      this.#log.warn(logEvents.sweepInterrupted, { of, error })
    }
  }

  #after(milliseconds: number): NodeJS.Timeout {
    const timer = setTimeout(() => {
      this.#running = this.run().finally(() => (this.#timer = this.#after(EVERY_MS)))
    }, milliseconds)
    // A process that has nothing else to do may end.
    return timer.unref()
  }
}
