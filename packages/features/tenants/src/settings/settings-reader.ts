import type { Platform } from '@plinth/core'
import type { z } from 'zod'
import type { SettingDeclarations } from './declaration.ts'
import { effectiveOf } from './effective.ts'
import type { Audience, LayerStore } from './layer-store.ts'

type ValueOf<D> = D extends { readonly schema: infer S } ? (S extends z.ZodType ? z.output<S> : never) : never

/** What holds of a setting, for code. */
export interface SettingsReader<S extends SettingDeclarations> {
  /**
   * The value for a tenant and one of its people, at most a second old. Secrets in the clear: never send them anywhere but to where
   * they belong.
   */
  get<K extends keyof S & string>(key: K, audience: Audience): Promise<ValueOf<S[K]>>
}

export function settingsReader<S extends SettingDeclarations>(
  declared: SettingDeclarations,
  store: LayerStore,
  platform: () => Platform,
): SettingsReader<S> {
  return {
    async get(key, audience) {
      const setting = Object.hasOwn(declared, key) ? declared[key] : undefined
      if (!setting) throw new Error(`there is no setting ${key}`)
      const said = await store.said(audience)
      return effectiveOf(platform().secrets, setting, key, said, audience).value as never
    },
  }
}
