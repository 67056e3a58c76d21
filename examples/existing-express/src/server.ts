import type { Plinth } from '@plinth/core'
import { plinthGuards, toExpress } from '@plinth/express'
import express, { type ErrorRequestHandler, type Express } from 'express'
import { repairs } from './schema.ts'
import { signedIn, signIn } from './sessions.ts'

/** The workshop's server as it was. What came with Plinth is marked. */
export function createServer(plinth: Plinth): Express {
  const { requirePermission, problems } = plinthGuards(plinth) // Plinth
  const app = express()
  app.disable('x-powered-by')
  app.use((request, response, next) => {
    response.setHeader('x-workshop', 'spokes')
    response.on('finish', () => console.error(`${request.method} ${request.originalUrl} ${response.statusCode}`))
    next()
  })

  app.use(toExpress(plinth)) // Plinth: before the parsers, since it reads bodies itself

  app.use(express.json())
  app.use(express.urlencoded({ extended: false }))
  app.get('/', (request, response) => {
    const visitor = signedIn(request)
    response.send(visitor ? `Good to see you, ${visitor.name}.` : 'Spokes, bicycle repairs. Sign in at /sign-in.')
  })
  app.get('/health', (_request, response) => void response.send('the wheels turn'))
  app.post('/sign-in', (request, response) => {
    const { name } = request.body as { name?: unknown }
    if (typeof name !== 'string' || !/^[\w ]{1,40}$/.test(name)) throw new Error('no such name')
    signIn(response, name)
    response.redirect(303, '/')
  })
  app.get('/api/v1/opening-hours', (_request, response) => void response.json({ monday: '9–18' }))

  // Plinth: a page of the workshop's own, for who may read repairs; it sees those of its own workshop.
  app.get('/today', requirePermission('repair:read'), async (request, response) => {
    const { as, can, tenant } = request.plinth
    const open = await as((ctx) => ctx.list(repairs, { where: { status: 'open' }, sort: ['createdAt'] }))
    response.json({ workshop: tenant.name, open: open.map(({ what }) => what), mayClose: can('repair:update') })
  })

  app.use((_request, response) => void response.status(404).send('This road ends here.'))
  app.use(problems) // Plinth: its errors, where a handler of ours lets them through
  const onError: ErrorRequestHandler = (error: Error, _request, response, _next) => {
    response.status(500).send(`A flat tyre: ${error.message}`)
  }
  app.use(onError)
  return app
}
