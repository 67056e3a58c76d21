import { FreshLookup, statement, type Platform, type RawRow, type StatementRunner } from '@plinth/core'
import type { Layer } from './declaration.ts'

export type Kind = 'setting' | 'flag'

/** For whom something is asked: a tenant, and one of its people. */
export interface Audience {
  readonly tenantId: string
  readonly userId?: string | null
}

/** What one layer says of one key: JSON text, or the sealed form of a secret. */
export interface Said {
  readonly layer: Layer
  readonly value: string | null
  readonly sealed: string | null
}

/** What is said, by key, the widest layer first. */
export type SaidByKey = ReadonlyMap<string, readonly Said[]>

const order: Readonly<Record<Layer, number>> = { platform: 0, tenant: 1, user: 2 }

/** Everything that is said for these audiences, in one statement. As the system, which alone sees what the operator says. */
async function readLayers(
  platform: Platform,
  kind: Kind,
  keys: readonly string[],
): Promise<ReadonlyMap<string, SaidByKey>> {
  const audiences = keys.map((key) => key.split('|') as [string, string])
  const tenantIds = [...new Set(audiences.map(([tenantId]) => tenantId).filter((id) => id !== ''))]
  const userIds = [...new Set(audiences.map(([, userId]) => userId).filter((id) => id !== ''))]
  const rows = await platform.database.system((system) =>
    system.run(statement`
      select key, value, sealed, 'platform' as layer, null::uuid as tenant_id, null::uuid as user_id
      from plinth.platform_settings where kind = ${kind}::text
      union all
      select key, value, sealed, case when user_id is null then 'tenant' else 'user' end, tenant_id, user_id
      from plinth.settings
      where kind = ${kind}::text and tenant_id = any (${tenantIds}::uuid[])
        and (user_id is null or user_id = any (${userIds}::uuid[]))`),
  )
  return new Map(
    audiences.map(([tenantId, userId]) => {
      const own = rows.filter(
        (row) =>
          row['layer'] === 'platform' ||
          (row['tenant_id'] === tenantId && (row['user_id'] === null || row['user_id'] === userId)),
      )
      return [`${tenantId}|${userId}`, byKey(own)]
    }),
  )
}

function byKey(rows: readonly RawRow[]): SaidByKey {
  const said = new Map<string, Said[]>()
  for (const row of rows) {
    const key = String(row['key'])
    const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)
    const list = said.get(key) ?? []
    list.push({ layer: row['layer'] as Layer, value: text(row['value']), sealed: text(row['sealed']) })
    said.set(
      key,
      list.sort((left, right) => order[left.layer] - order[right.layer]),
    )
  }
  return said
}

function keyOf(audience: Audience | undefined): string {
  return `${audience?.tenantId ?? ''}|${audience?.userId ?? ''}`
}

/** What is said of the keys of one kind. Kept for a second: code asks on every request. */
export class LayerStore {
  readonly #platform: () => Platform
  readonly #kind: Kind
  readonly #kept: FreshLookup<SaidByKey>

  constructor(platform: () => Platform, kind: Kind) {
    this.#platform = platform
    this.#kind = kind
    this.#kept = new FreshLookup({ ask: (keys) => readLayers(this.#platform(), this.#kind, keys) })
  }

  /** @param audience undefined: what the operator says */
  async said(audience: Audience | undefined, options: { readonly fresh?: boolean } = {}): Promise<SaidByKey> {
    const key = keyOf(audience)
    if (options.fresh) this.#kept.forget(key)
    return (await this.#kept.find(key)) ?? new Map()
  }

  /**
   * After a change, in this process; others follow within a second. Of one person what he is told; of a tenant, or of all, everything,
   * since each of their people was told it.
   */
  forget(audience: Audience | undefined): void {
    this.#kept.forget(audience?.userId == null ? undefined : keyOf(audience))
  }
}

/** What one layer is to say; null takes it back. */
export interface Saying {
  readonly kind: Kind
  readonly key: string
  readonly value: string | null
  readonly sealed: string | null
}

/** In the transaction of the tenant: what it, or one of its people, says. */
export async function sayInTenant(
  runner: StatementRunner,
  { tenantId, userId = null }: Audience,
  now: Date,
  saying: Saying,
): Promise<void> {
  const { kind, key, value, sealed } = saying
  if (value === null && sealed === null) {
    await runner.run(statement`
      delete from plinth.settings
      where tenant_id = ${tenantId}::uuid and kind = ${kind}::text and key = ${key}::text and user_id is not distinct from ${userId}::uuid`)
    return
  }
  await runner.run(statement`
    insert into plinth.settings (tenant_id, kind, key, user_id, value, sealed, updated_at)
    values (${tenantId}::uuid, ${kind}::text, ${key}::text, ${userId}::uuid, ${value}::text::jsonb, ${sealed}::text,
      ${now}::text::timestamptz)
    on conflict on constraint settings_key do update
    set value = excluded.value, sealed = excluded.sealed, updated_at = excluded.updated_at`)
}

/** As the system: what the operator says. */
export async function sayForAll(
  runner: StatementRunner,
  now: Date,
  { kind, key, value, sealed }: Saying,
): Promise<void> {
  if (value === null && sealed === null) {
    await runner.run(statement`
      delete from plinth.platform_settings where kind = ${kind}::text and key = ${key}::text`)
    return
  }
  await runner.run(statement`
    insert into plinth.platform_settings (kind, key, value, sealed, updated_at)
    values (${kind}::text, ${key}::text, ${value}::text::jsonb, ${sealed}::text, ${now}::text::timestamptz)
    on conflict (kind, key) do update
    set value = excluded.value, sealed = excluded.sealed, updated_at = excluded.updated_at`)
}
