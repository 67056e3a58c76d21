import { statement, type StatementRunner } from '@plinth/core'
import type { SecretPlace } from './webhook-secret.ts'

/** Keeps the sealed secrets of a webhook, in the place of those that were. */
export async function keepSecret(
  system: StatementRunner,
  { tenantId, id }: SecretPlace,
  sealed: string,
): Promise<void> {
  await system.run(statement`
    insert into plinth.webhook_secrets (tenant_id, id, secret) values (${tenantId}::uuid, ${id}::uuid, ${sealed}::text)
    on conflict (tenant_id, id) do update set secret = excluded.secret`)
}
