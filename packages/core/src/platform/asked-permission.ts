import { problem } from '../errors/plinth-error.ts'
import type { ResourceInfo } from '../resource/resource-info.ts'
import type { Registry } from './registry.ts'

/** A permission that somebody asks about, and the resource of whose rows it speaks. */
export interface AskedPermission {
  readonly resource: ResourceInfo
  readonly verb: string
  /** The restricted field that is asked about: `salary` of `employee.salary:read`. */
  readonly field: string | undefined
  readonly permission: number
}

/**
 * Reads `site:update` or `employee.salary:read`.
 * @throws validation_failed for a permission that there is not, or that is about no rows
 */
export function askedPermission({ resources, permissions }: Registry, text: string): AskedPermission {
  const [model = '', verb = ''] = text.split(':')
  const [name, field] = model.split('.')
  const permission = permissions.numberOf(model, verb)
  const resource = resources.find((one) => one.name === name)
  if (permission === undefined || !resource || text !== `${model}:${verb}`)
    throw problem('validation_failed', {
      detail: `There is no permission '${text}'. There are: ${permissions.names.join(', ')}.`,
    })
  return { resource, verb, field, permission }
}
