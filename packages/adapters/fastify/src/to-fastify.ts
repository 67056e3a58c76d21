import type { Plinth } from '@plinth/core'
import { leaveBody, nodeRequest, pathOfTarget } from '@plinth/core/node'
import type { FastifyInstance, FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify'
import { Readable } from 'node:stream'
import { sendReply } from './send-reply.ts'

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>

/**
 * A plugin that serves a platform: `fastify.register(toFastify(plinth))`. Conversion only.
 *
 * It is encapsulated: its parser, which leaves every body as it is, is its own, and the host's parsers, wildcard and 404 stay.
 * Hooks of the host run before and after as for its own routes. The paths are registered one by one, since a wildcard would
 * collide with the host's. A path that both have is an error at start: `root: false` leaves `/` and `/health` to the host.
 *
 * What no Plinth route matches goes on to the host's 404 (`notFound: 'plinth'` answers it here instead). Registered under a
 * prefix, the platform must know it as `basePath`; under another one every request fails and names both.
 */
export function toFastify(
  plinth: Pick<Plinth, 'fetch' | 'knows' | 'basePath' | 'notFound' | 'paths'>,
): FastifyPluginCallback {
  return (fastify, _options, done) => {
    fastify.removeAllContentTypeParsers()
    fastify.addContentTypeParser('*', (_request, payload, parsed) => parsed(null, payload))
    const { prefix } = fastify
    if (prefix !== '' && prefix !== plinth.basePath) {
      fastify.all('/*', () => {
        throw wrongPrefix(prefix, plinth.basePath)
      })
      done()
      return
    }
    const handler = handlerOf(plinth)
    const patterns = new Set(plinth.paths.map((path) => patternOf(path.slice(prefix.length))))
    if (plinth.notFound === 'plinth') patterns.add(`${plinth.basePath.slice(prefix.length)}/*`)
    for (const pattern of patterns) register(fastify, pattern, handler)
    done()
  }
}

function handlerOf(plinth: Pick<Plinth, 'fetch' | 'knows' | 'notFound'>): Handler {
  return async (request, reply) => {
    const { raw: incoming, originalUrl: target } = request
    // Fastify's router may be told to overlook case and trailing slashes.
    if (plinth.notFound === 'host' && !plinth.knows(pathOfTarget(target))) {
      reply.callNotFound()
      return reply
    }
    // A hook of the host (inflating, say) may have put another stream in place of the incoming one.
    const body = request.body instanceof Readable && request.body !== incoming ? request.body : undefined
    const converted = nodeRequest({ incoming, outgoing: reply.raw, target, body })
    const response = await plinth.fetch(converted)
    leaveBody(converted, incoming)
    return sendReply(response, reply)
  }
}

/** `/sites/:id` → `/sites/:a0`: Fastify wants one name for one place, and reads more into names than letters. */
function patternOf(path: string): string {
  return path
    .split('/')
    .map((segment, index) => (segment.includes(':') ? `:a${index}` : segment))
    .join('/')
}

function register(fastify: FastifyInstance, url: string, handler: Handler): void {
  try {
    fastify.all(url, handler)
  } catch (error) {
    throw new Error(
      `toFastify(plinth) cannot serve ${fastify.prefix}${url}: the host has this route already. ` +
        'createPlinth({ root: false }) leaves / and /health to the host, basePath moves all paths.',
      { cause: error },
    )
  }
}

function wrongPrefix(mounted: string, basePath: string): Error {
  return new Error(
    `toFastify(plinth) is registered under '${mounted}', but the platform's basePath is '${basePath}'. ` +
      `Register it without a prefix and write createPlinth({ basePath: '${mounted}' }).`,
  )
}
