import type { Secrets } from '@plinth/core'
import type { SettingDeclarations, Layer, SettingDeclaration } from './declaration.ts'
import type { Audience, Said, SaidByKey } from './layer-store.ts'

export interface Effective {
  readonly value: unknown
  /** Which layer said it; `default` where nobody did. */
  readonly from: Layer | 'default'
}

/** To what a secret is bound: one that was copied to another tenant, person or key does not open there. */
export function sealContext(layer: Layer, key: string, audience: Audience | undefined): string {
  const { tenantId = '', userId = '' } = layer === 'platform' ? {} : (audience ?? {})
  return JSON.stringify(['setting', layer, tenantId, layer === 'user' ? (userId ?? '') : '', key])
}

/**
 * What holds of a setting: the narrowest layer that says something the schema takes. A value that is older than its rule counts as not
 * said, as does what a layer said before the declaration took that from it.
 */
export function effectiveOf(
  secrets: Secrets,
  setting: SettingDeclaration,
  key: string,
  said: SaidByKey,
  audience: Audience | undefined,
): Effective {
  for (const each of heard(setting, key, said)) {
    const parsed = setting.schema.safeParse(JSON.parse(textOf(secrets, key, each, audience)))
    if (parsed.success) return { value: parsed.data, from: each.layer }
  }
  return { value: setting.default, from: 'default' }
}

/** What counts of what is said, the narrowest layer first. */
function heard(setting: SettingDeclaration, key: string, said: SaidByKey): readonly Said[] {
  const counts = ({ layer, sealed }: Said): boolean =>
    reaches(setting, layer) && (sealed !== null) === (setting.secret ?? false)
  return [...(said.get(key) ?? [])].reverse().filter(counts)
}

function textOf(secrets: Secrets, key: string, { layer, value, sealed }: Said, audience: Audience | undefined): string {
  return sealed === null ? (value ?? 'null') : secrets.open(sealed, sealContext(layer, key, audience))
}

/** Whether this layer may say something of the setting. */
export function reaches({ scope }: SettingDeclaration, layer: Layer): boolean {
  const widest: readonly Layer[] = ['platform', 'tenant', 'user']
  return widest.indexOf(layer) <= widest.indexOf(scope)
}

export interface ShownSetting {
  /** Absent for secrets. */
  readonly value?: unknown
  readonly from: Effective['from']
  readonly scope: Layer
  readonly secret: boolean
  readonly description?: string
}

/** As they are shown: of a secret only who said it. */
export function shownSettings(
  secrets: Secrets,
  declared: SettingDeclarations,
  said: SaidByKey,
  audience: Audience | undefined,
  least: Layer,
): Readonly<Record<string, ShownSetting>> {
  return Object.fromEntries(
    Object.entries(declared)
      .filter(([, setting]) => reaches(setting, least))
      .map(([key, setting]): [string, ShownSetting] => {
        const { scope, secret = false, description } = setting
        // Not opened to be shown: one whose key is lost must not keep anybody from setting it anew.
        const { value, from }: Effective = secret
          ? { value: undefined, from: heard(setting, key, said)[0]?.layer ?? 'default' }
          : effectiveOf(secrets, setting, key, said, audience)
        return [
          key,
          { ...(!secret && { value }), from, scope, secret, ...(description !== undefined && { description }) },
        ]
      }),
  )
}
