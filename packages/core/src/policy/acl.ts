import type { ListedCondition } from '../condition/condition.ts'
import type { PermissionNumbers } from './permission-set.ts'

export const subjectKinds = ['user', 'group', 'role', 'service', 'apiKey'] as const
export type SubjectKind = (typeof subjectKinds)[number]
export type AclEffect = ListedCondition['effect']

/** `user:0193a2b4-…`: how a subject is named where entries of the ACL are looked up. */
export function subjectOf(kind: SubjectKind, id: string): string {
  return `${kind}:${id}`
}

/** One entry as it bears on one row. */
export interface AclEntry {
  readonly id: string
  readonly model: string
  /** `*` is every action of the model. */
  readonly action: string
  /** Null is every row. */
  readonly recordId: string | null
  readonly subject: string
  readonly effect: AclEffect
}

/** One as it is explained. */
export interface ExplainedEntry extends AclEntry {
  /** Whoever reads the explanation may not read the entry: it is told without its id and of whom it speaks. */
  readonly withheld?: boolean
}

/** Which entries of the ACL are meant. */
export interface AclOperation {
  readonly models: readonly string[]
  readonly subjects: readonly string[]
  /** Ids of rows, as PostgreSQL prints them. */
  readonly recordIds: readonly string[]
  /** Those about every row as well. */
  readonly everything?: true
}

/** What entries of a tenant say of one subject: one of these, however many rows they name. */
export interface AclSaying {
  readonly subject: string
  readonly model: string
  readonly action: string
  readonly effect: AclEffect
  /** Of every row; else of single ones, which only the table knows. */
  readonly everything: boolean
  /** Of more than {@link MANY_ROWS} of them. */
  readonly many?: boolean
}

/** Whether an entry (or a summary of some) is about what a condition asks. */
export function concerns(
  { subject, model, action, effect }: Pick<AclEntry, 'subject' | 'model' | 'action' | 'effect'>,
  asked: ListedCondition,
): boolean {
  return (
    effect === asked.effect &&
    model === asked.model &&
    (action === '*' || action === asked.action) &&
    asked.subjects.includes(subject)
  )
}

/** Whether single rows can be named: not one that is not there yet. */
export function isAboutRows(action: string): boolean {
  return action !== 'create'
}

/**
 * From how many rows on a list is read in its own order and each row asked about, instead of the rows being gathered and sorted.
 * Measured with 10,000 of 12,000 rows: gathering them took PostgreSQL 20 ms a page.
 */
export const MANY_ROWS = 1_000

/** What is said of one permission. */
export const aclBits = { denyAll: 1, allowAll: 2, denyRows: 4, allowRows: 8, allowMany: 16 } as const

export type AclMasks = ReadonlyMap<number, number>

const none: AclMasks = new Map()
const compiled = new WeakMap<readonly AclSaying[], { readonly numbers: PermissionNumbers; readonly masks: AclMasks }>()

/** By permission number. What is said of a model or an action that is gone since says nothing. Made once for each answer of the database. */
export function aclMasks(numbers: PermissionNumbers, sayings: readonly AclSaying[] | undefined): AclMasks {
  if (!sayings || sayings.length === 0) return none
  const known = compiled.get(sayings)
  if (known?.numbers === numbers) return known.masks
  const masks = new Map<number, number>()
  for (const { model, action, effect, everything, many } of sayings) {
    const bit = everything
      ? effect === 'deny'
        ? aclBits.denyAll
        : aclBits.allowAll
      : effect === 'deny'
        ? aclBits.denyRows
        : aclBits.allowRows | (many === true ? aclBits.allowMany : 0)
    for (const [verb, number] of numbers.ofModel(model)) {
      if (action !== '*' && action !== verb) continue
      if (!everything && !isAboutRows(verb)) continue
      masks.set(number, (masks.get(number) ?? 0) | bit)
    }
  }
  compiled.set(sayings, { numbers, masks })
  return masks
}
