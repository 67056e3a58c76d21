import { randomUUID } from 'node:crypto'
import type { Tenant, TenantStatus } from '@plinth/core'
import type { RawRow } from '../drivers/driver.ts'
import type { Runner } from './runner.ts'

/** How long an answer may be used again. Whoever suspends a tenant waits at most this long. */
const FRESH_MS = 1_000
const MOST_KEPT = 1_000

interface Kept {
  readonly at: number
  readonly tenant: Promise<Tenant | undefined>
}

/**
 * Finds tenants before a tenant is set, by the one function that may look across them. Every request asks, so an answer is
 * kept for a second, found or not.
 */
export class TenantLookup {
  readonly #kept = new Map<string, Kept>()
  readonly #ask: (wanted: string) => Promise<readonly RawRow[]>

  constructor(ask: (text: string, parameters: readonly string[]) => Promise<readonly RawRow[]>) {
    this.#ask = (wanted) => ask('select id, slug, name, status from plinth.find_tenant($1::text)', [wanted])
  }

  find(idOrSlug: string): Promise<Tenant | undefined> {
    // No slug and no id has other characters; a NUL among them would be an error of PostgreSQL's.
    if (!/^[a-z0-9-]{1,63}$/i.test(idOrSlug)) return Promise.resolve(undefined)
    const now = performance.now()
    const known = this.#kept.get(idOrSlug)
    if (known && now - known.at < FRESH_MS) return known.tenant
    if (this.#kept.size >= MOST_KEPT) this.#kept.clear()
    const tenant = this.#ask(idOrSlug).then(([row]) => (row ? tenantOf(row) : undefined))
    this.#kept.set(idOrSlug, { at: now, tenant })
    // A failure is not an answer.
    tenant.catch(() => this.#kept.delete(idOrSlug))
    return tenant
  }

  forget(): void {
    this.#kept.clear()
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
