import { randomUUID } from 'node:crypto'
import { FreshLookup, type Tenant, type TenantDraft, type TenantStatus } from '@plinth/core'
import type { RawRow } from '../drivers/driver.ts'
import { arrayLiteral } from '../statements/quote.ts'
import type { Ask } from './ask.ts'
import type { Runner } from './runner.ts'

const findText =
  'select w.wanted, f.id, f.slug, f.name, f.status, f.require_mfa, f.plan, f.tier' +
  ' from unnest($1::text::text[]) w(wanted) cross join lateral plinth.find_tenant(w.wanted) f'

/** Finds tenants before a tenant is set, by the one function that may look across them. */
export class TenantLookup {
  readonly #kept: FreshLookup<Tenant>

  /** @param now milliseconds of a clock that only runs forward */
  constructor(ask: Ask, now?: () => number) {
    this.#kept = new FreshLookup({
      ask: async (wanted) => {
        const rows = await ask(findText, [arrayLiteral(wanted)])
        return new Map(rows.map((row) => [String(row['wanted']), tenantOf(row)]))
      },
      ...(now && { now }),
    })
  }

  find(idOrSlug: string): Promise<Tenant | undefined> {
    // No slug and no id has other characters; a NUL among them would be an error of PostgreSQL's.
    if (!/^[a-z0-9-]{1,63}$/i.test(idOrSlug)) return Promise.resolve(undefined)
    return this.#kept.find(idOrSlug)
  }

  forget(): void {
    this.#kept.forget()
  }
}

const insertText =
  'insert into plinth.tenants (id, slug, name) values ($1::uuid, $2::text, $3::text)' +
  ' on conflict (slug) do nothing returning id, slug, name, status, require_mfa, plan, tier'
const takenText = 'select id, slug, name, status, require_mfa, plan, tier from plinth.tenants where slug = $1::text'

/** The new tenant, or the one that has the slug already. Runs as plinth_system: no tenant can be set yet. */
export async function insertTenant(
  runner: Runner,
  draft: TenantDraft,
): Promise<{ readonly tenant: Tenant; readonly founded: boolean }> {
  const parameters = [draft.id ?? randomUUID(), draft.slug, draft.name]
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
    requireMfa: row['require_mfa'] === true,
    plan: typeof row['plan'] === 'string' ? row['plan'] : null,
    tier: typeof row['tier'] === 'string' ? row['tier'] : null,
  }
}
