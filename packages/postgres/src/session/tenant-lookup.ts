import { randomUUID } from 'node:crypto'
import type { Tenant, TenantStatus } from '@plinth/core'
import type { RawRow } from '../drivers/driver.ts'
import { arrayLiteral } from '../statements/quote.ts'
import type { Runner } from './runner.ts'

/** How long an answer may be used again. Whoever suspends a tenant waits at most this long. */
const FRESH_MS = 1_000
/** From this age on, the next use asks again. */
const RENEWED_AT_MS = 750
const MOST_KEPT = 20_000
/** In one statement: 5,000 take PostgreSQL some 30 ms. */
const MOST_AT_ONCE = 5_000

interface Kept {
  readonly at: number
  readonly tenant: Promise<Tenant | undefined>
  /** Whether somebody used it again since it was asked for: whoever did will do so in the next second too. */
  used: boolean
  renewing: boolean
}

const findText =
  'select w.wanted, f.id, f.slug, f.name, f.status' +
  ' from unnest($1::text::text[]) w(wanted) cross join lateral plinth.find_tenant(w.wanted) f'

/**
 * Finds tenants before a tenant is set, by the one function that may look across them. Every request asks, so an answer is
 * kept for a second, found or not. Shortly before it runs out, all that are in use are asked for in one statement: with 10,000
 * busy tenants, a statement for each would double the cost of a request.
 */
export class TenantLookup {
  readonly #kept = new Map<string, Kept>()
  readonly #ask: (wanted: readonly string[]) => Promise<ReadonlyMap<string, Tenant>>
  readonly #now: () => number

  /** @param now milliseconds of a clock that only runs forward */
  constructor(
    ask: (text: string, parameters: readonly string[]) => Promise<readonly RawRow[]>,
    now: () => number = () => performance.now(),
  ) {
    this.#now = now
    this.#ask = async (wanted) => {
      const rows = await ask(findText, [arrayLiteral(wanted)])
      return new Map(rows.map((row) => [String(row['wanted']), tenantOf(row)]))
    }
  }

  find(idOrSlug: string): Promise<Tenant | undefined> {
    // No slug and no id has other characters; a NUL among them would be an error of PostgreSQL's.
    if (!/^[a-z0-9-]{1,63}$/i.test(idOrSlug)) return Promise.resolve(undefined)
    const known = this.#kept.get(idOrSlug)
    const age = known ? this.#now() - known.at : FRESH_MS
    if (!known || age >= FRESH_MS) return this.#askFor(idOrSlug)
    known.used = true
    if (age >= RENEWED_AT_MS && !known.renewing) this.#renewAhead()
    return known.tenant
  }

  forget(): void {
    this.#kept.clear()
  }

  #askFor(wanted: string): Promise<Tenant | undefined> {
    const at = this.#now()
    if (this.#kept.size >= MOST_KEPT) this.#kept.clear()
    const tenant = this.#ask([wanted]).then((found) => found.get(wanted))
    const own: Kept = { at, tenant, used: false, renewing: false }
    this.#kept.set(wanted, own)
    tenant.catch(() => {
      // A failure is not an answer.
      if (this.#kept.get(wanted) === own) this.#kept.delete(wanted)
    })
    return tenant
  }

  /** While the old answers still serve, so that nobody waits, and all in one statement. */
  #renewAhead(): void {
    const at = this.#now()
    const due = this.#dueBefore(at - FRESH_MS / 2)
    this.#ask([...due.keys()]).then(
      (found) => {
        for (const [name, before] of due) {
          // Forgotten meanwhile, or asked for anew: this answer is the older one.
          if (this.#kept.get(name) !== before) continue
          this.#kept.set(name, { at, tenant: Promise.resolve(found.get(name)), used: false, renewing: false })
        }
      },
      () => {
        // A failure is not an answer: whoever comes after the second asks, and is told.
        for (const before of due.values()) before.renewing = false
      },
    )
  }

  /** Those in use that were asked for before that time; who was not used since is dropped. */
  #dueBefore(time: number): ReadonlyMap<string, Kept> {
    const due = new Map<string, Kept>()
    for (const [name, kept] of this.#kept) {
      if (kept.at > time || kept.renewing) continue
      if (!kept.used) this.#kept.delete(name)
      else if (due.size < MOST_AT_ONCE) due.set(name, kept)
    }
    for (const kept of due.values()) kept.renewing = true
    return due
  }
}

const insertText =
  'insert into plinth.tenants (id, slug, name) values ($1::uuid, $2::text, $3::text)' +
  ' on conflict (slug) do nothing returning id, slug, name, status'
const takenText = 'select id, slug, name, status from plinth.tenants where slug = $1::text'

/** The new tenant, or the one that has the slug already. Runs as plinth_system: no tenant can be set yet. */
export async function insertTenant(
  runner: Runner,
  draft: { readonly slug: string; readonly name: string },
): Promise<{ readonly tenant: Tenant; readonly founded: boolean }> {
  const parameters = [randomUUID(), draft.slug, draft.name]
  const [made] = await runner.run({ text: insertText, parameters, shape: 'fixed' }, 'other')
  if (made) return { tenant: tenantOf(made), founded: true }
  // A statement of its own: it sees what the one that we lost against has committed meanwhile.
  const [taken] = await runner.run({ text: takenText, parameters: [draft.slug], shape: 'fixed' }, 'other')
  if (!taken) throw new Error(`the tenant ${draft.slug} came and went while it was founded; try again`)
  return { tenant: tenantOf(taken), founded: false }
}

function tenantOf(row: RawRow): Tenant {
  return {
    id: String(row['id']),
    slug: String(row['slug']),
    name: String(row['name']),
    status: row['status'] as TenantStatus,
  }
}
