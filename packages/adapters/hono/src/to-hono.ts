import type { Plinth } from '@plinth/core'
import { Hono } from 'hono'

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
    if (plinth.notFound === 'host' && !plinth.knows(context.req.path)) return next()
    return plinth.fetch(context.req.raw)
  })
  return app
}

/** `/tools/*` → `/tools`; `/*` → ``. */
function mountPrefix(routePath: string): string {
  return routePath.replace(/\/?\*$/, '')
}
