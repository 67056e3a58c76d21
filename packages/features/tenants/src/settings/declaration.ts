import type { StartupFault } from '@plinth/core'
import type { z } from 'zod'

/** Who may say something: the operator for all, the tenant for itself, each person for himself. The narrower one wins. */
export const layers = ['platform', 'tenant', 'user'] as const
export type Layer = (typeof layers)[number]

/** One setting, declared in code: what it may be, and what it is where nobody says anything. */
export interface SettingDeclaration {
  /** Of its JSON form. */
  readonly schema: z.ZodType
  /** Must fit the schema. */
  readonly default: unknown
  /** The narrowest layer that may say it. */
  readonly scope: Layer
  /** Encrypted where it is kept, and never read back over HTTP. */
  readonly secret?: boolean
  /** Words for people. */
  readonly description?: string
}

/** By name: `mail.footer`. */
export type SettingDeclarations = Readonly<Record<string, SettingDeclaration>>

export const keyPattern = /^[a-z][a-zA-Z0-9]*([._-][a-zA-Z0-9]+)*$/

/** What is wrong with the declarations. */
export function settingFaults(declared: SettingDeclarations): readonly StartupFault[] {
  return Object.entries(declared).flatMap(([key, setting]) => {
    const path = `tenants.settings['${key}']`
    const faults: StartupFault[] = []
    if (!keyPattern.test(key)) faults.push({ path, problem: 'is no usable name', fix: "name it like 'mail.footer'" })
    const usual = setting.schema.safeParse(setting.default)
    if (!usual.success)
      faults.push({
        path: `${path}.default`,
        problem: `does not fit the schema: ${usual.error.issues[0]?.message ?? 'invalid'}`,
        fix: 'give a default that the schema takes',
      })
    if (!layers.includes(setting.scope))
      faults.push({
        path: `${path}.scope`,
        problem: `'${String(setting.scope)}' is no layer`,
        fix: `use one of: ${layers.join(', ')}`,
      })
    return faults
  })
}
