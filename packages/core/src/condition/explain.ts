import { concerns, type ExplainedEntry } from '../policy/acl.ts'
import type { ComparableKind } from './comparable.ts'
import type { Condition, Facts } from './condition.ts'
import { factTruth } from './fact-truth.ts'
import { holds, type ConditionRow } from './holds.ts'
import { reasonOf, ruleOf, type LeafCondition } from './explain-words.ts'

/** As in SQL, and `depends` where no row (or no principal) was given and the answer is another one for another. */
export type ExplainedTruth = 'true' | 'false' | 'unknown' | 'depends'

/** What an explanation may say about a field. */
export interface ExplainedField {
  readonly kind: ComparableKind
  /** Secret, hidden or personal: neither its value nor what it is compared with is ever written. */
  readonly confidential: boolean
}

export interface ExplainOptions {
  readonly field: (name: string) => ExplainedField
  /** Facts about the principal that asks; without them a rule about "the asking user" depends on who asks. */
  readonly facts?: Facts | undefined
  /**
   * The entries of the ACL that name the row, for whoever is asked about; needed with a row and a condition that asks the ACL. Those
   * that are about something else are left aside.
   */
  readonly entries?: readonly ExplainedEntry[] | undefined
  /** The value of a field in the row that is explained; without it the rule itself is explained. */
  readonly value?: ConditionRow['value'] | undefined
}

/** One part of a condition: what it asks, whether it holds, and why. Plain data, made for JSON. */
export interface ExplainedPart {
  readonly kind: Condition['kind']
  readonly truth: ExplainedTruth
  /** What is asked: `status is "live"`. */
  readonly rule: string
  /** Why it is as `truth` says: `status is "draft", not "live"`. Only of a part that has no parts. */
  readonly reason?: string
  readonly field?: string
  /** The value is withheld: the field is secret, hidden or personal. */
  readonly withheld?: true
  readonly parts: readonly ExplainedPart[]
}

/** A condition as a person reads it. */
export interface Explanation {
  /** Whether the row is admitted; only `true` admits. */
  readonly verdict: ExplainedTruth
  /** One sentence for a support person. The same input gives the same words. */
  readonly sentence: string
  readonly tree: ExplainedPart
}

/** Which truths a part may have; a row and a principal leave exactly one. */
interface Possible {
  readonly true: boolean
  readonly false: boolean
  readonly unknown: boolean
}

interface Weighed {
  readonly part: ExplainedPart
  readonly possible: Possible
}

/**
 * The fourth reader of a condition. Each leaf asks `holds`, and the parts are put together with SQL's three truth values, so an
 * explanation never says anything else than what the other readers did (a test compares them with `holds` and with SQL).
 *
 * Whether a part holds is told of every field; the value, and what it is compared with, only of fields that are not
 * confidential: an explanation reads the same whatever a confidential field holds, as long as the same parts hold.
 */
export function explain(condition: Condition, options: ExplainOptions): Explanation {
  const { part } = weigh(condition, options)
  return { verdict: part.truth, sentence: sentenceOf(part), tree: part }
}

function weigh(condition: Condition, options: ExplainOptions): Weighed {
  switch (condition.kind) {
    case 'and':
    case 'or': {
      const weighed = condition.of.map((part) => weigh(part, options))
      const possible = condition.kind === 'and' ? allOf(weighed) : anyOf(weighed)
      const parts = weighed.map(({ part }) => part)
      return {
        possible,
        part: { kind: condition.kind, truth: truthOf(possible), rule: joined(condition.kind, parts), parts },
      }
    }
    case 'not': {
      const inner = weigh(condition.of, options)
      const possible = { true: inner.possible.false, false: inner.possible.true, unknown: inner.possible.unknown }
      const rule = `not ${inner.part.parts.length > 1 ? inner.part.rule : `(${inner.part.rule})`}`
      return { possible, part: { kind: 'not', truth: truthOf(possible), rule, parts: [inner.part] } }
    }
    default:
      return weighLeaf(condition, options)
  }
}

function weighLeaf(leaf: LeafCondition, options: ExplainOptions): Weighed {
  const possible = possibleOf(leaf, options)
  const truth = truthOf(possible)
  const name = 'field' in leaf ? leaf.field : undefined
  const field = name === undefined ? undefined : options.field(name)
  const reason = reasonOf(leaf, truth, options)
  return {
    possible,
    part: {
      kind: leaf.kind,
      truth,
      rule: ruleOf(leaf, options),
      ...(reason === undefined ? {} : { reason }),
      ...(name === undefined ? {} : { field: name }),
      ...(field?.confidential ? { withheld: true as const } : {}),
      parts: [],
    },
  }
}

const certainly = {
  true: { true: true, false: false, unknown: false },
  false: { true: false, false: true, unknown: false },
  unknown: { true: false, false: false, unknown: true },
} as const satisfies Record<string, Possible>
const anything: Possible = { true: true, false: true, unknown: true }

function possibleOf(leaf: LeafCondition, options: ExplainOptions): Possible {
  const { facts, value } = options
  if (leaf.kind === 'always') return certainly.true
  if (leaf.kind === 'never') return certainly.false
  // Some have one answer whatever the row and whoever asks.
  if (leaf.kind === 'in' && leaf.values.length === 0) return certainly.false
  if (leaf.kind === 'compare' && 'value' in leaf.with && leaf.with.value === null) return certainly.unknown
  const aboutAsker = leaf.kind === 'inGroups' || (leaf.kind === 'compare' && 'fact' in leaf.with)
  if (aboutAsker && facts === undefined) return anything
  if (leaf.kind === 'inGroups' && facts?.groupIds.length === 0) return certainly.false
  if (leaf.kind === 'compare' && 'fact' in leaf.with && facts?.[leaf.with.fact] === null) return certainly.unknown
  if (leaf.kind === 'fact') {
    if (facts === undefined) return anything
    const truth = factTruth(leaf, facts)
    return truth === null ? certainly.unknown : truth ? certainly.true : certainly.false
  }
  if (leaf.kind === 'listed') {
    if (value === undefined) return { true: true, false: true, unknown: false }
    if (!options.entries) throw new Error('to explain what the ACL says of a row, its entries must be given')
    return options.entries.some((entry) => concerns(entry, leaf)) ? certainly.true : certainly.false
  }
  if (value === undefined) return leaf.kind === 'isNull' ? { true: true, false: true, unknown: false } : anything
  const row: ConditionRow = { value, kind: (field) => options.field(field).kind }
  const truth = holds(leaf, row, facts ?? nobody)
  return truth === null ? certainly.unknown : truth ? certainly.true : certainly.false
}

/** Stands in where no part asks about the principal. */
const nobody: Facts = { principalId: null, userId: null, groupIds: [] }

/** SQL's AND over what its parts may be: false wins over unknown. */
function allOf(parts: readonly Weighed[]): Possible {
  return {
    true: parts.every(({ possible }) => possible.true),
    false: parts.some(({ possible }) => possible.false),
    unknown:
      parts.some(({ possible }) => possible.unknown) &&
      parts.every(({ possible }) => possible.true || possible.unknown),
  }
}

/** SQL's OR over what its parts may be: true wins over unknown. */
function anyOf(parts: readonly Weighed[]): Possible {
  return {
    true: parts.some(({ possible }) => possible.true),
    false: parts.every(({ possible }) => possible.false),
    unknown:
      parts.some(({ possible }) => possible.unknown) &&
      parts.every(({ possible }) => possible.false || possible.unknown),
  }
}

function truthOf(possible: Possible): ExplainedTruth {
  const truths = (['true', 'false', 'unknown'] as const).filter((truth) => possible[truth])
  return truths.length === 1 ? truths[0]! : 'depends'
}

function joined(kind: 'and' | 'or', parts: readonly ExplainedPart[]): string {
  if (parts.length === 0) return kind === 'and' ? 'every row' : 'no row'
  if (parts.length === 1) return parts[0]!.rule
  return `(${parts.map((part) => part.rule).join(` ${kind} `)})`
}

/** Without the brackets around the whole. */
function bare(part: ExplainedPart): string {
  return (part.kind === 'and' || part.kind === 'or') && part.parts.length > 1 ? part.rule.slice(1, -1) : part.rule
}

function sentenceOf(part: ExplainedPart): string {
  const because = [...new Set(decisive(part))].join('; ')
  switch (part.truth) {
    case 'true':
      return `Admitted: ${because}.`
    case 'false':
      return `Not admitted: ${because}.`
    case 'unknown':
      return `Not admitted: ${because}, and what is unknown admits nothing.`
    case 'depends':
      return `Admitted is a row where: ${bare(part)}.`
  }
}

/** The reasons of the leaves that made a part what it is: of an OR that holds those that hold, of an AND that fails those that fail. */
function decisive(part: ExplainedPart): readonly string[] {
  if (part.parts.length === 0) return [part.reason ?? part.rule]
  const same = part.parts.filter((one) => one.truth === part.truth)
  const deciding = part.kind === 'not' || same.length === 0 ? part.parts : same
  return deciding.flatMap(decisive)
}
