import { statement, type StatementRunner } from '@plinth/core'
import { jobProblem } from './job-errors.ts'

/** Counting thousands of rows for every job would cost more than the job; a second of one process goes over by what it asks for in it. */
const KEPT_MS = 1_000
/** Tenants whose depth is remembered. */
const MOST_TENANTS = 10_000

interface Known {
  readonly countedAt: number
  waiting: number
}

/** How many jobs of each tenant wait, counted at most once a second. */
export class Depth {
  readonly #most: number
  readonly #known = new Map<string, Known>()
  readonly #refused = new WeakSet<StatementRunner>()
  readonly #counting = new WeakMap<StatementRunner, Promise<Known>>()

  constructor(most: number) {
    this.#most = most
  }

  /**
   * Whether there is room; a promise only where that has to be counted, so that what is asked for at once stays together.
   * It is counted before it is written; where the transaction is rolled back, until the next look.
   * @throws queue_full
   */
  takePlace(transaction: StatementRunner, tenantId: string): Promise<void> | undefined {
    const kept = this.#known.get(tenantId)
    // The clock of the process and not the platform's: it is about load, and not about what the platform calls today.
    if (kept && performance.now() - kept.countedAt < KEPT_MS) {
      this.#take(kept, transaction, tenantId)
      return undefined
    }
    // Of many that are asked for at once in one transaction the first counts.
    let counting = this.#counting.get(transaction)
    if (!counting) {
      counting = this.#count(transaction, tenantId).finally(() => this.#counting.delete(transaction))
      this.#counting.set(transaction, counting)
    }
    return counting.then((known) => this.#take(known, transaction, tenantId))
  }

  /** It was there already. */
  oneLess(tenantId: string): void {
    const known = this.#known.get(tenantId)
    if (known) known.waiting -= 1
  }

  #take(known: Known, transaction: StatementRunner, tenantId: string): void {
    if (known.waiting < this.#most && !this.#refused.has(transaction)) {
      known.waiting += 1
      return
    }
    // Part of it may be this transaction's own, or was rolled back: whoever comes next has it counted anew. Not this one: of what it asks
    // for at once much is not written yet.
    this.#refused.add(transaction)
    this.#known.delete(tenantId)
    throw jobProblem('queue_full', {
      detail: `${this.#most} jobs of this tenant wait already.`,
      headers: { 'retry-after': '5' },
    })
  }

  async #count(transaction: StatementRunner, tenantId: string): Promise<Known> {
    const [row] = await transaction.run(statement`
      select count(*)::int as n from (
        select from plinth.background_jobs
        where tenant_id = ${tenantId}::uuid and status = 'waiting'
        union all
        select from plinth.background_jobs where tenant_id = ${tenantId}::uuid and status in ('scheduled', 'held')
        limit ${this.#most}::int) waiting`)
    if (this.#known.size >= MOST_TENANTS) this.#known.clear()
    const known = { countedAt: performance.now(), waiting: Number(row?.['n']) }
    this.#known.set(tenantId, known)
    return known
  }
}
