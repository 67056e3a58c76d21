import {
  explainAccess,
  isFieldModel,
  jsonAnswer,
  nearestNames,
  never,
  problem,
  readQuery,
  refuseQuery,
  visibleTo,
  withBuiltInRows,
  type AccessExplanation,
  type InputFault,
  type PersonalCall,
  type PersonalRoute,
  type Principal,
  type ResourceInfo,
  type Tenant,
  type TextAnswer,
} from '@plinth/core'
import { z } from 'zod'
import { findMember } from './member-principals.ts'
import { readPermission } from './spelling.ts'

/**
 * `GET /explain?action=project:update&id=…`: whether the caller may, and which role and scope said so; for somebody else
 * (`principal=`) only to whoever may see who has which role.
 */
export const explainRoute: PersonalRoute = {
  public: false,
  personal: 'anyone',
  inTenant: true,
  method: 'GET',
  path: '/api/v1/explain',
  operationId: 'explain',
  summary: 'Explain whether something may be done, and by which rule',
  tag: 'permission',
  origin: 'platform',
  query: [
    {
      name: 'action',
      description: 'A permission without scope: `project:update`, or `Project.update`',
      schema: z.string(),
      required: true,
    },
    { name: 'id', description: 'A row; without it the rule itself is explained', schema: z.string() },
    { name: 'principal', description: 'A member, by id or e-mail address. Default: the caller', schema: z.string() },
  ],
  errors: ['invalid_query'],
  answers: [
    {
      status: 200,
      description: 'The decision, what decided, and a sentence for people',
      schema: z
        .object({
          permission: z.string(),
          principal: z.object({ kind: z.string(), id: z.string(), name: z.string() }),
          tenant: z.object({ id: z.string(), slug: z.string() }).nullable(),
          id: z.string().nullable(),
          decision: z.enum(['allowed', 'denied', 'depends']),
          answer: z.string().nullable(),
          decidedBy: z.string(),
          sentence: z.string(),
          rules: z.array(z.looseObject({ source: z.string(), name: z.string(), effect: z.string() })),
        })
        .meta({ id: 'AccessExplanation' }),
    },
  ],
  handle: explain,
}

async function explain(call: PersonalCall): Promise<TextAnswer> {
  const { platform, principal, tenant } = call
  if (!tenant) throw problem('tenant_required')
  const { action, id, name } = readQuestion(call)
  const asked = name === undefined ? principal : await otherMember(call, tenant, name)
  const shown = id === undefined || (await sees(call, action, id, asked === principal))
  const himself = asked.id === principal.id
  const readable = himself ? undefined : (ids: readonly string[]) => readableEntries(call, ids)
  const answer = shown
    ? await explainAccess(platform, { permission: action, principal: asked, tenant: tenant.id, id, readable })
    : notThere(action, id, asked, tenant)
  return jsonAnswer(200, JSON.stringify(answer))
}

/** `employee` of `employee:update` and of `employee.salary:update`. */
function resourceOf(permission: string): string {
  return permission.split(/[.:]/)[0]!
}

interface Question {
  readonly action: string
  readonly id: string | undefined
  readonly name: string | undefined
}

/** @throws invalid_query */
function readQuestion({ search, platform }: PersonalCall): Question {
  refuseQuery({ search }, ['action', 'id', 'principal'])
  const given = search === '' ? new Map<string, string>() : readQuery(search)
  const written = given.get('action')
  const { permissions, resources } = platform.registry
  // Of permissions that are about no rows there is nothing to explain but who has them.
  const names = permissions.names.filter((name) => resources.some((one) => one.name === resourceOf(name)))
  const action = written === undefined || names.includes(written) ? written : usualSpelling(written)
  if (action === undefined || !names.includes(action)) {
    const nearest = nearestNames((written ?? '').slice(0, 100), names)
    const message = `There is no such action${nearest.length > 0 ? `; nearest: ${nearest.join(', ')}` : ''}`
    const fault: InputFault =
      written === undefined
        ? { path: '?action', code: 'required', message: 'Expected a permission: project:update' }
        : { path: '?action', code: 'unknown_permission', message }
    throw problem('invalid_query', { errors: [fault] })
  }
  return { action, id: given.get('id'), name: given.get('principal') }
}

/** `site:update` for `Site.update`, as entries of the ACL are written; a scope is no part of the question. */
function usualSpelling(written: string): string | undefined {
  const read = readPermission(written)
  return read?.scope === 'all' ? `${read.model}:${read.action}` : undefined
}

/** @throws permission_denied, invalid_query */
async function otherMember(call: PersonalCall, tenant: Tenant, name: string): Promise<Principal> {
  const { platform, principal, scope } = call
  const number = platform.registry.permissions.numberOf('userRole', 'read')
  if (number === undefined || !principal.permissions.everywhere(number))
    throw problem('permission_denied', { detail: 'To ask about others needs the permission userRole:read.' })
  const found = await platform.database.transaction(scope!, (transaction) => findMember(transaction, tenant, name))
  if (found && (found.id === principal.id || (await showsPerson(call, found.id)))) return found
  // An address would tell whose it is; the id stands in what userRole:read shows.
  if (found && found.id === name.toLowerCase()) return { ...found, name: found.id }
  // Nobody is offered: of other tenants' people not even a name may be seen.
  const message = 'There is no such member of the tenant; expected an id or an e-mail address'
  throw problem('invalid_query', { errors: [{ path: '?principal', code: 'unknown_principal', message }] })
}

/**
 * Whether the caller may read who this member is. Where no feature brings a directory there is no permission to read people, and who
 * may see roles may see whose they are.
 */
async function showsPerson(call: PersonalCall, id: string): Promise<boolean> {
  const directory = call.platform.registry.resources.find(({ name }) => name === 'user')
  return !directory || (await readable(call, directory, [id])).has(id)
}

/** Entries of the ACL that the caller may read himself. */
async function readableEntries(call: PersonalCall, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const resource = call.platform.registry.resources.find(({ name }) => name === 'aclEntry')
  return resource ? readable(call, resource, ids) : new Set()
}

async function readable(
  { platform, principal, scope }: PersonalCall,
  resource: ResourceInfo,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  const { database, registry } = platform
  const where = principal.permissions.condition(registry.permissions.numberOf(resource.name, 'read')!)
  if (where.kind === 'never') return new Set()
  const rows = await database.session(scope!).related({ resource, where, keys: ids, fields: [], by: 'id' })
  return new Set(rows.map((row) => String(row['id'])))
}

/**
 * Whether the caller himself sees this row. To whom it is not shown it is not there, whomever he asks about: an explanation tells
 * that there is a row, and what is in it. Where he may do nothing at all, no row is looked at and there is nothing to hide.
 */
async function sees(call: PersonalCall, action: string, id: string, himself: boolean): Promise<boolean> {
  const { registry, database } = call.platform
  const { permissions } = call.principal
  const resource = registry.resources.find((one) => one.name === resourceOf(action))!
  const [model = '', verb = ''] = action.split(':')
  const doing = permissions.condition(registry.permissions.numberOf(model, verb)!)
  if (himself && doing.kind === 'never') return true
  const session = withBuiltInRows(database.session(call.scope!), registry, call.scope!.facts)
  // A right to a field shows no row, nor does one to make rows.
  const allowed = isFieldModel(model) || verb === 'create' || verb === 'clear' ? never : doing
  const visible = visibleTo(permissions, registry.permissions.numberOf(resource.name, 'read')!, allowed)
  return (await session.read({ resource, id, visible })) !== undefined
}

function notThere(
  permission: string,
  id: string,
  { kind, id: principalId, name }: Principal,
  tenant: Tenant,
): AccessExplanation {
  return {
    permission,
    principal: { kind, id: principalId, name: name || principalId },
    tenant: { id: tenant.id, slug: tenant.slug },
    id,
    decision: 'denied',
    answer: 'not_found',
    decidedBy: 'row',
    sentence: 'Denied: there is no such row, or you may not see it.',
    rules: [
      { source: 'tenant', name: tenant.slug, effect: 'admits' },
      { source: 'row', name: id, effect: 'refuses' },
    ],
  }
}
