import { concerns } from '../policy/acl.ts'
import { asAdjective, quoted, wordsOf } from './explain-text.ts'
import { factReason, factRule } from './explain-facts.ts'
import { isNullish } from './comparable.ts'
import type { Condition, FactName, Scalar } from './condition.ts'
import type { ExplainedTruth, ExplainOptions } from './explain.ts'

/** A condition without parts. */
export type LeafCondition = Exclude<Condition, { readonly kind: 'and' | 'or' | 'not' }>
type ListedLeaf = Extract<LeafCondition, { readonly kind: 'listed' }>
type FieldLeaf = Extract<LeafCondition, { readonly field: string }>
type CompareLeaf = Extract<LeafCondition, { readonly kind: 'compare' }>

const WITHHELD = 'a value that is withheld'
const askers: Readonly<Record<FactName, string>> = { userId: 'the asking user', principalId: 'whoever asks' }

/** What a leaf asks: `status is "live"`. */
export function ruleOf(leaf: LeafCondition, { field }: ExplainOptions): string {
  if (leaf.kind === 'always') return 'every row'
  if (leaf.kind === 'never') return 'no row'
  if (leaf.kind === 'fact') return factRule(leaf)
  if (leaf.kind === 'listed')
    return `an entry of the ACL ${effects[leaf.effect]} ${leaf.model}:${leaf.action} on this row`
  const { kind, confidential } = field(leaf.field)
  switch (leaf.kind) {
    case 'isNull':
      return `${leaf.field} is null`
    case 'inGroups':
      return `${leaf.field} is one of the asker's groups`
    case 'contains':
      return `${leaf.field} contains ${confidential ? WITHHELD : quoted(leaf.text)}`
    case 'in':
      if (leaf.values.length === 0) return `${leaf.field} is one of no values`
      return `${leaf.field} is one of ${confidential ? 'values that are withheld' : listed(leaf.values)}`
    case 'compare':
      return `${leaf.field} ${wordsOf(kind)[leaf.op]} ${wanted(leaf, confidential)}`
  }
}

function wanted(leaf: CompareLeaf, confidential: boolean): string {
  if ('fact' in leaf.with) return askers[leaf.with.fact]
  return confidential ? WITHHELD : quoted(leaf.with.value)
}

/** Why a leaf holds or does not; undefined where only a row or a principal could tell. */
export function reasonOf(leaf: LeafCondition, truth: ExplainedTruth, options: ExplainOptions): string | undefined {
  if (truth === 'depends') return undefined
  if (leaf.kind === 'always') return 'every row is admitted'
  if (leaf.kind === 'never') return 'no row is admitted'
  if (leaf.kind === 'listed') return saidOf(leaf, truth, options)
  if (leaf.kind === 'fact') return factReason(leaf, truth, options)
  return withoutRow(leaf, options) ?? withRow(leaf, truth, options)
}

const effects = { allow: 'allows', deny: 'denies' } as const

/** Names the entries, so that whoever reads it can find and change them; those that are withheld it only counts. */
function saidOf(leaf: ListedLeaf, truth: ExplainedTruth, { entries = [] }: ExplainOptions): string {
  const permission = `${leaf.model}:${leaf.action}`
  if (truth !== 'true') return `no entry of the ACL ${effects[leaf.effect]} ${permission} on this row`
  const said = entries.filter((entry) => concerns(entry, leaf))
  const named = said.filter(({ withheld }) => withheld !== true)
  if (named.length === 0)
    return said.length === 1
      ? `an entry of the ACL ${effects[leaf.effect]} ${permission} on this row`
      : `entries of the ACL ${leaf.effect} ${permission} on this row`
  const shown = named.slice(0, SHOWN_VALUES).map(({ id, subject }) => `${id} (to ${subject})`)
  const more = said.length > shown.length ? ` and ${said.length - shown.length} more` : ''
  return said.length === 1
    ? `the ACL entry ${shown[0]!} ${effects[leaf.effect]} ${permission} on this row`
    : `the ACL entries ${shown.join(', ')}${more} ${leaf.effect} ${permission} on this row`
}

/** The reasons that no row would change. */
function withoutRow(leaf: FieldLeaf, { facts, field }: ExplainOptions): string | undefined {
  if (leaf.kind === 'in' && leaf.values.length === 0) return `${leaf.field} can be none of no values`
  if (leaf.kind === 'inGroups' && facts?.groupIds.length === 0) return 'whoever asks is in no group'
  if (leaf.kind !== 'compare') return undefined
  if ('fact' in leaf.with) {
    if (facts === undefined || facts[leaf.with.fact] !== null) return undefined
    const missing = leaf.with.fact === 'userId' ? 'whoever asks is no user' : 'nobody asks'
    return `${missing}, so the comparison with ${leaf.field} is unknown`
  }
  // That a confidential field is compared with null says nothing about the field.
  if (leaf.with.value !== null) return undefined
  return `${leaf.field} is compared with ${field(leaf.field).confidential ? WITHHELD : 'null'}, which is unknown`
}

function withRow(leaf: FieldLeaf, truth: ExplainedTruth, options: ExplainOptions): string {
  const value = options.value?.(leaf.field)
  if (leaf.kind === 'isNull') return `${leaf.field} is ${truth === 'true' ? 'null' : 'not null'}`
  const holding = truth === 'true'
  if (options.field(leaf.field).confidential) {
    // One wording for NULL in the row and NULL in the list: which of both it is depends on the value.
    if (truth === 'unknown')
      return `the value of ${leaf.field}, which is withheld, is compared with null or is null, so the comparison is unknown`
    return `the value of ${leaf.field}, which is withheld, ${holding ? 'fits' : 'does not fit'}`
  }
  if (isNullish(value)) return `${leaf.field} is null, so the comparison is unknown`
  // Neither the value nor the fact is null: it is a list with null in it.
  if (truth === 'unknown')
    return `${leaf.field} is none of the values listed, but null is among them, so the comparison is unknown`
  const found = `${leaf.field} is`
  switch (leaf.kind) {
    case 'in':
      return `${found} ${quoted(value)}, ${holding ? 'one' : 'none'} of ${listed(leaf.values)}`
    case 'inGroups':
      return `${found} ${quoted(value)}, ${holding ? 'one' : 'none'} of the asker's groups`
    case 'contains':
      return `${found} ${quoted(value)}, which ${holding ? 'contains' : 'does not contain'} ${quoted(leaf.text)}`
    case 'compare':
      return compared(leaf, value, holding, options)
  }
}

function compared(leaf: CompareLeaf, value: unknown, holding: boolean, { facts, field }: ExplainOptions): string {
  const other = 'value' in leaf.with ? quoted(leaf.with.value) : factWords(leaf.with.fact, facts?.[leaf.with.fact])
  const is = `${leaf.field} is ${quoted(value)}`
  if ((leaf.op === 'eq' && holding) || (leaf.op === 'ne' && !holding))
    return 'fact' in leaf.with ? `${leaf.field} is ${other}` : is
  if (leaf.op === 'eq' || leaf.op === 'ne') return `${is}, not ${other}`
  const than = wordsOf(field(leaf.field).kind)[leaf.op].replace(/^is /, '')
  return `${is}, which ${holding ? 'is' : 'is not'} ${asAdjective(than)} ${other}`
}

function factWords(fact: FactName, value: string | null | undefined): string {
  return `${askers[fact]} ${quoted(value)}`
}

const SHOWN_VALUES = 5

function listed(values: readonly Scalar[]): string {
  const shown = values.slice(0, SHOWN_VALUES).map(quoted).join(', ')
  return values.length > SHOWN_VALUES ? `${shown} and ${values.length - SHOWN_VALUES} more` : shown
}
