import { outputSchema } from '../../output/schemas.ts'
import type { Registry } from '../../platform/registry.ts'
import type { ResourceInfo } from '../../resource/resource-info.ts'
import type { GuardedRoute, RouteAnswer } from '../route.ts'
import { exampleRow } from './examples.ts'

/** What the routes of one resource have in common. */
export interface RouteParts {
  readonly base: string
  /** The resource's name with a capital, for operation ids. */
  readonly title: string
  readonly common: Pick<GuardedRoute, 'public' | 'resource' | 'tag' | 'origin'>
  readonly guard: (verb: string) => Pick<GuardedRoute, 'verb' | 'permission' | 'seeing'>
  /** 200 with the row. */
  readonly row: RouteAnswer
}

export function routePartsOf(registry: Registry, resource: ResourceInfo): RouteParts {
  return {
    base: `/api/v1/${resource.path}`,
    title: resource.name[0]!.toUpperCase() + resource.name.slice(1),
    common: { public: false, resource, tag: resource.name, origin: resource.origin },
    guard: (verb) => ({
      verb,
      permission: registry.permissions.numberOf(resource.name, verb)!,
      seeing: registry.permissions.numberOf(resource.name, 'read')!,
    }),
    row: {
      status: 200,
      description: 'The row',
      schema: outputSchema(resource),
      example: exampleRow(resource),
      headers: ['ETag'],
    },
  }
}
