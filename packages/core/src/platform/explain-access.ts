import { randomUUID } from 'node:crypto'
import type { Principal } from '../auth/principal.ts'
import { always, never, type Condition, type Facts } from '../condition/condition.ts'
import type { Explanation } from '../condition/explain.ts'
import { PlinthError, problem } from '../errors/plinth-error.ts'
import { openView } from '../fields/field-view.ts'
import { entriesFor, listedIn } from '../condition/settle-listed.ts'
import { scopeOf } from '../pipeline/data.ts'
import { refuseInactive } from '../pipeline/tenant.ts'
import { visibleTo } from '../policy/visible-to.ts'
import type { PermissionScope } from '../policy/permission.ts'
import type { RawRow, Scope, Session } from '../ports/database.ts'
import { withBuiltInRows } from '../resource/built-in-rows.ts'
import { explainFor } from '../resource/explain-for.ts'
import type { ResourceInfo } from '../resource/resource-info.ts'
import { enterTenant } from '../tenancy/enter-tenant.ts'
import type { Tenant } from '../tenancy/tenant.ts'
import type { AccessExplanation, AccessQuestion, AccessRule, ReadableEntries, Verdict } from './access-explanation.ts'
import { askedPermission } from './asked-permission.ts'
import { withBeside } from './explain-beside.ts'
import { withheldFrom } from './explain-entries.ts'
import { withFreshness } from './explain-freshness.ts'
import type { Platform } from './platform.ts'

/**
 * Takes the question through the stages of a request (tenant, permission, row) without doing anything, and tells what each said.
 * @throws validation_failed for a permission or principal that there is not
 */
export async function explainAccess(platform: Platform, question: AccessQuestion): Promise<AccessExplanation> {
  const { resource, verb, field, permission } = askedPermission(platform.registry, question.permission)
  const found = await principalOf(platform, question.principal)
  // Who signed up without a name would be nobody in the sentence.
  const asker = found.name === '' ? { ...found, name: found.id } : found
  const about = { permission: question.permission, id: question.id ?? null }
  const who = { kind: asker.kind, id: asker.id, name: asker.name }
  let tenant: Tenant
  let principal: Principal
  try {
    tenant = await platform.tenants.choose(asker, question.tenant, platform.database)
    principal = await enterTenant(platform, asker, tenant)
    refuseInactive(tenant, verb === 'read')
  } catch (error) {
    if (!PlinthError.is(error) || error.status >= 500) throw error
    return { ...about, principal: who, tenant: null, ...refusedByTenant(asker, question.tenant, error) }
  }
  const rule = principal.permissions.condition(permission)
  const held = principal.permissions.roles.scopes(permission)
  // A right to a field shows no row.
  const reading = platform.registry.permissions.numberOf(resource.name, 'read')!
  const seeing = visibleTo(principal.permissions, reading, field === undefined ? rule : never)
  const scope = scopeOf(platform, { principal, tenant, requestId: randomUUID() })
  const asked: Asked = {
    principal,
    tenant,
    resource,
    verb,
    field,
    rule,
    held,
    byRoles: principal.permissions.roles.condition(permission),
    roles: await rolesHolding(platform, principal, tenant, permission),
    facts: scope.facts,
    name: question.permission,
  }
  const session = sessionOf(platform, scope)
  const row =
    rule.kind === 'never' || question.id === undefined
      ? undefined
      : await session.read({ resource, id: question.id, visible: always, view: openView(resource) })
  const told =
    rule.kind === 'never'
      ? withoutPermission(asked)
      : question.id === undefined
        ? withoutRow(asked)
        : await overRow(asked, seeing, session, row, { id: question.id, readable: question.readable })
  const hidden = told.answer === 'not_found'
  const verdict = await withBeside(platform, session, told, {
    principal,
    resource,
    permission: hidden ? reading : permission,
    name: hidden ? `${resource.name}:read` : question.permission,
    facts: scope.facts,
    row,
    readable: question.readable,
  })
  const fresh = resource.actions.find((action) => action.name === verb)?.fresh
  const settled = withFreshness(verdict, principal, {
    fresh,
    permitted: rule.kind !== 'never',
    now: platform.clock.now(),
  })
  return { ...about, principal: who, tenant: { id: tenant.id, slug: tenant.slug }, ...settled }
}

function sessionOf({ database, registry }: Platform, scope: Scope): Session {
  return withBuiltInRows(database.session(scope), registry, scope.facts)
}

interface Asked {
  readonly principal: Principal
  readonly tenant: Tenant
  readonly resource: ResourceInfo
  readonly verb: string
  /** The restricted field that is asked about. */
  readonly field: string | undefined
  readonly name: string
  readonly rule: Condition
  readonly held: readonly PermissionScope[]
  /** What roles say without anything beside. */
  readonly byRoles: Condition
  /** Those of its roles that give it the permission; empty for a principal whose rights come from elsewhere. */
  readonly roles: readonly string[]
  readonly facts: Facts
}

/** Each role alone: together they say what is held, one by one from where. */
async function rolesHolding(
  platform: Platform,
  { roles = [] }: Principal,
  tenant: Tenant,
  permission: number,
): Promise<readonly string[]> {
  const holding: string[] = []
  for (const role of roles) {
    const set = await platform.roles.permissionsOf(tenant.id, [role])
    if (set.holds(permission)) holding.push(role)
  }
  return holding
}

async function principalOf(platform: Platform, asked: Principal | string): Promise<Principal> {
  if (typeof asked !== 'string') return asked
  const sources = platform.registry.features.flatMap((feature) => feature.slots?.principals ?? [])
  const names: string[] = []
  for (const source of sources) {
    const prefix = `${source.kind}:`
    const found = await source.find(asked.startsWith(prefix) ? asked.slice(prefix.length) : asked)
    if (found) return found
    names.push(...(await source.names()).slice(0, 20).map((name) => `${prefix}${name}`))
  }
  const known = names.length === 0 ? 'No feature of this platform knows any.' : `There are: ${names.join(', ')}.`
  throw problem('validation_failed', { detail: `There is no principal '${asked}'. ${known}` })
}

function refusedByTenant(principal: Principal, wanted: string | undefined, error: PlinthError): Verdict {
  const of = wanted ?? principal.tenant
  const words =
    error.code === 'tenant_required'
      ? `${principal.name} belongs to no tenant by itself, and none was named`
      : error.code === 'tenant_suspended'
        ? (error.detail ?? error.title).replace(/\.$/, '')
        : `tenant ${of ?? ''} is none of ${principal.name}, or there is no such tenant`
  return {
    decision: 'denied',
    answer: error.code,
    decidedBy: 'tenant',
    sentence: `Denied: ${words}.`,
    rules: [{ source: 'tenant', name: of ?? 'none', effect: 'refuses' }],
  }
}

function tenantRule({ tenant }: Asked): AccessRule {
  return { source: 'tenant', name: tenant.slug, effect: 'admits' }
}

/** Where what is held comes from. */
function roleRules({ roles }: Asked): AccessRule[] {
  return roles.map((name) => ({ source: 'role', name, effect: 'admits' }))
}

/** `ada holds site:update:own by the role developer`. */
function holding(asked: Asked): string {
  const { principal, roles } = asked
  const by = roles.length === 0 ? '' : ` by the role${roles.length === 1 ? '' : 's'} ${roles.join(' and ')}`
  return `${principal.name} holds ${scopeNames(asked)}${by}`
}

function withoutPermission(asked: Asked): Verdict {
  const { principal } = asked
  const having =
    principal.roles && principal.roles.length > 0
      ? `, who has the role${principal.roles.length === 1 ? '' : 's'} ${principal.roles.join(' and ')},`
      : ''
  return {
    decision: 'denied',
    answer: 'permission_denied',
    decidedBy: 'scope',
    sentence: `Denied: ${principal.name}${having} does not hold ${asked.name} in any scope.`,
    rules: [
      tenantRule(asked),
      ...(principal.roles ?? []).map((name): AccessRule => ({
        source: 'role',
        name,
        effect: asked.roles.includes(name) ? 'admits' : 'refuses',
      })),
      {
        source: 'scope',
        name: asked.name,
        effect: 'refuses',
        explanation: explainFor(asked.resource, never, asked.facts),
      },
    ],
  }
}

function scopeNames({ name, held }: Asked): string {
  return held.length === 0 ? `${name} in no scope` : held.map((scope) => `${name}:${scope}`).join(', ')
}

/** What the scopes of roles alone say, whatever else has a say. */
function scopeRule(asked: Asked, row: RawRow | undefined): AccessRule {
  const explanation = explainFor(asked.resource, asked.byRoles, asked.facts, row)
  const { verdict } = explanation
  const effect = verdict === 'true' ? 'admits' : verdict === 'depends' ? 'narrows' : 'refuses'
  return { source: 'scope', name: scopeNames(asked), effect, explanation }
}

function withoutRow(asked: Asked): Verdict {
  // Who creates a row owns it, and may give it to a group of his: the rule is asked of the row that would come to be.
  const row: RawRow | undefined =
    asked.verb === 'create'
      ? { ownerUserId: asked.facts.userId, ownerGroupId: asked.facts.groupIds[0] ?? null }
      : undefined
  const explanation = explainFor(asked.resource, asked.rule, asked.facts, row)
  const { verdict } = explanation
  const decision = verdict === 'true' ? 'allowed' : verdict === 'depends' ? 'depends' : 'denied'
  return {
    decision,
    answer: decision === 'denied' ? 'permission_denied' : null,
    decidedBy: 'scope',
    sentence: sentenceOf(decision, asked, explanation),
    rules: [tenantRule(asked), ...roleRules(asked), scopeRule(asked, row)],
  }
}

function sentenceOf(decision: Verdict['decision'], asked: Asked, explanation: Explanation): string {
  const holds = holding(asked)
  if (decision === 'allowed') return `Allowed: ${holds}, for every row of tenant ${asked.tenant.slug}.`
  return decision === 'depends'
    ? `It depends on the row: ${holds}. ${explanation.sentence}`
    : `Denied: ${holds}, and no row can be in it. ${explanation.sentence}`
}

async function overRow(
  asked: Asked,
  seeing: Condition,
  session: Session,
  row: RawRow | undefined,
  { id, readable }: { readonly id: string; readonly readable: ReadableEntries | undefined },
): Promise<Verdict> {
  const { principal, resource, tenant, facts } = asked
  if (!row)
    return {
      decision: 'denied',
      answer: 'not_found',
      decidedBy: 'row',
      sentence: `Denied: tenant ${tenant.slug} has no ${resource.name} ${id}.`,
      rules: [tenantRule(asked), { source: 'row', name: id, effect: 'refuses' }],
    }
  const found = await entriesFor(session, [...listedIn(seeing), ...listedIn(asked.rule)], [row['id'] ?? null])
  const entries = await withheldFrom(readable, found)
  const seen = explainFor(resource, seeing, facts, row, entries)
  const may = explainFor(resource, asked.rule, facts, row, entries)
  const visible = seen.verdict === 'true'
  const allowed = visible && may.verdict === 'true'
  const rules: AccessRule[] = [tenantRule(asked), ...roleRules(asked)]
  // To whom a row is not shown, it is not there.
  if (!visible) rules.push({ source: 'scope', name: `${resource.name}:read`, effect: 'refuses', explanation: seen })
  rules.push(scopeRule(asked, row))
  return {
    decision: allowed ? 'allowed' : 'denied',
    answer: allowed ? null : visible ? 'permission_denied' : 'not_found',
    decidedBy: 'scope',
    sentence: allowed
      ? `Allowed: ${holding(asked)}. ${may.sentence}`
      : visible
        ? `Denied: ${principal.name} may see this ${resource.name}, but not ${asked.verb} ${asked.field === undefined ? 'it' : `its ${asked.field}`}. ${may.sentence}`
        : `Denied: ${principal.name} may not see this ${resource.name}, so the answer is that there is none. ${seen.sentence}`,
    rules,
  }
}
