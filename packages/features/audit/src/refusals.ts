import { statement, type AuditDraft, type Platform } from '@plinth/core'
import { auditEvents } from './log-events.ts'
import { RefusalCounts, WINDOW_MS } from './refusal-counts.ts'
import { writeEntry } from './write-entry.ts'

/** Tenants of one account that learn of a sign-in that failed. */
const MOST_TENANTS = 20

/**
 * What did not happen: each in a short transaction of its own, after the answer. The first of a minute are entries, the others are
 * counted, and their number is one entry when the minute is over. The count is in memory: a process that is killed loses the numbers
 * of one minute, and never the first ten.
 */
export class Refusals {
  readonly #platform: Platform
  readonly #counts = new RefusalCounts()
  #timer: NodeJS.Timeout | undefined

  constructor(platform: Platform) {
    this.#platform = platform
  }

  tell(draft: AuditDraft): void {
    const now = this.#now()
    const isEntry = this.#counts.admits(draft, now)
    // Where too many are being written, it is counted like those that come after the first.
    if (!isEntry || !this.#platform.after.start('audit', () => this.#write(draft, 1))) this.#counts.count(draft, 1, now)
    this.#timer ??= setTimeout(() => this.#sweep(), WINDOW_MS).unref()
  }

  /** Writes what was counted, of minutes that are over or of all. */
  async flush(all: boolean): Promise<void> {
    if (all) {
      clearTimeout(this.#timer)
      this.#timer = undefined
    }
    for (const { draft, repeated } of this.#counts.take(this.#now(), all)) await this.#write(draft, repeated)
  }

  #now(): number {
    return this.#platform.clock.now().getTime()
  }

  #sweep(): void {
    this.#timer = undefined
    this.#platform.after.start('audit', () => this.flush(false))
    if (!this.#counts.isEmpty) this.#timer = setTimeout(() => this.#sweep(), WINDOW_MS).unref()
  }

  async #write(draft: AuditDraft, repeated: number): Promise<void> {
    try {
      await this.#platform.database.system(async (system) => {
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
    } catch (error) {
      this.#platform.log.warn(auditEvents.notRecorded, { action: draft.action, requestId: draft.requestId, error })
    }
  }
}
