import { auditedSystem, problem, statement, type AuditedCall, type SystemTransaction } from '@plinth/core'
import type { Auth } from '../auth-parts.ts'
import { authProblem } from '../errors.ts'

/**
 * Removes one factor of a user, or all. With the last confirmed one go the recovery codes, and sessions that had shown it have shown
 * none: a tenant that asks for a factor is not to be entered by one that is gone.
 * @param id of the one; undefined for all
 * @throws not_found; factor_needed where a tenant of his asks for one
 */
export async function removeDevices(
  auth: Auth,
  call: AuditedCall,
  userId: string,
  id: string | undefined,
): Promise<void> {
  const remove = async (system: SystemTransaction): Promise<void> => {
    // Two factors removed at once: the second one sees that the first is gone.
    await system.run(statement`select id from plinth.users where id = ${userId}::uuid for no key update`)
    const removed = await system.run(statement`
      delete from plinth.mfa_devices
      where user_id = ${userId}::uuid and (${id ?? null}::text is null or id = ${id ?? null}::text::uuid)
      returning confirmed_at is not null as counted`)
    if (removed.length === 0) throw problem('not_found')
    if (!removed.some((device) => device['counted'] === true)) return
    const [left] = await system.run(statement`
      select count(*)::int as count, count(*) filter (where refused_at is null)::int as usable
      from plinth.mfa_devices where user_id = ${userId}::uuid and confirmed_at is not null`)
    if (Number(left!['usable']) > 0) return
    const [asking] = await system.run(statement`
      select t.id from plinth.memberships m join plinth.tenants t on t.id = m.tenant_id
      where m.user_id = ${userId}::uuid and t.require_mfa limit 1`)
    if (asking) throw authProblem('factor_needed')
    // What is left was copied and counts still: then only the recovery codes open the account.
    if (Number(left!['count']) > 0) return
    await system.run(statement`delete from plinth.recovery_codes where user_id = ${userId}::uuid`)
    await system.run(statement`
      update plinth.sessions set second_factor = false where owner_user_id = ${userId}::uuid and second_factor`)
  }
  await auditedSystem(call, remove, () => ({
    action: 'secondFactor.deleted',
    target: id ?? userId,
    detail: { all: id === undefined },
  }))
  auth.sessions.forget()
}

/** @throws not_found, also for one of somebody else */
export async function renameDevice(call: AuditedCall, userId: string, id: string, name: string): Promise<void> {
  const [renamed] = await auditedSystem(
    call,
    (system) =>
      system.run(statement`
      update plinth.mfa_devices set name = ${name}::text where id::text = ${id}::text and user_id = ${userId}::uuid returning id`),
    ([found]) => (found ? { action: 'secondFactor.updated', target: id } : undefined),
  )
  if (!renamed) throw problem('not_found')
}
