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

  constructor(most: number) {
    this.#most = most
  }

  /** @throws queue_full */
  async refuseFull(transaction: StatementRunner, tenantId: string): Promise<void> {
    const known = await this.#of(transaction, tenantId)
    if (known.waiting < this.#most) return
    // Part of it may be this transaction's own, or was rolled back: whoever comes next has it counted anew.
    this.#known.delete(tenantId)
    throw jobProblem('queue_full', {
      detail: `${this.#most} jobs of this tenant wait already.`,
      headers: { 'retry-after': '5' },
    })
  }

  /** One more; a transaction that is rolled back is counted until the next look. */
  count(tenantId: string): void {
    const known = this.#known.get(tenantId)
    if (known) known.waiting += 1
  }

  async #of(transaction: StatementRunner, tenantId: string): Promise<Known> {
    const kept = this.#known.get(tenantId)
    // The clock of the process and not the platform's: it is about load, and not about what the platform calls today.
    if (kept && performance.now() - kept.countedAt < KEPT_MS) return kept
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
