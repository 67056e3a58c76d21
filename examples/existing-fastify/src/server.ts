import type { Plinth } from '@plinth/core'
import { plinthGuards, toFastify } from '@plinth/fastify'
import { fastify, type FastifyInstance } from 'fastify'
import { loans } from './schema.ts'
import { signedIn, signIn } from './sessions.ts'

/** The library's server as it was. What came with Plinth is marked. */
export function createServer(plinth: Plinth): FastifyInstance {
  const guards = plinthGuards(plinth) // Plinth
  const app = fastify()
  app.addHook('onRequest', async (_request, reply) => void reply.header('x-library', 'oak street'))
  app.addHook('onResponse', async ({ method, url }, { statusCode }) => console.error(`${method} ${url} ${statusCode}`))
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
    done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  )

  app.register(toFastify(plinth)) // Plinth
  app.register(guards) // Plinth: decorates the request

  app.get('/', async (request) => {
    const visitor = signedIn(request)
    return visitor ? `Good to see you, ${visitor.name}.` : 'The tool library. Sign in at /sign-in.'
  })
  app.get('/health', async () => 'all hammers hang')
  const named = {
    type: 'object',
    required: ['name'],
    properties: { name: { type: 'string', pattern: '^[\\w ]{1,40}$' } },
  }
  app.post<{ Body: { name: string } }>('/sign-in', { schema: { body: named } }, async (request, reply) => {
    signIn(reply, request.body.name)
    return reply.redirect('/', 303)
  })
  app.get('/lending/rules', async () => ({ days: 14 }))

  // Plinth: a page of the library's own, for who may read loans; it sees those of its own library.
  app.get('/overdue', { onRequest: guards.requirePermission('loan:read') }, async ({ plinth: { as, can, tenant } }) => {
    const due = await as((ctx) => ctx.list(loans, { sort: ['dueAt'] }))
    const overdue = due.filter(({ dueAt }) => dueAt < new Date())
    return { library: tenant.name, overdue: overdue.map(({ borrower }) => borrower), mayEnd: can('loan:delete') }
  })

  app.get('/*', async (_request, reply) => reply.callNotFound())
  app.setNotFoundHandler(async (_request, reply) => reply.code(404).send('No such shelf.'))
  app.setErrorHandler<Error & { readonly statusCode?: number }>(async (error, _request, reply) =>
    reply.code(error.statusCode ?? 500).send(`A bent nail: ${error.message}`),
  )
  return app
}
