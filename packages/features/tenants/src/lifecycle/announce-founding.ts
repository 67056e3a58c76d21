import { randomUUID } from 'node:crypto'
import { statement, type Context, type Founding, type Platform, type Tenant } from '@plinth/core'

/** `tenant.created`, in the transaction that founds it; where nobody listens nothing is stored. */
export async function announceFounding(
  { registry }: Platform,
  context: Context,
  tenant: Tenant,
  founding: Founding,
): Promise<void> {
  if (!registry.listened.has('tenant.created')) return
  const data = JSON.stringify({ id: tenant.id, slug: tenant.slug, founder: founding.founder })
  await founding.run(statement`
    insert into plinth.events (tenant_id, id, type, key, data, actor_kind, actor_id, request_id, traceparent, occurred_at)
    values (${tenant.id}::uuid, ${randomUUID()}::uuid, 'tenant.created', ${tenant.id}::text, ${data}::text::jsonb,
      ${context.principal.kind}::text, ${context.principal.id}::text, ${context.requestId}::text,
      ${context.traceparent ?? null}::text, ${context.now()}::text::timestamptz)`)
}
