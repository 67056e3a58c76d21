import { FRESH_MS } from '../lookup/fresh-lookup.ts'
import type { TenantRates } from '../ports/rate-limits.ts'

/** From this age on an answer is renewed while it still serves. */
const RENEWED_AT_MS = 500
/** Renewals wait for others to come along: with many busy tenants it is one statement for all of them. */
const TOGETHER_MS = 50
const MOST_KEPT = 20_000
const MOST_AT_ONCE = 5_000

const none: TenantRates = {}

interface Kept {
  at: number
  rates: TenantRates
}

/** The rates of single tenants, at most a second old. Where they cannot be read, the last ones known hold, else the platform's. */
export class TenantRatesCache {
  readonly #read: (tenantIds: readonly string[]) => Promise<ReadonlyMap<string, TenantRates>>
  readonly #now: () => number
  readonly #kept = new Map<string, Kept>()
  readonly #wanted = new Map<string, ((rates: TenantRates) => void)[]>()
  #due: NodeJS.Timeout | undefined
  #hurried = false

  constructor(
    read: (tenantIds: readonly string[]) => Promise<ReadonlyMap<string, TenantRates>>,
    now: () => number = () => performance.now(),
  ) {
    this.#read = read
    this.#now = now
  }

  of(tenantId: string): TenantRates | Promise<TenantRates> {
    const kept = this.#kept.get(tenantId)
    const age = kept ? this.#now() - kept.at : FRESH_MS
    if (kept && age < FRESH_MS) {
      if (age >= RENEWED_AT_MS && !this.#wanted.has(tenantId)) this.#want(tenantId)
      return kept.rates
    }
    return new Promise((resolve) => {
      this.#want(tenantId).push(resolve)
      this.#hurry()
    })
  }

  /** What is known of this tenant is old. */
  forget(tenantId: string): void {
    this.#kept.delete(tenantId)
  }

  #want(tenantId: string): ((rates: TenantRates) => void)[] {
    const waiting = this.#wanted.get(tenantId) ?? []
    this.#wanted.set(tenantId, waiting)
    this.#due ??= setTimeout(() => void this.#ask(), TOGETHER_MS).unref()
    return waiting
  }

  /** Somebody waits: the requests of this moment go together, and no later ones. */
  #hurry(): void {
    if (this.#hurried) return
    this.#hurried = true
    queueMicrotask(() => void this.#ask())
  }

  async #ask(): Promise<void> {
    clearTimeout(this.#due)
    this.#due = undefined
    this.#hurried = false
    const batch = [...this.#wanted].slice(0, MOST_AT_ONCE)
    for (const [tenantId] of batch) this.#wanted.delete(tenantId)
    if (batch.length === 0) return
    const at = this.#now()
    const found = await this.#read(batch.map(([tenantId]) => tenantId)).catch(() => undefined)
    if (this.#kept.size >= MOST_KEPT) this.#kept.clear()
    for (const [tenantId, waiting] of batch) {
      const rates = found ? (found.get(tenantId) ?? none) : (this.#kept.get(tenantId)?.rates ?? none)
      this.#kept.set(tenantId, { at, rates })
      for (const resolve of waiting) resolve(rates)
    }
    if (this.#wanted.size > 0) void this.#ask()
  }
}
