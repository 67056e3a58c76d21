import { createHash } from 'node:crypto'
import type { StartupFault } from '@plinth/core'
import { keyPattern, type Layer } from '../settings/declaration.ts'
import type { SaidByKey } from '../settings/layer-store.ts'
import { z } from 'zod'

/** Whether a feature is there: for all, for none, or for a share of the people. */
export interface FlagRule {
  readonly enabled: boolean
  /** Of a hundred people, so many have it. Default: all. */
  readonly percentage?: number | undefined
}

/** A feature flag, declared in code. */
export interface FlagDeclaration {
  /** Where nobody says anything. */
  readonly default: boolean
  /** `platform` (default): only the operator switches it, also for single tenants. `tenant`: the tenant may, too. */
  readonly scope?: 'platform' | 'tenant'
  readonly description?: string
}

export type FlagDeclarations = Readonly<Record<string, FlagDeclaration>>

export const flagRule = z.object({ enabled: z.boolean(), percentage: z.number().min(0).max(100).optional() })

/**
 * Whether the rule holds for this one. The same flag and person give the same answer in every process and on every day, and who had it
 * at ten per cent has it at twenty; another flag chooses other people.
 * @param unit id of the user; of the tenant where there is no user
 */
export function isEnabled(key: string, { enabled, percentage = 100 }: FlagRule, unit: string): boolean {
  return enabled && placeOf(key, unit) < percentage
}

/** Where somebody stands in the order in which he gets a flag, from 0 up to 100. */
function placeOf(key: string, unit: string): number {
  const digest = createHash('sha256').update(`${key.length}:${key}${unit.toLowerCase()}`).digest()
  return (digest.readUInt32BE() / 2 ** 32) * 100
}

/** The rule that holds: the tenant's before the operator's before the declared one. */
export function ruleOf(
  key: string,
  flag: FlagDeclaration,
  said: SaidByKey,
): FlagRule & { readonly from: Layer | 'default' } {
  for (const { layer, value } of [...(said.get(key) ?? [])].reverse()) {
    const parsed = flagRule.safeParse(JSON.parse(value ?? 'null'))
    if (parsed.success) return { ...parsed.data, from: layer }
  }
  return { enabled: flag.default, from: 'default' }
}

export function flagFaults(declared: FlagDeclarations): readonly StartupFault[] {
  return Object.keys(declared)
    .filter((key) => !keyPattern.test(key))
    .map((key) => ({ path: `tenants.flags['${key}']`, problem: 'is no usable name', fix: "name it like 'new-editor'" }))
}
