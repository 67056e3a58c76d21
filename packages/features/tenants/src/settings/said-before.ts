import { statement, type StatementRunner, type WrittenChanges } from '@plinth/core'
import type { Audience, Saying } from './layer-store.ts'

/** What a layer said of some keys, before it says something else of them. */
export type SaidBefore = ReadonlyMap<string, { readonly value: string | null; readonly sealed: boolean }>

/**
 * Of one layer: what the tenant, one of its people, or the operator (undefined) said. Under a lock, so that of two who change the same
 * at once each tells what the other left.
 */
export async function saidBefore(
  runner: StatementRunner,
  audience: Audience | undefined,
  sayings: readonly Saying[],
): Promise<SaidBefore> {
  const [first] = sayings
  if (!first) return new Map()
  const keys = sayings.map(({ key }) => key)
  const { tenantId = '', userId = null } = audience ?? {}
  await runner.run(statement`
    select pg_advisory_xact_lock(hashtextextended('plinth said ' || ${`${first.kind} ${tenantId}`}::text, 0))`)
  const rows = await runner.run(
    audience
      ? statement`
          select key, value, sealed is not null as sealed from plinth.settings
          where tenant_id = ${tenantId}::uuid and kind = ${first.kind}::text and user_id is not distinct from ${userId}::uuid
            and key = any (${keys}::text[])`
      : statement`
          select key, value, sealed is not null as sealed from plinth.platform_settings
          where kind = ${first.kind}::text and key = any (${keys}::text[])`,
  )
  return new Map(
    rows.map((row) => {
      const value = row['value'] === null ? null : String(row['value'])
      return [String(row['key']), { value, sealed: row['sealed'] === true }]
    }),
  )
}

/**
 * What is said anew, from and to; what was not said, or is taken back, has no such side.
 * @param isMasked whether the values of a key are in no record
 */
export function changesOf(
  before: SaidBefore,
  sayings: readonly Saying[],
  isMasked: (key: string) => boolean = () => false,
): WrittenChanges {
  const from: Record<string, unknown> = Object.create(null) as Record<string, unknown>
  const to: Record<string, unknown> = Object.create(null) as Record<string, unknown>
  const masked: string[] = []
  for (const { key, value, sealed } of sayings) {
    const said = before.get(key)
    // A setting that is a secret no more has its old value sealed still, and the other way round.
    if (isMasked(key) || sealed !== null || said?.sealed === true) {
      if (said || value !== null || sealed !== null) masked.push(key)
      continue
    }
    if (said?.value != null) from[key] = JSON.parse(said.value) as unknown
    if (value !== null) to[key] = JSON.parse(value) as unknown
  }
  return { before: from, after: to, ...(masked.length > 0 && { masked }) }
}
