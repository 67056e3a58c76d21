import type { Principal, PrincipalKind } from '../auth/principal.ts'
import type { Explanation } from '../condition/explain.ts'

export interface AccessQuestion {
  /** `site:update`, without a scope. */
  readonly permission: string
  /** A principal, or the name of one that a feature knows (`ci-bot`, `service:ci-bot`). */
  readonly principal: Principal | string
  /** Id or slug; needed where the principal belongs to none. */
  readonly tenant?: string | undefined
  /** One row; without it the rule itself is explained. */
  readonly id?: string | undefined
  /**
   * Which of these entries of the ACL whoever reads the explanation may read; the others are told without id and subject. Left out: all.
   */
  readonly readable?: ReadableEntries | undefined
}

export type ReadableEntries = (ids: readonly string[]) => Promise<ReadonlySet<string>>

/** Where a rule comes from, in the order of decision. */
export type AccessRuleSource =
  | 'tenant'
  | 'always allowed'
  | 'acl deny'
  | 'role'
  | 'scope'
  | 'acl allow'
  | 'policy'
  | 'sign-in'
  | 'row'

/** One rule that had a say. */
export interface AccessRule {
  readonly source: AccessRuleSource
  /** What it is called where it is kept: `site:update:own`. */
  readonly name: string
  /** `admits` and `refuses` decide; `narrows` leaves it to the row. */
  readonly effect: 'admits' | 'refuses' | 'narrows'
  readonly explanation?: Explanation
  /** Of an entry of the ACL that the reader may read: of whom it speaks, and of which row; null is every one. */
  readonly entry?: { readonly subject: string; readonly recordId: string | null }
}

/** Whether somebody may do something, and which rule decided. Plain data, made for JSON. */
export interface AccessExplanation {
  readonly permission: string
  readonly principal: { readonly kind: PrincipalKind; readonly id: string; readonly name: string }
  readonly tenant: { readonly id: string; readonly slug: string } | null
  readonly id: string | null
  /** `depends`: on the row. */
  readonly decision: 'allowed' | 'denied' | 'depends'
  /** The error code that a request would be answered with; null where it is allowed or depends. */
  readonly answer: string | null
  readonly decidedBy: AccessRuleSource
  /** One sentence for a support person. */
  readonly sentence: string
  /** All rules that were asked, in the order of decision. */
  readonly rules: readonly AccessRule[]
}

/** What is found out step by step. */
export type Verdict = Pick<AccessExplanation, 'decision' | 'answer' | 'decidedBy' | 'sentence' | 'rules'>
