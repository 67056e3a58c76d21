import { buildPermissionSet, nearestNames, parsePermission, scopes, type PermissionNumbers } from '@plinth/core'
import { canonicalText, type NameModel, type PermissionSpelling } from './spelling.ts'

/** Whether a permission means anything here: `site:update:own`, `site:*`, `*:read`, `*`. */
export function isKnown(permissions: PermissionNumbers, text: string): boolean {
  return buildPermissionSet(permissions, [text]).unknown.length === 0
}

/** What may have been meant by a permission that there is not, part by part. */
export function wordsForUnknown(permissions: PermissionNumbers, text: string): string {
  const [model = '', action = '', scope] = text.split(':')
  if (scope !== undefined && !parsePermission(`*:*:${scope}`)) return `The scope is one of ${scopes.join(', ')}`
  const models = modelsOf(permissions)
  if (model !== '*' && !models.includes(model))
    return `There is no model '${model.slice(0, 64)}'${nearest(model, models)}`
  const actions = actionsOf(permissions, model)
  if (action !== '' && action !== '*' && !actions.includes(action))
    return `There is no action '${action.slice(0, 64)}' of ${model === '*' ? 'any model' : model}${nearest(action, actions)}`
  return 'Write it as model:action:scope, as in site:update:own'
}

/** What is wrong with a permission in any spelling; undefined for one that means something here. */
export function faultOf(
  permissions: PermissionNumbers,
  nameModel: NameModel,
  given: PermissionSpelling,
): string | undefined {
  const text = canonicalText(given, nameModel)
  if (text === undefined) return typeof given === 'string' ? wordsForUnknown(permissions, given) : HOW_TO_WRITE
  return isKnown(permissions, text) ? undefined : wordsForUnknown(permissions, text)
}

const HOW_TO_WRITE =
  'Write it as model:action:scope, as in site:update:own, or as { action, resource } or { model, action, scope }'

/** Every model there is, those that are about no rows among them. */
export function modelsOf({ names }: PermissionNumbers): readonly string[] {
  return [...new Set(names.map((name) => name.split(':')[0]!))]
}

/** The actions of a model; of `*`, those of any. */
export function actionsOf({ names }: PermissionNumbers, model: string): readonly string[] {
  const own = names.filter((name) => model === '*' || name.startsWith(`${model}:`))
  return [...new Set(own.map((name) => name.split(':')[1]!))]
}

function nearest(word: string, names: readonly string[]): string {
  const found = nearestNames(word.slice(0, 64), names)
  return found.length === 0 ? `; there are: ${names.join(', ')}` : `; nearest: ${found.join(', ')}`
}
