import { problem, type InputFault, type Secrets } from '@plinth/core'
import type { SettingDeclarations, Layer } from './declaration.ts'
import { reaches, sealContext } from './effective.ts'
import type { Audience, Saying } from './layer-store.ts'

/** Characters of JSON that one setting may be. */
const LONGEST = 16_384

/**
 * A merge patch of settings (`{ "mail.footer": "Regards", "theme": null }`) as what the layer is to say; null takes back what it said.
 * @throws validation_failed
 */
export function readSayings(
  secrets: Secrets,
  declared: SettingDeclarations,
  body: unknown,
  layer: Layer,
  audience: Audience | undefined,
): readonly Saying[] {
  const faults: InputFault[] = []
  const sayings: Saying[] = []
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw problem('validation_failed', {
      errors: [{ path: '', code: 'invalid_type', message: 'Expected an object of settings' }],
    })
  for (const [key, value] of Object.entries(body)) {
    const path = `/${key.slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1')}`
    const setting = Object.hasOwn(declared, key) ? declared[key] : undefined
    if (!setting) faults.push({ path, code: 'unknown_field', message: 'There is no such setting' })
    else if (!reaches(setting, layer))
      faults.push({
        path,
        code: 'not_settable',
        message: `It is set by the ${setting.scope === 'platform' ? 'operator' : setting.scope}`,
      })
    else if (value === null) sayings.push({ kind: 'setting', key, value: null, sealed: null })
    else {
      const text = JSON.stringify(value)
      const parsed = setting.schema.safeParse(value)
      if (!parsed.success)
        faults.push({ path, code: 'invalid_value', message: parsed.error.issues[0]?.message ?? 'Invalid' })
      else if (text.length > LONGEST)
        faults.push({ path, code: 'too_big', message: `At most ${LONGEST} characters of JSON` })
      else if (setting.secret)
        sayings.push({
          kind: 'setting',
          key,
          value: null,
          sealed: secrets.seal(text, sealContext(layer, key, audience)),
        })
      else sayings.push({ kind: 'setting', key, value: text, sealed: null })
    }
  }
  if (faults.length > 0) throw problem('validation_failed', { errors: faults.slice(0, 100) })
  return sayings
}
