import { FreshLookup, statement, type Platform, type Rate, type RawRow } from '@plinth/core'

/** A living key, as the lookup gives it out. Times are milliseconds since 1970. */
export interface FoundKey {
  readonly id: string
  readonly tenantId: string
  /** Whose it is: a person's, or a service's. */
  readonly holder: { readonly userId: string } | { readonly serviceAccountId: string }
  /** Of the key, or of the service. */
  readonly name: string
  readonly roles: readonly string[]
  /** Empty where it may be used from anywhere. */
  readonly ipRanges: readonly string[]
  readonly rate: Rate | undefined
  readonly createdAt: number
  readonly expiresAt: number | null
  readonly lastUsedAt: number | null
  /** Whether its owner has a second factor. */
  readonly secondFactor: boolean
}

/** Keys by their hash; kept for a second, so that what is revoked is refused after that second everywhere. */
export class KeyLookup {
  readonly #kept: FreshLookup<FoundKey>
  readonly #platform: Platform

  constructor(platform: Platform) {
    this.#platform = platform
    this.#kept = new FreshLookup({ ask: (hashes) => ask(platform, hashes) })
    platform.database.onForget(() => this.forget())
  }

  async byHash(hash: string): Promise<FoundKey | undefined> {
    const key = await this.#kept.find(hash)
    const now = this.#platform.clock.now().getTime()
    return key && (key.expiresAt === null || key.expiresAt > now) ? key : undefined
  }

  /** After a key was ended in this process: nobody here waits for the second to pass. */
  forget(): void {
    this.#kept.forget()
  }
}

async function ask({ database }: Platform, hashes: readonly string[]): Promise<ReadonlyMap<string, FoundKey>> {
  const rows = await database.lookup(statement`
    select w.hash, f.* from unnest(${hashes}::text::text[]) w(hash) cross join lateral plinth.find_api_key(w.hash) f`)
  return new Map(rows.map((row) => [String(row['hash']), keyOf(row)]))
}

export function keyOf(row: RawRow): FoundKey {
  const time = (name: string): number | null => (row[name] === null ? null : Number(row[name]))
  return {
    id: String(row['id']),
    tenantId: String(row['tenant_id']),
    holder:
      row['service_account_id'] === null
        ? { userId: String(row['user_id']) }
        : { serviceAccountId: String(row['service_account_id']) },
    name: String(row['name']),
    roles: row['roles'] as readonly string[],
    ipRanges: row['ip_ranges'] as readonly string[],
    rate:
      row['rate_requests'] === null
        ? undefined
        : { capacity: Number(row['rate_requests']), windowSeconds: Number(row['rate_seconds']) },
    createdAt: Number(row['created_at']),
    expiresAt: time('expires_at'),
    lastUsedAt: time('last_used_at'),
    secondFactor: row['second_factor'] === true,
  }
}
