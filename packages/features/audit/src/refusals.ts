import { statement, type AuditDraft, type Platform } from '@plinth/core'
import { auditEvents } from './log-events.ts'
import { isOpen, RefusalCounts, WINDOW_MS, type Counted } from './refusal-counts.ts'
import { writeEntry } from './write-entry.ts'

/** Tenants of one account that learn of a sign-in that failed. */
const MOST_TENANTS = 20
/** In a row, after which the database is taken for away: the rest would wait for it, one after the other. */
const MOST_FAILURES = 3

/**
 * What did not happen: each in a short transaction of its own, after the answer. The first of a minute are entries, the others are
 * counted, and their number is one entry when the minute is over. What the database does not take, since it is away, is kept and written
 * when it is back. All of that is in memory: a process that is killed loses the numbers of the minute, and what it had answered and not
 * yet committed.
 */
export class Refusals {
  readonly #platform: Platform
  readonly #counts = new RefusalCounts()
  #timer: NodeJS.Timeout | undefined
  #warned = { until: 0 }
  #isOver = false
  /** What cannot be written now is owed by nobody. */
  #hasEnded = false
  readonly #writing = new Set<Promise<void>>()

  constructor(platform: Platform) {
    this.#platform = platform
  }

  tell(draft: AuditDraft): void {
    const now = this.#now()
    const isEntry = this.#counts.admits(draft, now)
    const isBegun = isEntry && this.#begin(() => this.#writeAll([{ draft, repeated: 1 }]))
    // Whoever works on beyond his time, when nobody writes any more.
    if (isEntry && !isBegun && this.#hasEnded) return this.#lost(1)
    // Where too many are being written, it is counted like those that come after the first.
    if (!isBegun) this.#counts.count(draft, 1, now)
    this.#lookLater()
  }

  /** Writes what is owed and what was counted, of minutes that are over or of all. */
  async flush(all: boolean): Promise<void> {
    await this.#writeAll(this.#counts.take(this.#now(), all))
  }

  /**
   * The last words, when nobody else works any more: what cannot be written now is lost, and a line of the log says how much. What is being
   * written is waited for, or what fails of it would be owed when nobody looks.
   */
  async end(): Promise<void> {
    this.#isOver = true
    clearTimeout(this.#timer)
    while (this.#writing.size > 0) await Promise.all(this.#writing)
    await this.flush(true)
    this.#lost(this.#counts.waiting)
    this.#hasEnded = true
  }

  #lost(refusals: number): void {
    if (refusals > 0) this.#platform.log.error(auditEvents.refusalsLost, { refusals })
  }

  /** @returns whether it was begun */
  #begin(work: () => Promise<void>): boolean {
    const { promise, resolve } = Promise.withResolvers<void>()
    const done = (): void => {
      this.#writing.delete(promise)
      resolve()
    }
    const isBegun = this.#platform.after.start('audit', () => work().finally(done))
    if (isBegun) this.#writing.add(promise)
    return isBegun
  }

  #now(): number {
    return this.#platform.clock.now().getTime()
  }

  #lookLater(): void {
    if (this.#isOver || this.#counts.isEmpty) return
    this.#timer ??= setTimeout(() => this.#sweep(), WINDOW_MS).unref()
  }

  #sweep(): void {
    this.#timer = undefined
    this.#begin(() => this.flush(false))
    this.#lookLater()
  }

  /** What fails is owed, behind what was not tried: one that the database never takes would else hold up all others. */
  async #writeAll(list: readonly Counted[]): Promise<void> {
    const failed: Counted[] = []
    let inARow = 0
    let at = 0
    for (; at < list.length && inARow < MOST_FAILURES; at += 1) {
      const one = list[at]!
      try {
        await this.#write(one)
        inARow = 0
      } catch (error) {
        inARow += 1
        failed.push(one)
        this.#warn(one.draft, error)
      }
    }
    const left = [...list.slice(at), ...failed]
    if (this.#hasEnded) return this.#lost(left.reduce((sum, { repeated }) => sum + repeated, 0))
    for (const one of left) this.#counts.owe(one, this.#now())
    this.#lookLater()
  }

  /** Once a minute: while the database is away each refusal would be a line. */
  #warn({ action, requestId }: AuditDraft, error: unknown): void {
    const now = this.#now()
    if (isOpen(this.#warned, now)) return
    this.#warned = { until: now + WINDOW_MS }
    this.#platform.log.warn(auditEvents.notRecorded, { action, requestId, error })
  }

  #write({ draft, repeated }: Counted): Promise<void> {
    return this.#platform.database.system(async (system) => {
      const { tenantId, actor, target } = draft
      // Somebody failed to sign in as this user: his tenants are told.
      const tenants =
        tenantId === null && actor.kind === 'anonymous' && target != null
          ? await system.run(statement`
              select tenant_id from plinth.memberships where user_id::text = ${target}::text order by tenant_id limit ${MOST_TENANTS}::int`)
          : []
      const chains = tenants.length > 0 ? tenants.map((row) => String(row['tenant_id'])) : [tenantId]
      for (const chain of chains) await writeEntry(system, { ...draft, tenantId: chain }, repeated)
    })
  }
}
