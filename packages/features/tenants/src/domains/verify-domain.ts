import {
  always,
  jsonAnswer,
  lockedRow,
  problem,
  refuseQuery,
  rowPrinter,
  statement,
  type Call,
  type RawRow,
  type SystemTransaction,
  type TextAnswer,
} from '@plinth/core'
import { tenancyProblem } from '../tenancy-errors.ts'
import { domains } from './domain-resource.ts'
import { hasRecord, type ResolveTxt } from './resolve-txt.ts'

/**
 * `POST /domains/:id/verify`: looks for the token in the DNS. Whoever can write there owns the domain; of two tenants that prove it at
 * once, the first one has it.
 * @throws not_found, permission_denied, version_mismatch, domain_unverified, already_exists, unavailable
 */
export async function verifyDomain(call: Call, resolve: ResolveTxt): Promise<TextAnswer> {
  refuseQuery(call)
  const { platform } = call
  const resource = platform.registry.byTable.get(domains)!
  const seen = await call.session.read({ resource, id: call.parameters['id']!, visible: call.visible })
  if (!seen) throw problem('not_found')
  // Before the transaction: a name server answers when it likes.
  const before = await call.replay()
  if (before) return before
  const host = `_plinth.${String(seen['domain'])}`
  const proven = await hasRecord(resolve, host, String(seen['token']))
  return call.transactAsSystem(async (system, transaction) => {
    const row = await lockedRow(call, transaction, resource)
    if (!proven)
      throw tenancyProblem('domain_unverified', { detail: `There is no TXT record ${host} with this token yet.` })
    await own(system, call.scope.tenantId, row, call.scope.now)
    const id = String(row['id'])
    const verified = await transaction.read({ resource, id, visible: always })
    if (!verified) throw problem('not_found')
    await transaction.emit({ type: 'domain.verified', key: id, data: { id, domain: row['domain'] } })
    const printer = rowPrinter(resource)
    return jsonAnswer(200, printer.print(verified), { etag: printer.etag(verified) })
  })
}

async function own(system: SystemTransaction, tenantId: string, row: RawRow, now: Date): Promise<void> {
  const [id, domain] = [String(row['id']), String(row['domain'])]
  await system.run(statement`
    insert into plinth.verified_domains (domain, tenant_id, domain_id)
    values (${domain}::text, ${tenantId}::uuid, ${id}::uuid) on conflict (domain) do nothing`)
  // A statement of its own: it sees whoever was faster.
  const [owner] = await system.run(statement`
    select tenant_id from plinth.verified_domains where domain = ${domain}::text`)
  if (owner?.['tenant_id'] !== tenantId) {
    const message = 'Another organisation has proven that it is its own'
    throw problem('already_exists', { errors: [{ path: '/domain', code: 'taken', message }] })
  }
  await system.run(statement`
    update plinth.domains set verified_at = coalesce(verified_at, ${now}::text::timestamptz), version = version + 1,
      updated_at = ${now}::text::timestamptz
    where tenant_id = ${tenantId}::uuid and id = ${id}::uuid`)
}
