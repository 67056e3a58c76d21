import {
  matchVersion,
  OWNER,
  emptyAnswer,
  problem,
  refuseInactive,
  refuseQuery,
  scopeOf,
  statement,
  validate,
  type PersonalCall,
  type RawRow,
  type TextAnswer,
} from '@plinth/core'
import { z } from 'zod'
import { tenantWithin } from '../directory/tenant-within.ts'
import { changeStatus } from './change-status.ts'
import { enteredTenant, type Entered } from './entered-tenant.ts'
import { lockTenant, readTenant, tenantAnswer } from './tenant-row.ts'
import type { Transition } from './transitions.ts'

export const tenantChange = z
  .object({
    name: z.string().trim().min(1).max(200),
    requireMfa: z.boolean().describe('Set by somebody who has shown a second factor himself'),
    plan: z.string().max(100).nullable().describe('Set by the operator'),
    tier: z.string().max(100).nullable().describe('Set by the operator'),
  })
  .partial()
  .meta({ id: 'TenantChange' })

/** `PATCH /tenants/:id`. @throws validation_failed, not_found, permission_denied, version_mismatch, tenant_suspended */
export async function changeTenant(call: PersonalCall): Promise<TextAnswer> {
  refuseQuery(call)
  const { platform, requestId, client } = call
  const entered = await enteredTenant(call)
  if (!entered.operator) {
    refuseWithoutUpdate(call, entered)
    refuseInactive(entered.tenant, false)
  }
  const change = validate(tenantChange, call.body)
  refuseOperators(entered, change)
  const ifVersion = matchVersion(call.headers['if-match'])
  const { id } = entered.tenant
  return platform.database.system(async (system) => {
    const row = await lockTenant(system, id)
    if (!row) throw problem('not_found')
    if (ifVersion !== undefined && row['version'] !== ifVersion) throw problem('version_mismatch')
    system.changesMembers()
    const [changed] = await system.run(statement`
      update plinth.tenants set name = coalesce(${change.name ?? null}::text, name),
        require_mfa = coalesce(${change.requireMfa ?? null}::boolean, require_mfa),
        plan = case when ${change.plan !== undefined}::boolean then ${change.plan ?? null}::text else plan end,
        tier = case when ${change.tier !== undefined}::boolean then ${change.tier ?? null}::text else tier end,
        version = version + 1, updated_at = ${platform.clock.now()}::text::timestamptz
      where id = ${id}::uuid and ${Object.keys(change).length > 0}::boolean
      returning id`)
    if (!changed) return tenantAnswer(200, row)
    const { principal } = entered
    const tenant = await tenantWithin(system, id)
    const transaction = await system.within(scopeOf(platform, { principal, tenant, requestId, client }))
    const after = (await readTenant(system, id)) ?? row
    await transaction.emit({
      type: 'tenant.updated',
      key: id,
      data: { id, changed: Object.keys(change) },
      changes: { before: changeableOf(row), after: changeableOf(after) },
    })
    return tenantAnswer(200, after)
  })
}

function changeableOf(row: RawRow): Readonly<Record<keyof z.output<typeof tenantChange>, unknown>> {
  return { name: row['name'], requireMfa: row['require_mfa'], plan: row['plan'], tier: row['tier'] }
}

/** @throws permission_denied */
function refuseWithoutUpdate({ platform }: PersonalCall, { principal }: Entered): void {
  const number = platform.registry.permissions.numberOf('tenant', 'update')
  if (number !== undefined && principal.permissions.everywhere(number)) return
  throw problem('permission_denied', { detail: 'This needs the permission tenant:update.' })
}

/** @throws permission_denied, second_factor_required */
function refuseOperators({ operator, principal }: Entered, change: z.output<typeof tenantChange>): void {
  if (!operator && (change.plan !== undefined || change.tier !== undefined))
    throw problem('permission_denied', { detail: 'Plan and tier are set by the operator of the service.' })
  // Whoever asks it of all without having one would be the first to be locked out.
  if (!operator && change.requireMfa === true && principal.session?.secondFactor !== true)
    throw problem('second_factor_required')
}

/** `DELETE /tenants/:id`: the request of an owner; the tenant is closed, and gone after the days of grace. */
export async function requestDeletion(call: PersonalCall, graceDays: number): Promise<TextAnswer> {
  refuseQuery(call)
  const { platform, requestId, client } = call
  const { tenant, principal, operator } = await enteredTenant(call)
  if (!operator && !principal.roles?.includes(OWNER))
    throw problem('permission_denied', { detail: 'Only an owner ends a tenant.' })
  const ifVersion = matchVersion(call.headers['if-match'])
  await platform.database.system((system) =>
    changeStatus(platform, system, {
      tenantId: tenant.id,
      transition: 'requestDeletion',
      principal,
      requestId,
      client,
      graceDays,
      ifVersion,
    }),
  )
  return emptyAnswer(204)
}

/** `POST /tenants/:id/{suspend,reactivate}`, for the operator. */
export async function changeByOperator(call: PersonalCall, transition: Transition): Promise<TextAnswer> {
  refuseQuery(call)
  const { platform, requestId, client } = call
  const { tenant, principal } = await enteredTenant(call)
  const ifVersion = matchVersion(call.headers['if-match'])
  const row = await platform.database.system((system) =>
    changeStatus(platform, system, { tenantId: tenant.id, transition, principal, requestId, client, ifVersion }),
  )
  return tenantAnswer(200, row)
}

/** `GET /tenants/:id`. Of a closed one too: its people must see why nothing works. */
export async function showTenant(call: PersonalCall): Promise<TextAnswer> {
  refuseQuery(call)
  const { tenant } = await enteredTenant(call)
  const row = await call.platform.database.system((system) => readTenant(system, tenant.id))
  if (!row) throw problem('not_found')
  return tenantAnswer(200, row)
}
