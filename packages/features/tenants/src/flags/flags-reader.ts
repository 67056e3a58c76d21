import type { Audience, LayerStore } from '../settings/layer-store.ts'
import { isEnabled, ruleOf, type FlagDeclarations } from './evaluate.ts'

/** Whether a feature is there, for code. */
export interface FlagsReader<F extends FlagDeclarations> {
  /** For one of the tenant's people, or for the tenant as a whole where nobody is named. At most a second old. */
  enabled(key: keyof F & string, audience: Audience): Promise<boolean>
}

export function flagsReader<F extends FlagDeclarations>(declared: F, store: LayerStore): FlagsReader<F> {
  return {
    async enabled(key, { tenantId, userId = null }) {
      const flag = Object.hasOwn(declared, key) ? declared[key] : undefined
      if (!flag) throw new Error(`there is no feature flag ${key}`)
      return isEnabled(key, ruleOf(key, flag, await store.said({ tenantId })), userId ?? tenantId)
    },
  }
}
