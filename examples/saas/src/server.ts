import type { Plinth } from '@plinth/core'
import { toHono } from '@plinth/hono'
import { Hono } from 'hono'
import { demoPages } from './demo-page.ts'

/** Everything that the server answers: its own pages, then the platform, which answers 404 to the rest. */
export function lookoutApp(plinth: Plinth): Hono {
  const app = new Hono()
  app.route('/', demoPages(`${plinth.basePath}/demo`))
  app.route('/', toHono(plinth))
  return app
}
