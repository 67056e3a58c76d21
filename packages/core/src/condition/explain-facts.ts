import type { PolicyFact } from './circumstances.ts'
import type { FactCondition } from './condition.ts'
import type { ExplainedTruth, ExplainOptions } from './explain.ts'
import { asAdjective, quoted, wordsOf } from './explain-text.ts'
import { factOf } from './fact-truth.ts'

const names: Readonly<Record<PolicyFact, string>> = {
  principalKind: 'the kind of whoever asks',
  principalId: 'the id of whoever asks',
  userId: 'the asking user',
  role: 'a role of whoever asks',
  group: 'a group of whoever asks',
  credential: 'the credential that was shown',
  secondFactor: 'whether a second factor was shown',
  tenantId: 'the id of the tenant',
  tenantSlug: 'the name of the tenant',
  tenantStatus: 'the status of the tenant',
  tenantPlan: 'the plan of the tenant',
  tenantTier: 'the tier of the tenant',
}

/** What is asked of a fact: `the plan of the tenant is "pro"`. */
export function factRule({ fact, op, value }: FactCondition): string {
  return `${names[fact]} ${wordsOf('text')[op]} ${quoted(value)}`
}

/** Why it is so, or not. */
export function factReason(
  { fact, op, value }: FactCondition,
  truth: ExplainedTruth,
  { facts }: ExplainOptions,
): string {
  const name = names[fact]
  const known = facts && factOf(fact, facts)
  if (truth === 'unknown' || known === undefined || known === null)
    return `${name} is not known, so the comparison with ${quoted(value)} is unknown`
  const holding = truth === 'true'
  if (typeof known === 'object')
    return (op === 'eq') === holding
      ? `${name} is ${quoted(value)}`
      : `${name.replace(/^a /, 'no ')} is ${quoted(value)}`
  if (op !== 'eq' && op !== 'ne')
    return `${name} is ${quoted(known)}, which ${holding ? 'is' : 'is not'} ${asAdjective(wordsOf('text')[op].replace(/^is /, ''))} ${quoted(value)}`
  return (op === 'eq') === holding ? `${name} is ${quoted(known)}` : `${name} is ${quoted(known)}, not ${quoted(value)}`
}
