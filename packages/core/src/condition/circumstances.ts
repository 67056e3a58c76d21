/** What is known of who asks, and where, beside the ids that scopes compare with: for policies. */
export interface Circumstances {
  /** `user`, `service` or `apiKey`. */
  readonly principalKind: string
  /** Names of the roles that it has in the tenant; of a key those of the key. */
  readonly roles: readonly string[]
  /** `cookie`, `bearer` or `apiKey`; null where it came in by none of these. */
  readonly credential: string | null
  /** Whether a second factor stands behind it. */
  readonly secondFactor: boolean | null
  readonly tenantId: string
  readonly tenantSlug: string
  /** `active` or `suspended`. */
  readonly tenantStatus: string
  readonly tenantPlan: string | null
  readonly tenantTier: string | null
}

/** Facts that `factIs` compares. Of `role` and `group` there may be several: `eq` asks for one of them, `ne` for none. */
export const factNames = [
  'principalKind',
  'principalId',
  'userId',
  'role',
  'group',
  'credential',
  'secondFactor',
  'tenantId',
  'tenantSlug',
  'tenantStatus',
  'tenantPlan',
  'tenantTier',
] as const
export type PolicyFact = (typeof factNames)[number]
