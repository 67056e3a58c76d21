import { randomUUID } from 'node:crypto'
import { systemPrincipal } from '../auth/system-principal.ts'
import { logEvents } from '../logging/events.ts'
import { scopeOf } from '../pipeline/data.ts'
import type { AuditDraft } from '../ports/audit.ts'
import type { SystemTransaction } from '../ports/database.ts'
import { transactionContext } from '../resource/transaction-context.ts'
import { addMember } from '../tenancy/add-member.ts'
import type { Tenant } from '../tenancy/tenant.ts'
import type { Platform } from './platform.ts'

/** A tenant to be. */
export interface FoundingDraft {
  /** Lower-case letters, digits and hyphens; unique. */
  readonly slug: string
  readonly name: string
  /** Id of the user who becomes its first member, with the role `owner`. */
  readonly founder?: string | undefined
  /** The request that founds it, for its entry in the audit log. */
  readonly by?: Pick<AuditDraft, 'requestId' | 'client'> | undefined
}

export interface FoundTenant extends Tenant {
  readonly founded: boolean
}

/** One transaction for the tenant and for what every feature provisions in it: a failure leaves nothing. */
export async function foundTenant(platform: Platform, draft: FoundingDraft): Promise<FoundTenant> {
  const found = await platform.database.system((system) => foundWithin(platform, system, draft))
  if (found.founded) platform.log.info(logEvents.tenantFounded, { tenant: found.slug })
  return found
}

/**
 * The same inside a transaction that does more: a registration makes user, tenant and session, or none of them. Where the slug is
 * taken nothing is provisioned, and `founded` is false.
 */
export async function foundWithin(
  platform: Platform,
  system: SystemTransaction,
  draft: FoundingDraft,
): Promise<FoundTenant> {
  const { tenant, founded } = await system.found(draft)
  if (!founded) return { ...tenant, founded }
  const founder = draft.founder ?? null
  await platform.audit?.record(system, {
    tenantId: tenant.id,
    actor: founder === null ? { kind: 'system', id: 'system' } : { kind: 'user', id: founder },
    action: 'tenant.created',
    target: tenant.id,
    requestId: draft.by?.requestId ?? randomUUID(),
    client: draft.by?.client,
    time: platform.clock.now(),
    detail: { slug: tenant.slug },
  })
  if (founder !== null) await addMember(system, { tenantId: tenant.id, userId: founder, roles: ['owner'] })
  const principal = systemPrincipal(platform.registry.permissions, `founding ${draft.slug}`)
  const scope = scopeOf(platform, { principal, tenant, requestId: randomUUID() })
  const transaction = await system.within(scope)
  const context = transactionContext({ platform, scope, transaction, principal, tenant })
  for (const feature of platform.registry.features)
    await feature.provision?.(context, tenant, { founder, run: (statement) => system.run(statement) })
  return { ...tenant, founded }
}
