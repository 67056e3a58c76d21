import { statement, type StatementRunner } from '@plinth/core'

/** Which keys end. */
export interface RevokedKeys {
  /** Only those of this tenant. */
  readonly tenantId?: string | undefined
  readonly ownerId?: string | undefined
  readonly serviceAccountId?: string | undefined
  readonly id?: string | undefined
  /** Only those that were made before the address of their owner was proven. */
  readonly unproven?: true | undefined
}

/** Ends keys: their secrets go, the rows stay and say when. @returns the ids of those that were alive */
export async function revokeKeys(
  system: StatementRunner,
  now: Date,
  { tenantId, ownerId, serviceAccountId, id, unproven }: RevokedKeys,
): Promise<readonly string[]> {
  const rows = await system.run(statement`
    with ended as (
      update plinth.api_keys set revoked_at = ${now}::text::timestamptz, updated_at = ${now}::text::timestamptz, version = version + 1
      where revoked_at is null and (${unproven ?? false}::boolean is false or unproven)
        and (${tenantId ?? null}::text is null or tenant_id = ${tenantId ?? null}::text::uuid)
        and (${ownerId ?? null}::text is null or owner_user_id = ${ownerId ?? null}::text::uuid)
        and (${id ?? null}::text is null or id = ${id ?? null}::text::uuid)
        and (${serviceAccountId ?? null}::text is null or service_account_id = ${serviceAccountId ?? null}::text::uuid)
        and coalesce(${ownerId ?? null}::text, ${serviceAccountId ?? null}::text, ${id ?? null}::text) is not null
      returning id),
    gone as (delete from plinth.api_key_secrets s using ended where s.key_id = ended.id)
    select id from ended`)
  return rows.map((row) => String(row['id']))
}
