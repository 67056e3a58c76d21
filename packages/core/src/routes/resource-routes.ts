import { z } from 'zod'
import { includeParameter, rowWithIncludes } from '../include/include-schemas.ts'
import { relationsOf } from '../include/relations.ts'
import { inputSchemas } from '../input/schemas.ts'
import { listAnswerSchema } from '../output/schemas.ts'
import { handleWithLinks, withLinkIds } from '../link/link-ids.ts'
import { linksOf } from '../link/link.ts'
import type { Registry } from '../platform/registry.ts'
import type { ResourceInfo } from '../resource/resource-info.ts'
import { runAction } from './resource/action.ts'
import { compatRoutes } from './resource/compat-routes.ts'
import { createRow } from './resource/create.ts'
import { deleteRow } from './resource/delete.ts'
import { listRows } from './resource/list.ts'
import { listParameters, maskParameter } from './resource/list-parameters.ts'
import { patchRow, replaceRow } from './resource/update.ts'
import { readRow } from './resource/read.ts'
import { refuseBuiltIn } from './resource/refuse-built-in.ts'
import { bulkRoutes } from './resource/bulk-routes.ts'
import { clearRoutes } from './resource/clear-routes.ts'
import { restoreRoutes } from './resource/restore-routes.ts'
import { routePartsOf } from './resource/route-parts.ts'
import { templateRoutes } from './resource/template-routes.ts'
import type { GuardedRoute, Method } from './route.ts'
import { oneInWords } from './resource/in-words.ts'
import { exampleInput, exampleRow } from './resource/examples.ts'

/** The routes of a resource: a reader of the declaration, like OpenAPI or row-level security. */
export function resourceRoutes(registry: Registry, resource: ResourceInfo): readonly GuardedRoute[] {
  const { operations } = resource
  const parts = routePartsOf(registry, resource)
  const { base, title, common, guard, row } = parts
  const one = `${base}/:id`
  const schemas = inputSchemas(resource)
  const relations = relationsOf(registry, resource)
  const links = linksOf(registry, resource)
  const whole = rowWithIncludes(resource, relations)
  const routes: GuardedRoute[] = []
  if (operations.list) {
    routes.push({
      ...common,
      ...guard('read'),
      method: 'GET',
      path: base,
      operationId: `list${title}`,
      summary: `List ${resource.path}`,
      query: [...listParameters(resource), ...includeParameter(relations)],
      errors: ['invalid_query', 'invalid_cursor', 'too_many_exports'],
      handle: listRows,
      answers: [
        { status: 200, description: 'One page', schema: listAnswerSchema(whole), example: exampleList(resource) },
        { status: 200, description: 'All rows', contentType: 'text/csv', schema: z.string() },
        { status: 200, description: 'All rows', contentType: 'application/x-ndjson', schema: z.string() },
      ],
    })
  }
  if (operations.create) {
    routes.push({
      ...common,
      ...guard('create'),
      method: 'POST',
      path: base,
      operationId: `create${title}`,
      summary: `Create ${oneInWords(resource.name)}`,
      body: { schema: withLinkIds(schemas.whole, links), example: exampleInput(resource) },
      handle: handleWithLinks(createRow, links),
      errors: ['validation_failed', 'already_exists', 'unsupported_media_type', 'body_too_large'],
      answers: [{ ...row, status: 201, description: 'The new row', headers: ['ETag', 'Location'] }],
    })
  }
  if (operations.read) {
    routes.push({
      ...common,
      ...guard('read'),
      method: 'GET',
      path: one,
      operationId: `read${title}`,
      summary: `Read ${oneInWords(resource.name)}`,
      query: [maskParameter(resource), ...includeParameter(relations)],
      errors: ['invalid_query', 'not_found'],
      handle: readRow,
      answers: [
        { ...row, schema: whole },
        { status: 304, description: 'Unchanged since the ETag in If-None-Match' },
      ],
    })
  }
  if (operations.update) {
    const update = (
      method: Method,
      summary: string,
      schema: z.ZodType,
      handle: GuardedRoute['handle'],
    ): GuardedRoute => ({
      ...common,
      ...guard('update'),
      method,
      path: one,
      operationId: `${method === 'PUT' ? 'replace' : 'update'}${title}`,
      summary,
      body: { schema, mergePatch: method === 'PATCH', example: exampleInput(resource) },
      handle,
      errors: [
        'validation_failed',
        'not_found',
        'already_exists',
        'version_mismatch',
        'unsupported_media_type',
        'body_too_large',
      ],
      answers: [row],
    })
    routes.push(
      update(
        'PUT',
        `Replace ${oneInWords(resource.name)}: what is absent takes its default or null`,
        withLinkIds(schemas.replacement, links),
        handleWithLinks(replaceRow, links),
      ),
      update(
        'PATCH',
        `Change ${oneInWords(resource.name)} (JSON merge patch, RFC 7396)`,
        withLinkIds(schemas.part, links),
        handleWithLinks(patchRow, links),
      ),
    )
  }
  if (operations.delete) {
    routes.push({
      ...common,
      ...guard('delete'),
      method: 'DELETE',
      path: one,
      operationId: `delete${title}`,
      summary: `Delete ${oneInWords(resource.name)}`,
      errors: ['not_found', 'still_referenced', 'version_mismatch'],
      handle: deleteRow,
      answers: [{ status: 204, description: 'Gone' }],
    })
  }
  for (const action of resource.actions) {
    routes.push({
      ...common,
      ...guard(action.name),
      method: action.readOnly ? 'GET' : 'POST',
      path: `${one}/${action.name}`,
      operationId: `${action.name}${title}`,
      summary: action.description ?? `${action.name} ${oneInWords(resource.name)}`,
      ...(action.input ? { body: { schema: action.input, optional: action.input.safeParse({}).success } } : {}),
      fresh: action.fresh,
      errors: [
        'validation_failed',
        'not_found',
        'version_mismatch',
        ...(action.fresh === undefined ? [] : ['reauthentication_required']),
      ],
      handle: runAction(action),
      answers: [action.output ? { status: 200, description: 'The result', schema: action.output } : row],
    })
  }
  const own = [
    ...routes,
    ...restoreRoutes(resource, parts),
    ...bulkRoutes(resource, parts),
    ...clearRoutes(resource, parts),
    ...templateRoutes(registry, resource),
  ]
  const all = resource.declaration.builtIn ? own.map((route) => refuseBuiltIn(registry, route)) : own
  return resource.compat ? [...all, ...compatRoutes(resource, all)] : all
}

function exampleList(resource: ResourceInfo): unknown {
  return { data: [exampleRow(resource)], page: { page: 1, pageSize: 20, hasMore: false, nextCursor: null } }
}
