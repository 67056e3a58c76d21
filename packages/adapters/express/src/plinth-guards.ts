import type { ServerResponse } from 'node:http'
import type { Granted, Guard, Plinth } from '@plinth/core'
import { nodeRequest, sendResponse, uniteHeader } from '@plinth/core/node'
import type { ExpressHandler, ExpressRequest } from './to-express.ts'

declare global {
  // eslint-disable-next-line typescript/no-namespace -- how Express lets its request be extended
  namespace Express {
    interface Request {
      /** Behind a guard of Plinth. A route that has none finds nothing here and fails. */
      plinth: Granted
    }
  }
}

export type ExpressErrorHandler = (
  error: unknown,
  request: ExpressRequest,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void

export interface PlinthGuards {
  /** Lets through who holds this permission (`site:update`) on some row. @throws StartupError for a permission there is none */
  readonly requirePermission: (permission: string) => ExpressHandler
  /** Lets through anybody with a valid credential, in an active tenant. */
  readonly requirePrincipal: () => ExpressHandler
  /** An error handler, for `app.use` behind your routes: Plinth's own errors as problem+json; others go on to yours. */
  readonly problems: ExpressErrorHandler
}

/**
 * Guards for routes of your own. They run the stages that Plinth's routes run, and answer refusals as those do:
 * `app.get('/report', requirePermission('site:read'), (request, response) => request.plinth.as(…))`.
 */
export function plinthGuards(plinth: Pick<Plinth, 'guard' | 'problem'>): PlinthGuards {
  return {
    requirePermission: (permission) => handler(plinth.guard(permission)),
    requirePrincipal: () => handler(plinth.guard(null)),
    problems(error, incoming, outgoing, next) {
      const request = nodeRequest({ incoming, outgoing, target: incoming.originalUrl })
      const response = outgoing.headersSent ? undefined : plinth.problem(error, request)
      if (response) sendResponse(response, request, incoming, outgoing)
      else next(error)
    },
  }
}

function handler(guard: Guard): ExpressHandler {
  return (incoming, outgoing, next) => void ask(guard, incoming, outgoing, next)
}

async function ask(
  guard: Guard,
  incoming: ExpressRequest,
  outgoing: ServerResponse,
  next: (error?: unknown) => void,
): Promise<void> {
  try {
    const request = nodeRequest({ incoming, outgoing, target: incoming.originalUrl })
    const { granted, refused } = await guard(request)
    if (refused) {
      sendResponse(refused, request, incoming, outgoing)
      return
    }
    const { headers } = granted
    for (const name in headers) outgoing.setHeader(name, uniteHeader(name, outgoing.getHeader(name), headers[name]!))
    Object.assign(incoming, { plinth: granted })
  } catch (error) {
    next(error)
    return
  }
  next()
}
