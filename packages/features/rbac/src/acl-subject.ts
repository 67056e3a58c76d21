import {
  always,
  nearestNames,
  problem,
  statement,
  type Call,
  type InputFault,
  type StatementRunner,
  type SubjectKind,
  type Transaction,
} from '@plinth/core'
import type { AclInput } from './acl-input.ts'
import { rolesWithin } from './custom-roles.ts'
import type { Definitions } from './definitions.ts'

export type AclSubject = AclInput['principal']

const words: Readonly<Record<SubjectKind, string>> = {
  user: 'member of the tenant',
  group: 'group of the tenant',
  role: 'role of the tenant',
  service: 'service of the tenant',
  apiKey: 'API key of the tenant',
}

/**
 * The subject as it is stored, which stays there until the end of the transaction. An entry about nobody would be one about whoever is
 * called so later.
 * @throws validation_failed
 */
export async function readSubject(
  call: Call,
  definitions: Definitions,
  system: StatementRunner,
  transaction: Transaction,
  subject: AclSubject,
): Promise<AclSubject> {
  const found = await find(call, definitions, system, transaction, subject)
  if (found !== undefined) return { kind: subject.kind, id: found }
  const names = subject.kind === 'role' ? definitions.builtIn.map(({ name }) => name) : []
  const near = nearestNames(subject.id.slice(0, 64), names)
  const fault: InputFault = {
    path: '/principal/id',
    code: subject.kind === 'role' ? 'unknown_role' : 'unknown_subject',
    message: `There is no such ${words[subject.kind]}${near.length > 0 ? `; nearest: ${near.join(', ')}` : ''}`,
  }
  throw problem('validation_failed', { errors: [fault] })
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

async function find(
  call: Call,
  { rights }: Definitions,
  system: StatementRunner,
  transaction: Transaction,
  { kind, id }: AclSubject,
): Promise<string | undefined> {
  const tenantId = call.request.tenant.id
  switch (kind) {
    case 'user':
      return uuid.test(id) ? idIn(await system.run(memberOf(tenantId, id))) : undefined
    case 'group':
      return uuid.test(id) ? idIn(await system.run(groupOf(tenantId, id))) : undefined
    case 'role':
      return (await rights.port(rolesWithin(system)).unknown(tenantId, [id])).length === 0 ? id : undefined
    case 'service':
      return (await kept(call, transaction, 'serviceAccount', id)) ?? configuredService(call, id)
    case 'apiKey':
      return kept(call, transaction, 'apiKey', id)
  }
}

const memberOf = (tenantId: string, id: string) => statement`
  select user_id as id from plinth.memberships where tenant_id = ${tenantId}::uuid and user_id = ${id}::uuid for key share`
const groupOf = (tenantId: string, id: string) => statement`
  select id from plinth.groups where tenant_id = ${tenantId}::uuid and id = ${id}::uuid for key share`

function idIn(rows: Awaited<ReturnType<StatementRunner['run']>>): string | undefined {
  return rows[0] && String(rows[0]['id'])
}

/** A row of a resource that another feature brings, where one does. */
async function kept(call: Call, transaction: Transaction, name: string, id: string): Promise<string | undefined> {
  const resource = call.platform.registry.resources.find((one) => one.name === name)
  const row = resource && (await transaction.lock({ resource, id, visible: always, strength: 'keep' }))
  return row && String(row['id'])
}

/** A service that stands in the configuration, where it is one of this tenant. */
async function configuredService({ platform, request }: Call, id: string): Promise<string | undefined> {
  const sources = platform.registry.features.flatMap((feature) => feature.slots?.principals ?? [])
  for (const source of sources) {
    if (source.kind !== 'service') continue
    const found = await source.find(id)
    if (found?.id !== id) continue
    const { tenant } = found
    if (tenant === null || tenant === request.tenant.id || tenant === request.tenant.slug) return id
  }
  return undefined
}
