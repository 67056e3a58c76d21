import { z } from 'zod'
import { problem } from '../../errors/plinth-error.ts'
import { isObject } from '../../input/merge-patch.ts'
import { pointer } from '../../input/validate.ts'
import type { Call } from '../../pipeline/call.ts'
import type { ResourceInfo } from '../../resource/resource-info.ts'
import type { GuardedRoute, Method } from '../route.ts'

/**
 * The paths of older clients, which name the verb (`/sites/create`, `/sites/:id/read`, `/agents/command`), as aliases of the
 * resource's own routes: the same permission, validation, handler and answer, so nothing can be looser there. What the resource
 * does not do has no alias either. Not in OpenAPI.
 */
export function compatRoutes(resource: ResourceInfo, routes: readonly GuardedRoute[]): readonly GuardedRoute[] {
  const base = `/api/v1/${resource.path}`
  const one = `${base}/:id`
  return routes.flatMap((route) => {
    const aliases = byVerb[`${route.method} ${route.path === base ? 'all' : route.path === one ? 'one' : ''}`]
    if (aliases)
      return aliases.map(([method, verb]) => ({ ...route, method, path: `${route.path}/${verb}`, unlisted: true }))
    const action = resource.actions.find(({ name }) => route.method === 'POST' && route.path === `${one}/${name}`)
    return action ? [idInBody(route, `${base}/${action.name}`)] : []
  })
}

/** The aliases of a route. A form can only POST, so what changes a row is there under POST too; a POSTed update is a PATCH. */
const byVerb: Readonly<Record<string, readonly (readonly [Method, string])[]>> = {
  'POST all': [['POST', 'create']],
  'GET all': [['GET', 'list']],
  'DELETE all': [
    ['POST', 'clear'],
    ['DELETE', 'clear'],
  ],
  'GET one': [['GET', 'read']],
  'PUT one': [['PUT', 'update']],
  'PATCH one': [
    ['PATCH', 'update'],
    ['POST', 'update'],
  ],
  'DELETE one': [
    ['POST', 'delete'],
    ['DELETE', 'delete'],
  ],
}

/** `POST /agents/command` with `{ id, task }` is `POST /agents/:id/command` with `{ task }`. */
function idInBody(route: GuardedRoute, path: string): GuardedRoute {
  return {
    ...route,
    path,
    unlisted: true,
    // A body is needed where the action itself has none: the id is in it.
    body: { ...route.body, schema: withId(route.body?.schema), optional: false },
    handle(call: Call) {
      const { id, ...body } = isObject(call.body) ? call.body : {}
      if (typeof id !== 'string') {
        const fault = { path: pointer(['id']), code: 'required', message: 'The id of the row, as a string' }
        throw problem('validation_failed', { errors: [fault] })
      }
      return route.handle({ ...call, parameters: { ...call.parameters, id }, body })
    },
  }
}

function withId(input: z.ZodType | undefined): z.ZodType {
  return input instanceof z.ZodObject ? input.extend({ id: z.string() }) : z.looseObject({ id: z.string() })
}
