import { Hono } from 'hono'

/** A site to watch, so that a first check needs nobody else's server: its front page and one more are up, one is down. */
export function demoPages(path: string): Hono {
  return (
    new Hono()
      // A monitor of the path `/` asks for it with the slash, and a redirect would be an answer like any other.
      .on('GET', [path, `${path}/`], (context) =>
        context.text('The demo client. /demo/status-page is up, /demo/broken is down.\n'),
      )
      .get(`${path}/status-page`, (context) => context.text('All systems of the demo client are up.\n'))
      .get(`${path}/broken`, (context) => context.text('The demo client is down, as intended.\n', 503))
  )
}
