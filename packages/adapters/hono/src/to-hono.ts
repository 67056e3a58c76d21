import type { Plinth } from '@plinth/core'
import { pathOfTarget, uniteHeader } from '@plinth/core/node'
import { Hono, type Context } from 'hono'
import { peerOf } from './peer.ts'

/**
 * A Hono app that serves a platform: `new Hono().route('/', toHono(plinth))`. Conversion only: Hono speaks Request and
 * Response already.
 *
 * What no Plinth route matches goes on to the host's own routes, before and after this mount (`notFound: 'plinth'` answers it
 * here instead). Mounted under a prefix, the platform must know it as `basePath`, since links, cookies and OpenAPI need the
 * whole path as the browser sees it; another prefix is an error that names both.
 */
export function toHono(plinth: Pick<Plinth, 'fetch' | 'knows' | 'basePath' | 'notFound'>): Hono {
  const app = new Hono()
  app.use('*', async (context, next) => {
    const prefix = mountPrefix(context.req.routePath)
    if (prefix !== '' && prefix !== plinth.basePath) {
      throw new Error(
        `toHono(plinth) is mounted at '${prefix}', but the platform's basePath is '${plinth.basePath}'. ` +
          `Mount it at '/' and write createPlinth({ basePath: '${prefix}' }).`,
      )
    }
    if (plinth.notFound === 'host' && !plinth.knows(pathOfTarget(context.req.raw.url))) return next()
    const response = await plinth.fetch(context.req.raw, peerOf(context))
    // The first that runs: nothing can have set any headers, and to look would make a response of its own.
    if (context.req.routeIndex === 0) return response
    // What the host's middleware has set so far. Hono would drop it, or let it win over what Plinth says.
    const before = [...context.newResponse(null).headers]
    if (before.length === 0) return response
    unite(context, before, response)
  })
  return app
}

/** Both sets of headers in one answer: Plinth's count, every cookie is kept, `Vary` is united. */
function unite(context: Context, before: Iterable<readonly [string, string]>, response: Response): void {
  // Into the response itself: a copy would turn its text into a stream, without a length.
  const { headers } = response
  for (const [name, held] of before) {
    const own = headers.get(name)
    if (name === 'set-cookie') headers.append(name, held)
    else headers.set(name, own === null ? held : String(uniteHeader(name, held, own)))
  }
  // Cleared first, or Hono lays what was there before over it again.
  context.res = undefined
  context.res = response
}

/** `/tools/*` → `/tools`; `/*` → ``. */
function mountPrefix(routePath: string): string {
  return routePath.replace(/\/?\*$/, '')
}
