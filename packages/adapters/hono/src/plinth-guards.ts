import type { Granted, Guard, Plinth } from '@plinth/core'
import type { Context, MiddlewareHandler } from 'hono'
import { createMiddleware } from 'hono/factory'
import { peerOf } from './peer.ts'

/** What a guarded route has: `context.var.plinth`. */
export interface PlinthEnv {
  readonly Variables: { readonly plinth: Granted }
}

export interface PlinthGuards {
  /** Lets through who holds this permission (`site:update`) on some row. @throws StartupError for a permission there is none */
  readonly requirePermission: (permission: string) => MiddlewareHandler<PlinthEnv>
  /** Lets through anybody with a valid credential, in an active tenant. */
  readonly requirePrincipal: () => MiddlewareHandler<PlinthEnv>
  /** For `app.onError`: Plinth's own errors as problem+json; undefined for others, which are yours. */
  readonly problem: (error: Error, context: Context) => Response | undefined
}

/**
 * Guards for routes of your own. They run the stages that Plinth's routes run, and answer refusals as those do:
 * `app.get('/report', requirePermission('site:read'), (context) => context.var.plinth.as(…))`.
 */
export function plinthGuards(plinth: Pick<Plinth, 'guard' | 'problem'>): PlinthGuards {
  return {
    requirePermission: (permission) => middleware(plinth.guard(permission)),
    requirePrincipal: () => middleware(plinth.guard(null)),
    problem: (error, context) => plinth.problem(error, context.req.raw),
  }
}

function middleware(guard: Guard): MiddlewareHandler<PlinthEnv> {
  return createMiddleware<PlinthEnv>(async (context, next) => {
    const { granted, refused } = await guard(context.req.raw, peerOf(context))
    if (refused) return refused
    for (const name in granted.headers) {
      context.header(name, granted.headers[name], { append: name === 'vary' })
    }
    context.set('plinth', granted)
    return next()
  })
}
