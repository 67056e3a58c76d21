import { FreshLookup, statement, type Platform, type RawRow } from '@plinth/core'

/** A living session, as the lookup gives it out. Times are milliseconds since 1970. */
export interface FoundSession {
  readonly id: string
  readonly userId: string
  readonly tenantId: string | null
  readonly kind: 'cookie' | 'token'
  readonly secondFactor: boolean
  readonly authenticatedAt: number
  readonly lastSeenAt: number
  /** The sooner of the idle and the absolute end. */
  readonly expiresAt: number
  readonly name: string
  readonly superadmin: boolean
}

/**
 * Sessions by id (an access token names it) or by the hash of a cookie. Asked by every request of a person, and so kept for a
 * second; what is ended is refused after that second everywhere.
 */
export class SessionLookup {
  readonly #kept: FreshLookup<FoundSession>
  readonly #platform: Platform

  constructor(platform: Platform) {
    this.#platform = platform
    this.#kept = new FreshLookup({ ask: (keys) => ask(platform, keys) })
    platform.database.onForget(() => this.forget())
  }

  async byId(id: string): Promise<FoundSession | undefined> {
    return this.#living(await this.#kept.find(`id ${id}`))
  }

  async byHash(hash: string): Promise<FoundSession | undefined> {
    return this.#living(await this.#kept.find(`hash ${hash}`))
  }

  /** After something was ended in this process: nobody here waits for the second to pass. */
  forget(): void {
    this.#kept.forget()
  }

  #living(session: FoundSession | undefined): FoundSession | undefined {
    return session && session.expiresAt > this.#platform.clock.now().getTime() ? session : undefined
  }
}

async function ask(platform: Platform, keys: readonly string[]): Promise<ReadonlyMap<string, FoundSession>> {
  const parts = keys.map((key) => key.split(' ') as [string, string])
  const column = (kind: string): string[] => parts.map(([of, value]) => (of === kind ? value : ''))
  const rows = await platform.database.lookup(statement`
    select w.place, f.*
    from unnest(${column('id')}::text::text[], ${column('hash')}::text::text[]) with ordinality w(id, hash, place)
    cross join lateral plinth.find_session(nullif(w.id, '')::uuid, nullif(w.hash, '')) f`)
  return new Map(rows.map((row) => [keys[Number(row['place']) - 1]!, sessionOf(row)]))
}

function sessionOf(row: RawRow): FoundSession {
  return {
    id: String(row['id']),
    userId: String(row['user_id']),
    tenantId: row['tenant_id'] === null ? null : String(row['tenant_id']),
    kind: row['kind'] === 'cookie' ? 'cookie' : 'token',
    secondFactor: row['second_factor'] === true,
    authenticatedAt: Number(row['authenticated_at']),
    lastSeenAt: Number(row['last_seen_at']),
    expiresAt: Number(row['expires_at']),
    name: String(row['name']),
    superadmin: row['superadmin'] === true,
  }
}
