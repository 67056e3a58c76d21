import {
  isAboutRows,
  nearestNames,
  problem,
  type InputFault,
  type RawRow,
  type Registry,
  type ResourceInfo,
} from '@plinth/core'
import { actionsOf, modelsOf } from './known-permissions.ts'

/** What an entry is about: a model, one of its actions or all, and the resource whose rows they are. */
export interface AclTarget {
  readonly model: string
  readonly action: string
  readonly resource: ResourceInfo
  /** Numbers of the permissions: one, or all of the model. */
  readonly permissions: readonly number[]
  /** Number of `resource:share`. */
  readonly share: number
  /** Number of `resource:read`. */
  readonly reading: number
}

/**
 * Reads `Site.update`, as entries were always written, and `site:update`, as permissions are; `*` is every action.
 * @throws validation_failed, with what may have been meant
 */
export function readTarget(registry: Registry, text: string): AclTarget {
  const [model, action] = partsOf(text)
  const found = targetOf(registry, model, action)
  if (found) return found
  const models = aclModels(registry)
  if (model === '' || action === '')
    throw refuse('invalid_value', 'Write it as Model.action or model:action, as in Site.update or site:update')
  if (!models.includes(model))
    throw refuse('unknown_model', `There is no model '${model.slice(0, 64)}'${nearest(model, models)}`)
  const actions = actionsOf(registry.permissions, model)
  throw refuse('unknown_action', `There is no action '${action.slice(0, 64)}' of ${model}${nearest(action, actions)}`)
}

/** What a stored entry is about; undefined where the product has no such model or action any more. */
export function targetOf(registry: Registry, model: string, action: string): AclTarget | undefined {
  const { permissions } = registry
  const resource = resourceOf(registry, model)
  const verbs = permissions.ofModel(model).filter(([verb]) => action === '*' || verb === action)
  if (!resource || verbs.length === 0) return undefined
  return {
    model,
    action,
    resource,
    permissions: verbs.map(([, number]) => number),
    share: permissions.numberOf(resource.name, 'share')!,
    reading: permissions.numberOf(resource.name, 'read')!,
  }
}

/**
 * Who names a row names one that there is, for him, and an action that rows have.
 * @throws validation_failed
 */
export function refuseNoRows({ action }: AclTarget, row: RawRow | undefined): void {
  const [code, message] = !isAboutRows(action)
    ? ['not_applicable', 'This is said of every row: one that is to be created is not there yet. Leave recordId out']
    : ['reference_not_found', 'There is no such row, or you may not see it']
  if (row && isAboutRows(action)) return
  throw problem('validation_failed', { errors: [{ path: '/recordId', code, message }] })
}

function partsOf(text: string): readonly [model: string, action: string] {
  if (text.includes(':')) {
    const [model = '', action = '', ...rest] = text.split(':')
    return rest.length === 0 ? [model, action] : ['', '']
  }
  const dot = text.lastIndexOf('.')
  const model = dot < 0 ? '' : text.slice(0, dot)
  return [model.slice(0, 1).toLowerCase() + model.slice(1), text.slice(dot + 1)]
}

/** The rows of a model are those of a resource; of `employee.salary`, those of `employee`. */
function resourceOf({ resources }: Registry, model: string): ResourceInfo | undefined {
  const [name] = model.split('.')
  return resources.find((resource) => resource.name === name)
}

function aclModels(registry: Registry): readonly string[] {
  return modelsOf(registry.permissions).filter((model) => resourceOf(registry, model) !== undefined)
}

function refuse(code: string, message: string): Error {
  const fault: InputFault = { path: '/resource', code, message }
  return problem('validation_failed', { errors: [fault] })
}

function nearest(word: string, names: readonly string[]): string {
  const found = nearestNames(word.slice(0, 64), names)
  return found.length === 0 ? `; there are: ${names.join(', ')}` : `; nearest: ${found.join(', ')}`
}
