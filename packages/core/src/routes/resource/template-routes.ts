import { outputSchema } from '../../output/schemas.ts'
import type { Registry } from '../../platform/registry.ts'
import type { ResourceInfo } from '../../resource/resource-info.ts'
import { templateSchemas, titleOf } from '../../template/answer-schemas.ts'
import { cloneSchema, cloneTemplate } from '../../template/clone.ts'
import type { TemplateLink } from '../../template/link.ts'
import { readProvenance } from '../../template/read-provenance.ts'
import { listShared, readShared, refuseSharedWrite } from '../../template/read-shared.ts'
import { applyResync, previewResync } from '../../template/resync.ts'
import type { GuardedRoute } from '../route.ts'
import { oneInWords } from './in-words.ts'
import { exampleInput, exampleRow } from './examples.ts'

type Common = Pick<
  GuardedRoute,
  'public' | 'resource' | 'tag' | 'origin' | 'method' | 'verb' | 'permission' | 'seeing' | 'errors'
>

/** What templates add to a resource: to the one that comes from them, and to the one whose rows they are. */
export function templateRoutes(registry: Registry, resource: ResourceInfo): readonly GuardedRoute[] {
  const common: Common = {
    public: false,
    resource,
    tag: resource.name,
    origin: resource.origin,
    method: 'GET',
    verb: 'read',
    permission: registry.permissions.numberOf(resource.name, 'read')!,
    seeing: registry.permissions.numberOf(resource.name, 'read')!,
    errors: ['invalid_query', 'not_found'],
  }
  const instanceOf = registry.templates.ofInstance.get(resource)
  if (instanceOf) return instanceRoutes(registry, instanceOf, common)
  const templateOf = registry.templates.ofTemplate.get(resource)
  return templateOf
    ? [...ownTemplateRoutes(registry, templateOf, common), ...sharedRoutes(registry, templateOf, common)]
    : []
}

function instanceRoutes(registry: Registry, link: TemplateLink, common: Common): readonly GuardedRoute[] {
  const { resource } = common
  const title = titleOf(resource)
  const one = `/api/v1/${resource.path}/:id`
  const schemas = templateSchemas(link)
  const routes: GuardedRoute[] = []
  if (resource.operations.read) {
    routes.push(provenanceRoute(link, common), {
      ...common,
      path: `${one}/resync`,
      operationId: `previewResync${title}`,
      summary: `What a pinned ${resource.name} would get from its templates as they are now`,
      handle: previewResync(link),
      answers: [{ status: 200, description: 'The changes', schema: schemas.resync }],
    })
  }
  if (resource.operations.read && resource.operations.update) {
    routes.push({
      ...common,
      method: 'POST',
      verb: 'update',
      permission: registry.permissions.numberOf(resource.name, 'update')!,
      path: `${one}/resync`,
      operationId: `resync${title}`,
      summary: `Pin ${oneInWords(resource.name)} to its templates as the preview showed them`,
      body: { schema: schemas.resyncInput },
      handle: applyResync(link),
      errors: ['validation_failed', 'not_found', 'conflict', 'params_unresolved', 'version_mismatch'],
      answers: [
        {
          status: 200,
          description: 'The row',
          schema: outputSchema(resource),
          example: exampleRow(resource),
          headers: ['ETag'],
        },
      ],
    })
  }
  return routes
}

function provenanceRoute(link: TemplateLink, common: Common): GuardedRoute {
  const { resource } = common
  return {
    ...common,
    path: `/api/v1/${resource.path}/:id/provenance`,
    operationId: `provenanceOf${titleOf(resource)}`,
    summary: `Which value of ${oneInWords(resource.name)} comes from which level`,
    handle: readProvenance(link),
    answers: [{ status: 200, description: 'Levels and values', schema: templateSchemas(link).provenance }],
  }
}

function ownTemplateRoutes(registry: Registry, link: TemplateLink, common: Common): readonly GuardedRoute[] {
  const { resource } = common
  const one = `/api/v1/${resource.path}/:id`
  const routes: GuardedRoute[] = resource.operations.read ? [provenanceRoute(link, common)] : []
  if (link.instance.operations.create) routes.push(cloneRoute(registry, link, common, `${one}/clone`, 'own'))
  return routes
}

function sharedRoutes(registry: Registry, link: TemplateLink, common: Common): readonly GuardedRoute[] {
  if (link.shared.size === 0) return []
  const { resource } = common
  const title = titleOf(resource)
  const all = `/api/v1/shared-${resource.path}`
  const schemas = templateSchemas(link)
  const refused = (['PUT', 'PATCH', 'DELETE'] as const).map((method): GuardedRoute => ({
    ...common,
    method,
    path: `${all}/:key`,
    operationId: `refuse${title}${method}`,
    summary: 'Shared templates are changed by nobody',
    unlisted: true,
    handle: refuseSharedWrite(link),
    answers: [],
  }))
  return [
    {
      ...common,
      path: all,
      operationId: `listShared${title}`,
      summary: `The ${resource.path} that the platform offers to every tenant`,
      handle: listShared(link),
      errors: ['invalid_query'],
      answers: [{ status: 200, description: 'All of them', schema: schemas.sharedList }],
    },
    {
      ...common,
      path: `${all}/:key`,
      operationId: `readShared${title}`,
      summary: `Read ${oneInWords(resource.name)} of the platform`,
      handle: readShared(link),
      answers: [{ status: 200, description: 'The shared template', schema: schemas.shared }],
    },
    ...refused,
    ...(link.instance.operations.create ? [cloneRoute(registry, link, common, `${all}/:key/clone`, 'shared')] : []),
  ]
}

function cloneRoute(
  registry: Registry,
  link: TemplateLink,
  common: Common,
  path: string,
  from: 'own' | 'shared',
): GuardedRoute {
  const { instance } = link
  const { templateId: _t, sharedTemplate: _s, ...example } = exampleInput(instance)
  return {
    ...common,
    method: 'POST',
    verb: 'create',
    // The row that is made is no template: the right to make it is that of its own resource.
    guarded: instance,
    permission: registry.permissions.numberOf(instance.name, 'create')!,
    path,
    operationId: `clone${from === 'shared' ? 'Shared' : ''}${titleOf(common.resource)}`,
    summary: `Make ${oneInWords(instance.name)} from ${from === 'shared' ? 'a shared' : 'this'} template, with overrides`,
    body: { schema: cloneSchema(link), example },
    handle: cloneTemplate(link, from),
    errors: ['validation_failed', 'not_found', 'already_exists', 'unsupported_media_type', 'body_too_large'],
    answers: [
      {
        status: 201,
        description: 'The new row',
        schema: outputSchema(instance),
        example: exampleRow(instance),
        headers: ['ETag', 'Location'],
      },
    ],
  }
}
