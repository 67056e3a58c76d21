import { statement, type AuditDraft, type Platform } from '@plinth/core'
import { auditEvents } from './log-events.ts'
import { writeEntry } from './write-entry.ts'

/** A minute, and how many entries of one actor and action there are in it; what comes after that is counted. */
const WINDOW_MS = 60_000
const MOST_ENTRIES = 10
/** Of strangers, who have as many addresses as they like, all together. */
const MOST_OF_STRANGERS = 100
/** Actors and actions that are counted at once: nobody fills the memory by inventing them. */
const MOST_KEYS = 10_000
/** Tenants of one account that learn of a sign-in that failed. */
const MOST_TENANTS = 20

interface Window {
  readonly until: number
  entries: number
  /** That were only counted. */
  repeated: number
  last: AuditDraft
  /** Of several actors and actions. */
  readonly mixed: boolean
}

/**
 * What did not happen: each in a short transaction of its own, after the answer. The first of a minute are entries, the others are
 * counted, and their number is one entry when the minute is over. The count is in memory: a process that is killed loses the numbers
 * of one minute, and never the first ten.
 */
export class Refusals {
  readonly #platform: Platform
  readonly #windows = new Map<string, Window>()
  #strangers = { until: 0, entries: 0 }
  #timer: NodeJS.Timeout | undefined

  constructor(platform: Platform) {
    this.#platform = platform
  }

  tell(draft: AuditDraft): void {
    const now = this.#now()
    const window = this.#windowOf(draft, now)
    // Of those that are no more told apart the number is nobody's: least of all that of the last account.
    window.last = window.mixed ? { ...draft, target: null } : draft
    if (window.entries < MOST_ENTRIES && this.#admits(draft, now)) {
      window.entries += 1
      // Where too many are being written, it is counted like those that come after the first.
      if (this.#platform.after.start('audit', () => this.#write(draft, 1))) return
    }
    window.repeated += 1
    this.#timer ??= setTimeout(() => this.#sweep(), WINDOW_MS).unref()
  }

  /** Writes what was counted, of minutes that are over or of all. */
  async flush(all: boolean): Promise<void> {
    const now = this.#now()
    if (all) {
      clearTimeout(this.#timer)
      this.#timer = undefined
    }
    for (const [key, window] of this.#windows) {
      if (!all && isOpen(window, now)) continue
      this.#windows.delete(key)
      if (window.repeated > 0) await this.#write(window.last, window.repeated)
    }
  }

  #now(): number {
    return this.#platform.clock.now().getTime()
  }

  #windowOf(draft: AuditDraft, now: number): Window {
    const { tenantId, actor, action, outcome } = draft
    const full = this.#windows.size >= MOST_KEYS
    const key = JSON.stringify(full ? ['others', tenantId] : [tenantId, actor.kind, whoOf(draft), action, outcome])
    const known = this.#windows.get(key)
    if (known && isOpen(known, now)) return known
    const owed = known && known.repeated > 0 ? known : undefined
    // What cannot be written now is the first of what the next minute counts.
    const written = owed && this.#platform.after.start('audit', () => this.#write(owed.last, owed.repeated))
    const made: Window = {
      until: now + WINDOW_MS,
      entries: full ? MOST_ENTRIES : 0,
      repeated: written === false ? owed!.repeated : 0,
      last: draft,
      mixed: full,
    }
    this.#windows.set(key, made)
    this.#timer ??= setTimeout(() => this.#sweep(), WINDOW_MS).unref()
    return made
  }

  #admits({ actor }: AuditDraft, now: number): boolean {
    if (actor.kind !== 'anonymous') return true
    if (!isOpen(this.#strangers, now)) this.#strangers = { until: now + WINDOW_MS, entries: 0 }
    this.#strangers.entries += 1
    return this.#strangers.entries <= MOST_OF_STRANGERS
  }

  #sweep(): void {
    this.#timer = undefined
    this.#platform.after.start('audit', () => this.flush(false))
    if (this.#windows.size > 0) this.#timer = setTimeout(() => this.#sweep(), WINDOW_MS).unref()
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

/** A clock that was set back leaves no window open for longer than it is. */
function isOpen({ until }: Pick<Window, 'until'>, now: number): boolean {
  return until > now && until <= now + WINDOW_MS
}

/**
 * Of strangers, the account that they want to be: its tenants are told of every attempt on it and of no other. By their address alone, ten
 * attempts on one account would hide those on all others, and the last account would be told the number of all.
 */
function whoOf({ actor, target, client }: AuditDraft): string {
  if (actor.kind !== 'anonymous') return actor.id
  return target == null ? `at ${client?.address ?? ''}` : `as ${target}`
}
