import {
  always,
  isUuid,
  nearestNames,
  problem,
  statement,
  type Call,
  type InputFault,
  type Platform,
  type Principal,
  type StatementRunner,
  type SubjectKind,
  type Tenant,
  type Transaction,
} from '@plinth/core'
import type { AclInput } from './acl-input.ts'
import { rolesSeen, rolesWithin } from './custom-roles.ts'
import type { Definitions } from './definitions.ts'

export type AclSubject = AclInput['principal']

const words: Readonly<Record<SubjectKind, string>> = {
  user: 'member of the tenant',
  group: 'group of the tenant',
  role: 'role of the tenant',
  service: 'service of the tenant',
  apiKey: 'API key of the tenant',
}

/** Where a subject is looked for. */
export interface SubjectLookup {
  readonly platform: Pick<Platform, 'registry'>
  readonly tenant: Pick<Tenant, 'id' | 'slug'>
  /** Sees members, groups and roles. */
  readonly runner: StatementRunner
  readonly transaction: Transaction
  /** Whether it stays there until the end of the transaction: for what is written about it. */
  readonly hold: boolean
}

/**
 * The subject as it is stored, which stays there until the end of the transaction. An entry about nobody would be one about whoever is
 * called so later.
 * @throws validation_failed
 */
export async function readSubject(
  { platform, request }: Call,
  definitions: Definitions,
  system: StatementRunner,
  transaction: Transaction,
  subject: AclSubject,
): Promise<AclSubject> {
  const lookup = { platform, tenant: request.tenant, runner: system, transaction, hold: true }
  const found = await findSubject(lookup, definitions, subject)
  if (found === undefined) throw refuseNoSubject(definitions, subject)
  return { kind: subject.kind, id: found }
}

/** The error for a subject that there is not, with what may have been meant. */
export function refuseNoSubject({ builtIn }: Definitions, { kind, id }: AclSubject): Error {
  const names = kind === 'role' ? builtIn.map(({ name }) => name) : []
  const near = nearestNames(id.slice(0, 64), names)
  const fault: InputFault = {
    path: '/principal/id',
    code: kind === 'role' ? 'unknown_role' : 'unknown_subject',
    message: `There is no such ${words[kind]}${near.length > 0 ? `; nearest: ${near.join(', ')}` : ''}`,
  }
  return problem('validation_failed', { errors: [fault] })
}

/** How the subject is called where it is stored; undefined where there is none. */
export async function findSubject(
  lookup: SubjectLookup,
  { rights }: Definitions,
  { kind, id }: AclSubject,
): Promise<string | undefined> {
  const { tenant, runner, hold } = lookup
  switch (kind) {
    case 'user':
      return isUuid(id) ? idIn(await runner.run(memberOf(tenant.id, id, hold))) : undefined
    case 'group':
      return isUuid(id) ? idIn(await runner.run(groupOf(tenant.id, id, hold))) : undefined
    case 'role': {
      const port = rights.port(hold ? rolesWithin(runner) : rolesSeen(runner))
      return (await port.unknown(tenant.id, [id])).length === 0 ? id : undefined
    }
    case 'service':
      return (await kept(lookup, 'serviceAccount', id)) ?? (await configuredService(lookup, id))?.id
    case 'apiKey':
      return kept(lookup, 'apiKey', id)
  }
}

const memberOf = (tenantId: string, id: string, hold: boolean) =>
  hold
    ? statement`
      select user_id as id from plinth.memberships where tenant_id = ${tenantId}::uuid and user_id = ${id}::uuid for key share`
    : statement`
      select user_id as id from plinth.memberships where tenant_id = ${tenantId}::uuid and user_id = ${id}::uuid`
const groupOf = (tenantId: string, id: string, hold: boolean) =>
  hold
    ? statement`
      select id from plinth.groups where tenant_id = ${tenantId}::uuid and id = ${id}::uuid for key share`
    : statement`
      select id from plinth.groups where tenant_id = ${tenantId}::uuid and id = ${id}::uuid`

function idIn(rows: Awaited<ReturnType<StatementRunner['run']>>): string | undefined {
  return rows[0] && String(rows[0]['id'])
}

/** A row of a resource that another feature brings, where one does. */
async function kept(
  { platform, transaction, hold }: SubjectLookup,
  name: string,
  id: string,
): Promise<string | undefined> {
  const resource = platform.registry.resources.find((one) => one.name === name)
  if (!resource) return undefined
  const row = await (hold
    ? transaction.lock({ resource, id, visible: always, strength: 'keep' })
    : transaction.read({ resource, id, visible: always }))
  return row && String(row['id'])
}

/** A service that stands in the configuration, where it is one of this tenant. */
export async function configuredService(
  { platform, tenant: { id: tenantId, slug } }: Pick<SubjectLookup, 'platform' | 'tenant'>,
  id: string,
): Promise<Principal | undefined> {
  const sources = platform.registry.features.flatMap((feature) => feature.slots?.principals ?? [])
  for (const source of sources) {
    if (source.kind !== 'service') continue
    const found = await source.find(id)
    if (found?.id !== id) continue
    const { tenant } = found
    if (tenant === null || tenant === tenantId || tenant === slug) return found
  }
  return undefined
}
