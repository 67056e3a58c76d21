import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Plinth } from '@plinth/core'
import { nodeRequest, pathOfTarget, sendResponse } from '@plinth/core/node'

/** What is read of Express's request. Its own types are not needed: one build fits Express 4 and 5. */
export interface ExpressRequest extends IncomingMessage {
  readonly originalUrl: string
  readonly baseUrl: string
  readonly body?: unknown
  readonly rawBody?: unknown
}

export type ExpressHandler = (
  request: ExpressRequest,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void

/**
 * A middleware that serves a platform: `express().use(toExpress(plinth))`. Conversion only.
 *
 * Mount it before `express.json()` and other parsers of bodies: what they have read is gone, and a write behind them is answered
 * with `body_already_read`, unless they keep the bytes as `request.rawBody` (or `request.body` is a Buffer, from `express.raw()`).
 *
 * What no Plinth route matches goes on to the host's routes (`notFound: 'plinth'` answers it here instead). Mounted under a
 * prefix, the platform must know it as `basePath`; another one is an error, given to `next`, that names both.
 */
export function toExpress(plinth: Pick<Plinth, 'fetch' | 'knows' | 'basePath' | 'notFound'>): ExpressHandler {
  const basePath = plinth.basePath.toLowerCase()
  return (incoming, outgoing, next) => {
    // Express compares mount paths regardless of case and gives back the stranger's spelling; `knows` is exact.
    if (incoming.baseUrl !== '' && incoming.baseUrl.toLowerCase() !== basePath) {
      next(wrongPrefix(incoming.baseUrl, plinth.basePath))
      return
    }
    if (plinth.notFound === 'host' && !plinth.knows(pathOfTarget(incoming.originalUrl))) {
      next()
      return
    }
    void answer(plinth, incoming, outgoing, next)
  }
}

async function answer(
  plinth: Pick<Plinth, 'fetch'>,
  incoming: ExpressRequest,
  outgoing: ServerResponse,
  next: (error: unknown) => void,
): Promise<void> {
  try {
    const request = nodeRequest({ incoming, outgoing, target: incoming.originalUrl, bytes: keptBytes(incoming) })
    sendResponse(await plinth.fetch(request), request, incoming, outgoing)
  } catch (error) {
    next(error)
  }
}

/** The exact bytes, where a parser in front kept them: `express.raw()`, or `verify` of `express.json()`. */
function keptBytes(incoming: ExpressRequest): Uint8Array | undefined {
  if (incoming.rawBody instanceof Uint8Array) return incoming.rawBody
  return incoming.body instanceof Uint8Array ? incoming.body : undefined
}

function wrongPrefix(mounted: string, basePath: string): Error {
  return new Error(
    `toExpress(plinth) is mounted at '${mounted}', but the platform's basePath is '${basePath}'. ` +
      `Mount it without a path and write createPlinth({ basePath: '${mounted}' }).`,
  )
}
