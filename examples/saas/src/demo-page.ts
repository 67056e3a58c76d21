import { Hono } from 'hono'

/** Two pages to watch, so that a first check needs nobody else's server: one that is up, one that is down. */
export const demoPages = new Hono()
  .get('/status-page', (context) => context.text('All systems of the demo client are up.\n'))
  .get('/broken', (context) => context.text('The demo client is down, as intended.\n', 503))
