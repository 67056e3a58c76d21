import type { Circumstances, PolicyFact } from './circumstances.ts'

/**
 * A rule about rows as plain data. Permission scopes, policies and list filters all become one, and every reader (SQL,
 * row-level security, memory, explanation) reads the same value, so that they cannot disagree.
 */
export type Scalar = string | number | boolean | null

/** What a condition may compare with: a value, or a fact about the asking principal, filled in when it is read. */
export type Operand = { readonly value: Scalar } | { readonly fact: FactName }

/** Facts about the principal that a rule may use. A missing fact is NULL, and NULL admits nobody. */
export interface Facts {
  readonly principalId: string | null
  readonly userId: string | null
  readonly groupIds: readonly string[]
  /** What policies may ask beside. Where it is not given, all of it is NULL. */
  readonly circumstances?: Circumstances
}
export type FactName = 'principalId' | 'userId'

export type Comparison = 'eq' | 'ne' | 'lt' | 'lte' | 'gt' | 'gte'

export type Condition =
  | { readonly kind: 'always' }
  | { readonly kind: 'never' }
  | { readonly kind: 'and' | 'or'; readonly of: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition }
  | { readonly kind: 'compare'; readonly field: string; readonly op: Comparison; readonly with: Operand }
  | { readonly kind: 'in'; readonly field: string; readonly values: readonly Scalar[] }
  /** The column is one of the principal's groups. */
  | { readonly kind: 'inGroups'; readonly field: string }
  | { readonly kind: 'isNull'; readonly field: string }
  /** The text is part of the column's text, ignoring case. */
  | { readonly kind: 'contains'; readonly field: string; readonly text: string }
  | ListedCondition
  | FactCondition

/** A fact about who asks, or about the tenant, compared with a value: the same for every row. */
export interface FactCondition {
  readonly kind: 'fact'
  readonly fact: PolicyFact
  readonly op: Comparison
  readonly value: Scalar
}

/**
 * An entry of the ACL names this very row, for one of the subjects, this action (or every action of the model) and this effect. Read
 * where the rows are: as SQL; in memory only after `settleListed` has asked which of the rows at hand are named. Never in row-level
 * security, whose text is written once. It is true or false, never unknown.
 */
export interface ListedCondition {
  readonly kind: 'listed'
  readonly effect: 'allow' | 'deny'
  readonly model: string
  readonly action: string
  /** `user:…`, `group:…`, `role:…`, `service:…`, `apiKey:…`. */
  readonly subjects: readonly string[]
  /** So many rows that a list had better ask of each row that it meets than gather them first. It says the same. */
  readonly many?: boolean
}

export const always: Condition = { kind: 'always' }
export const never: Condition = { kind: 'never' }

/** All of them. Empty is `always`; one `never` makes it `never`. */
export function and(...conditions: readonly Condition[]): Condition {
  const of = conditions.filter((condition) => condition.kind !== 'always')
  if (of.some((condition) => condition.kind === 'never')) return never
  return of.length === 0 ? always : of.length === 1 ? of[0]! : { kind: 'and', of }
}

/** Any of them. Empty is `never`; one `always` makes it `always`. */
export function or(...conditions: readonly Condition[]): Condition {
  const of = conditions.filter((condition) => condition.kind !== 'never')
  if (of.some((condition) => condition.kind === 'always')) return always
  return of.length === 0 ? never : of.length === 1 ? of[0]! : { kind: 'or', of }
}

/**
 * Not this. SQL has three truth values: where the inner condition is unknown (NULL in the column), so is its negation, and
 * unknown admits nothing. A negated rule therefore never admits a row whose column is NULL.
 */
export function not(condition: Condition): Condition {
  if (condition.kind === 'always') return never
  if (condition.kind === 'never') return always
  return { kind: 'not', of: condition }
}

export function compare(field: string, op: Comparison, value: Scalar): Condition {
  return { kind: 'compare', field, op, with: { value } }
}

/** Compares a column with a fact about the principal: `compareFact('ownerUserId', 'eq', 'userId')` is the scope `own`. */
export function compareFact(field: string, op: Comparison, fact: FactName): Condition {
  return { kind: 'compare', field, op, with: { fact } }
}

export function oneOf(field: string, values: readonly Scalar[]): Condition {
  return { kind: 'in', field, values }
}

export function inGroups(field: string): Condition {
  return { kind: 'inGroups', field }
}

export function isNull(field: string): Condition {
  return { kind: 'isNull', field }
}

export function listed(
  effect: ListedCondition['effect'],
  model: string,
  action: string,
  subjects: readonly string[],
  many = false,
): ListedCondition {
  return { kind: 'listed', effect, model, action, subjects, ...(many && { many }) }
}

/**
 * Compares a fact about the principal or the tenant with a value: `factIs('tenantPlan', 'eq', 'pro')`, `factIs('secondFactor', 'eq', true)`.
 * Of `role` and `group` there may be several: `eq` asks for one of them, `ne` for none. A fact that is not known is NULL and admits nobody.
 */
export function factIs(fact: PolicyFact, op: Comparison, value: Scalar): FactCondition {
  return { kind: 'fact', fact, op, value }
}

export function contains(field: string, text: string): Condition {
  return { kind: 'contains', field, text }
}
