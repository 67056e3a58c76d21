import { errorPageRoutes } from '../error-pages/routes.ts'
import type { ErrorDefinition } from '../errors/registry.ts'
import type { FeatureParts } from '../feature/feature.ts'
import type { OpenApiDocument } from '../openapi/document.ts'
import { resourceRoutes } from './resource-routes.ts'
import type { OwnedRoute } from './route-faults.ts'
import type { Route } from './route.ts'
import { systemRoutes } from './system-routes.ts'

interface CollectedParts extends FeatureParts {
  readonly document: () => OpenApiDocument
  readonly errorTypeBase: string
  readonly errors: Readonly<Record<string, ErrorDefinition>>
}

/** Every route of a platform with its owner: the platform's own, those of the resources, then those of the features. */
export function collectRoutes({ document, errorTypeBase, errors, ...parts }: CollectedParts): readonly OwnedRoute[] {
  const { registry } = parts
  const of = (owner: string, routes: readonly Route[]): readonly OwnedRoute[] =>
    routes.map((route) => ({ owner, route }))
  return [
    ...of('the platform', systemRoutes({ ...parts, document })),
    ...of('the platform', errorPageRoutes({ ...parts, errorTypeBase, errors })),
    ...registry.resources.flatMap((resource) => of(`resource ${resource.name}`, resourceRoutes(registry, resource))),
    ...registry.features.flatMap((feature) => of(`feature ${feature.name}`, feature.routes?.(parts) ?? [])),
  ]
}
