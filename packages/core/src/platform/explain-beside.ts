import type { Principal } from '../auth/principal.ts'
import type { Facts } from '../condition/condition.ts'
import type { Explanation } from '../condition/explain.ts'
import { entriesFor, listedIn } from '../condition/settle-listed.ts'
import type { ExplainedEntry } from '../policy/acl.ts'
import { Decisions } from '../policy/decisions.ts'
import type { RawRow, Session } from '../ports/database.ts'
import { explainFor } from '../resource/explain-for.ts'
import type { ResourceInfo } from '../resource/resource-info.ts'
import type { AccessRule, ReadableEntries, Verdict } from './access-explanation.ts'
import { entryRule, entryWords, withheldFrom } from './explain-entries.ts'
import type { Platform } from './platform.ts'

/** What is asked of whom, over which row. */
export interface Matter {
  readonly principal: Principal
  readonly resource: ResourceInfo
  /** Number and name of the permission that decided. */
  readonly permission: number
  readonly name: string
  readonly facts: Facts
  readonly row: RawRow | undefined
  readonly readable: ReadableEntries | undefined
}

/**
 * Puts in what has a say beside roles (a role that is always allowed, entries of the ACL, policies), each in its place of the order of
 * decision, and says so where one of them decided. Entries that the reader may read are named by their ids, so that he finds them.
 */
export async function withBeside(
  platform: Platform,
  session: Session,
  verdict: Verdict,
  matter: Matter,
): Promise<Verdict> {
  const { principal, permission } = matter
  const { permissions } = principal
  if (verdict.decidedBy !== 'scope' || !(permissions instanceof Decisions)) return verdict
  const [model, action] = platform.registry.permissions.partsOf(permission)
  const always = (principal.roles ?? []).filter((role) => {
    const allowed = platform.roles.alwaysAllowed?.([role])
    return allowed === 'everything' || (allowed?.has(model) ?? false)
  })
  const entries = await saidOf(platform, session, permissions, matter, model, action)
  const policies = (platform.registry.policies.get(permission) ?? []).map(({ name, when }) => ({
    name,
    explanation: explainFor(matter.resource, when, matter.facts, matter.row),
  }))
  const denials = entries.filter(({ effect }) => effect === 'deny')
  const allowances = entries.filter(({ effect }) => effect === 'allow')
  const [tenant, ...others] = verdict.rules
  const rules: readonly AccessRule[] = [
    ...(tenant ? [tenant] : []),
    ...always.map((name): AccessRule => ({ source: 'always allowed', name, effect: 'admits' })),
    ...denials.map((entry) => entryRule(entry, always.length === 0)),
    ...others,
    ...allowances.map((entry) => entryRule(entry, true)),
    ...policies.map(({ name, explanation }) => policyRule(name, explanation)),
  ]
  const decisive = policies.find(({ explanation: { verdict: truth } }) => truth === 'false' || truth === 'unknown')
  if (verdict.decision === 'denied' && decisive && (await otherwiseAllowed(session, permissions, matter)))
    return {
      ...verdict,
      rules,
      decidedBy: 'policy',
      sentence: `Denied by the policy '${decisive.name}'. ${decisive.explanation.sentence}`,
    }
  const [denial] = denials
  if (verdict.decision === 'denied' && denial && always.length === 0) {
    const hidden = verdict.answer === 'not_found' ? ', so the answer is that there is none' : ''
    return {
      ...verdict,
      rules,
      decidedBy: 'acl deny',
      sentence: `Denied: ${entryWords(denial, matter.name)}${hidden}.`,
    }
  }
  if (verdict.decision !== 'allowed') return { ...verdict, rules }
  const [role] = always
  if (role !== undefined)
    return {
      ...verdict,
      rules,
      decidedBy: 'always allowed',
      sentence: `Allowed: ${principal.name} has the role ${role}, which is always allowed.`,
    }
  const byRoles = explainFor(matter.resource, permissions.roles.condition(permission), matter.facts, matter.row)
  const [allowance] = allowances
  if (byRoles.verdict === 'true' || !allowance) return { ...verdict, rules }
  const sentence = `Allowed: ${entryWords(allowance, matter.name)}; no role of ${principal.name} does.`
  return { ...verdict, rules, decidedBy: 'acl allow', sentence }
}

async function saidOf(
  { registry }: Platform,
  session: Session,
  { subjects }: Decisions,
  { row, readable }: Matter,
  model: string,
  action: string,
): Promise<readonly ExplainedEntry[]> {
  if (!registry.acl || subjects.length === 0) return []
  const recordIds = row?.['id'] == null ? [] : [String(row['id'])]
  const found = await session.aclEntries({ models: [model], subjects, recordIds, everything: true })
  return withheldFrom(
    readable,
    found.filter((entry) => entry.action === '*' || entry.action === action),
  )
}

async function otherwiseAllowed(
  session: Session,
  permissions: Decisions,
  { permission, resource, facts, row }: Matter,
): Promise<boolean> {
  const condition = permissions.beforePolicies(permission)
  const entries = row ? await entriesFor(session, listedIn(condition), [row['id'] ?? null]) : undefined
  const { verdict } = explainFor(resource, condition, facts, row, entries)
  return verdict === 'true' || verdict === 'depends'
}

function policyRule(name: string, explanation: Explanation): AccessRule {
  const { verdict } = explanation
  const effect = verdict === 'true' ? 'admits' : verdict === 'depends' ? 'narrows' : 'refuses'
  return { source: 'policy', name, effect, explanation }
}
