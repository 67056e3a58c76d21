import type { Granted, Guard, Plinth } from '@plinth/core'
import { leaveBody, nodeRequest, uniteHeader } from '@plinth/core/node'
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify'
import { sendReply } from './send-reply.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Behind a guard of Plinth. A route that has none finds null here and fails. */
    plinth: Granted
  }
}

/** A hook of a route, as `onRequest` or `preHandler`. */
export type FastifyGuard = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply | undefined>

/** Also a plugin: `app.register(guards)` decorates the request. */
export interface PlinthGuards extends FastifyPluginCallback {
  /**
   * Lets through who holds this permission (`site:update`) on some row. As `onRequest` it comes before the body is parsed and
   * validated, so that validation tells a stranger nothing; as `preHandler` after.
   * @throws StartupError for a permission there is none
   */
  readonly requirePermission: (permission: string) => FastifyGuard
  /** Lets through anybody with a valid credential, in an active tenant. */
  readonly requirePrincipal: () => FastifyGuard
  /** An error handler, for `app.setErrorHandler`: Plinth's own errors as problem+json; others are thrown on. */
  readonly problems: (error: unknown, request: FastifyRequest, reply: FastifyReply) => FastifyReply
}

/**
 * Guards for routes of your own. They run the stages that Plinth's routes run, and answer refusals as those do:
 * `app.get('/report', { onRequest: guards.requirePermission('site:read') }, (request) => request.plinth.as(…))`.
 */
export function plinthGuards(plinth: Pick<Plinth, 'guard' | 'problem'>): PlinthGuards {
  const plugin: FastifyPluginCallback = (fastify, _options, done) => {
    fastify.decorateRequest<Granted | null>('plinth', null)
    done()
  }
  return Object.assign(plugin, {
    // Fastify's own sign for a plugin that is about the whole application and not about what is registered inside of it.
    [Symbol.for('skip-override')]: true,
    requirePermission: (permission: string) => hook(plinth.guard(permission)),
    requirePrincipal: () => hook(plinth.guard(null)),
    problems(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
      const response = plinth.problem(error, converted(request, reply))
      if (!response) throw error
      return sendReply(response, reply)
    },
  })
}

function hook(guard: Guard): FastifyGuard {
  return async (request, reply) => {
    if (!('plinth' in request)) throw new Error('the guards of Plinth are not registered: app.register(guards)')
    const asked = converted(request, reply)
    const { granted, refused } = await guard(asked)
    if (refused) {
      leaveBody(asked, request.raw)
      return sendReply(refused, reply)
    }
    const { headers } = granted
    for (const name in headers) reply.header(name, uniteHeader(name, reply.getHeader(name), headers[name]!))
    request.plinth = granted
    return undefined
  }
}

function converted(request: FastifyRequest, reply: FastifyReply): Request {
  return nodeRequest({ incoming: request.raw, outgoing: reply.raw, target: request.originalUrl })
}
