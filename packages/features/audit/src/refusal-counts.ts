import type { AuditDraft } from '@plinth/core'

/** A minute, and how many entries of one actor and action there are in it; what comes after that is counted. */
export const WINDOW_MS = 60_000
const MOST_ENTRIES = 10
/** Of strangers, who have as many addresses as they like, all together. */
const MOST_OF_STRANGERS = 100

/**
 * Who is counted apart from whom. Strangers have as many addresses as they like, and accounts are tried by strangers: neither takes the
 * place of a member of a tenant, nor strangers that of an account whose tenants are to be told.
 */
type Crowd = 'members' | 'accounts' | 'strangers'

/** Actors and actions that are counted at once: nobody fills the memory by inventing them. */
const mostKeys: Readonly<Record<Crowd, number>> = { members: 10_000, accounts: 10_000, strangers: 1_000 }

/** Of one tenant's members: its keys for machines are as many as it likes, and take no place of another tenant. */
const MOST_OF_TENANT = 1_000

/** Entries and numbers that wait by themselves to be written; what comes beyond is counted. */
const MOST_OWED = 2_000

const OVERFLOWED = 'auditLog.overflowed'

/** What was counted and is not written yet, of one actor and action or of all for whom there was no room. */
export interface Counted {
  readonly draft: AuditDraft
  readonly repeated: number
}

interface Window {
  readonly until: number
  entries: number
  counted: Counted | undefined
  /** Of several actors and actions. */
  readonly mixed: boolean
  /** Of whose members it is, where it counts among these; undefined for others. */
  readonly tenantId: string | null | undefined
}

/** What was refused in this minute: which of it is an entry, and how much of the rest there is. In memory, and bounded. */
export class RefusalCounts {
  readonly #windows: Readonly<Record<Crowd, Map<string, Window>>> = {
    members: new Map(),
    accounts: new Map(),
    strangers: new Map(),
  }
  /** To be written at the next look, whatever the minute. */
  #owed: Counted[] = []
  /** How many windows of members each tenant has. */
  readonly #ofTenant = new Map<string | null, number>()
  #strangers = { until: 0, entries: 0 }

  /** Whether anything waits for the end of its minute. */
  get isEmpty(): boolean {
    return this.#owed.length === 0 && Object.values(this.#windows).every(({ size }) => size === 0)
  }

  /** How much of it is not written. */
  get waiting(): number {
    const counted = Object.values(this.#windows).flatMap((windows) => [...windows.values()].map((one) => one.counted))
    return [...this.#owed, ...counted].reduce((sum, one) => sum + (one?.repeated ?? 0), 0)
  }

  /** Whether this one is among the first of its minute, and so an entry; who says no counts it. */
  admits(draft: AuditDraft, now: number): boolean {
    const window = this.#windowOf(draft, now)
    if (window.mixed || window.entries >= MOST_ENTRIES || !this.#admitsStranger(draft, now)) return false
    window.entries += 1
    return true
  }

  /** @param repeated how often it happened that it is no entry of its own */
  count(draft: AuditDraft, repeated: number, now: number): void {
    const window = this.#windowOf(draft, now)
    const { counted } = window
    window.counted = {
      draft: window.mixed ? nobodys(draft) : counted ? both(counted.draft, draft) : draft,
      repeated: (counted?.repeated ?? 0) + repeated,
    }
  }

  /** Takes back what could not be written: as it is while there is room, else it is counted like what comes now. */
  owe({ draft, repeated }: Counted, now: number): void {
    if (this.#owed.length < MOST_OWED) this.#owed.push({ draft, repeated })
    else this.count(draft, repeated, now)
  }

  /** Takes out what is to be written: what is owed, and the numbers of minutes that are over, or all. */
  take(now: number, all: boolean): readonly Counted[] {
    const taken = this.#owed
    this.#owed = []
    for (const windows of Object.values(this.#windows)) {
      for (const [key, window] of windows) {
        if (!all && isOpen(window, now)) continue
        windows.delete(key)
        this.#left(window.tenantId)
        if (window.counted) taken.push(window.counted)
      }
    }
    return taken
  }

  #windowOf(draft: AuditDraft, now: number): Window {
    const { tenantId, actor, action, outcome } = draft
    const crowd = crowdOf(draft)
    const windows = this.#windows[crowd]
    let key = JSON.stringify([tenantId, actor.kind, whoOf(draft), action, outcome])
    const isFull = windows.size >= mostKeys[crowd] || (crowd === 'members' && this.#countOf(tenantId) >= MOST_OF_TENANT)
    const mixed = !windows.has(key) && isFull
    if (mixed) key = JSON.stringify(['others', tenantId, outcome])
    const known = windows.get(key)
    if (known && isOpen(known, now)) return known
    // By itself, and not the first of what this minute counts: who comes again each minute would put it off for ever.
    const isOwed = known?.counted !== undefined && this.#owed.length < MOST_OWED
    if (isOwed) this.#owed.push(known.counted!)
    const made: Window = {
      until: now + WINDOW_MS,
      entries: 0,
      counted: isOwed ? undefined : known?.counted,
      mixed,
      tenantId: crowd === 'members' && !mixed ? tenantId : undefined,
    }
    if (!known && made.tenantId !== undefined) this.#ofTenant.set(tenantId, this.#countOf(tenantId) + 1)
    windows.set(key, made)
    return made
  }

  #countOf(tenantId: string | null): number {
    return this.#ofTenant.get(tenantId) ?? 0
  }

  #left(tenantId: string | null | undefined): void {
    if (tenantId === undefined) return
    const left = this.#countOf(tenantId) - 1
    if (left > 0) this.#ofTenant.set(tenantId, left)
    else this.#ofTenant.delete(tenantId)
  }

  #admitsStranger({ actor }: AuditDraft, now: number): boolean {
    if (actor.kind !== 'anonymous') return true
    if (!isOpen(this.#strangers, now)) this.#strangers = { until: now + WINDOW_MS, entries: 0 }
    this.#strangers.entries += 1
    return this.#strangers.entries <= MOST_OF_STRANGERS
  }
}

/** A clock that was set back leaves no window open for longer than it is. */
export function isOpen({ until }: { readonly until: number }, now: number): boolean {
  return until > now && until <= now + WINDOW_MS
}

/** Of those that are no more told apart the number is nobody's: least of all that of the last of them. */
function nobodys(draft: AuditDraft): AuditDraft {
  if (draft.action === OVERFLOWED) return draft
  const { tenantId, outcome, time, actor } = draft
  return {
    tenantId,
    actor: { kind: 'system', id: 'audit' },
    action: OVERFLOWED,
    ...(outcome && { outcome }),
    requestId: '',
    time,
    detail: { of: actor.kind === 'anonymous' ? 'strangers' : 'members' },
  }
}

/** The later of two, without what they had not both: a number under one target, or one reason, would accuse that of all. */
function both(one: AuditDraft, other: AuditDraft): AuditDraft {
  const { detail, ...later } = one.time > other.time ? one : other
  const isSame = JSON.stringify(one.detail ?? null) === JSON.stringify(other.detail ?? null)
  return {
    ...later,
    ...(isSame && detail !== undefined && { detail }),
    ...((one.target ?? null) !== (other.target ?? null) && { target: null }),
  }
}

function crowdOf({ actor, target }: AuditDraft): Crowd {
  if (actor.kind !== 'anonymous') return 'members'
  return target == null ? 'strangers' : 'accounts'
}

/**
 * Of strangers, the account that they want to be: its tenants are told of every attempt on it and of no other. By their address alone, ten
 * attempts on one account would hide those on all others, and the last account would be told the number of all.
 */
function whoOf({ actor, target, client }: AuditDraft): string {
  if (actor.kind !== 'anonymous') return actor.id
  return target == null ? `at ${client?.address ?? ''}` : `as ${target}`
}
