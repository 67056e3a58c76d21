import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { Granted, Plinth } from '@plinth/core'
import { plinthGuards as expressGuards, toExpress } from '@plinth/express'
import { plinthGuards as fastifyGuards, toFastify } from '@plinth/fastify'
import { plinthGuards as honoGuards, toHono } from '@plinth/hono'
import express, { type ErrorRequestHandler } from 'express'
// @ts-expect-error express 4 under another name has no types of its own; what is used of it is as in 5
import express4 from 'express-4'
import { fastify } from 'fastify'
import { Hono } from 'hono'

/** What an adapter needs of a platform. */
export type Mountable = Pick<Plinth, 'fetch' | 'knows' | 'basePath' | 'notFound' | 'paths'>

/** What the guarded routes of a host do, whatever the framework. */
export interface Guarded {
  readonly plinth: Plinth
  /** `POST /mine/notes`, for who may create notes. */
  readonly add: (granted: Granted, body: unknown) => Promise<unknown>
  /** `GET /mine/who`, for any principal. */
  readonly who: (granted: Granted) => Promise<unknown>
}

export interface HostOptions {
  /** Mounted through the framework's own prefix. */
  readonly mount?: string
  /** The host's parser of JSON bodies stands in front of Plinth; `keeping` the bytes, where the framework can. */
  readonly parser?: 'in front' | 'in front, keeping the bytes'
  /** Routes of the host's own below `/mine`, guarded by this platform. */
  readonly guarded?: Guarded
}

export interface Host {
  readonly url: string
  readonly port: number
  /** What the host's own middleware saw of finished answers: `GET /path 200`. */
  readonly seen: string[]
  close(): Promise<void>
}

/**
 * One server of each framework, all the same: routes before and after Plinth, one between Plinth's paths, a wildcard, a parser of
 * JSON, a 404, an error handler, and middleware that sets headers before and looks at the answer after.
 */
export const hosts = {
  Hono: honoHost,
  'Express 5': (platform: Mountable, options: HostOptions = {}) => expressHost(express, platform, options),
  'Express 4': (platform: Mountable, options: HostOptions = {}) =>
    expressHost(express4 as typeof express, platform, options),
  Fastify: fastifyHost,
} as const satisfies Record<string, (platform: Mountable, options?: HostOptions) => Promise<Host>>

export type HostName = keyof typeof hosts

async function honoHost(platform: Mountable, { mount = '', parser, guarded }: HostOptions = {}): Promise<Host> {
  const seen: string[] = []
  const app = new Hono()
  app.use('*', async (context, next) => {
    context.header('x-host', 'yes')
    context.header('vary', 'Origin')
    context.header('cache-control', 'public, max-age=60')
    context.header('set-cookie', 'host=1')
    if (parser && context.req.header('content-type') === 'application/json') await context.req.json()
    await next()
    seen.push(`${context.req.method} ${context.req.path} ${context.res.status}`)
  })
  app.get('/mine/before', (context) => context.text('before'))
  app.route(mount || '/', toHono(platform))
  app.get('/mine/after', (context) => context.text('after'))
  app.get('/api/v1/mine', (context) => context.text('between'))
  app.get('/files/*', (context) => context.text('wildcard'))
  app.post('/mine/json', async (context) => context.json(await context.req.json()))
  const guards = guarded && honoGuards(guarded.plinth)
  if (guarded && guards) {
    app.post('/mine/notes', guards.requirePermission('note:create'), async (context) =>
      context.json((await guarded.add(context.var.plinth, await context.req.json())) as object),
    )
    app.get('/mine/who', guards.requirePrincipal(), async (context) =>
      context.json((await guarded.who(context.var.plinth)) as object),
    )
  }
  app.notFound((context) => context.text('the host has nothing here', 404))
  app.onError(
    (error, context) => guards?.problem(error, context) ?? context.text(`the host says: ${error.message}`, 500),
  )
  const listener = getRequestListener(app.fetch)
  return serve(
    createServer((incoming, outgoing) => void listener(incoming, outgoing)),
    seen,
  )
}

async function expressHost(
  make: typeof express,
  platform: Mountable,
  { mount, parser, guarded }: HostOptions = {},
): Promise<Host> {
  const seen: string[] = []
  const app = make()
  app.use((request, response, next) => {
    response.setHeader('x-host', 'yes')
    response.setHeader('vary', 'Origin')
    response.setHeader('cache-control', 'public, max-age=60')
    response.setHeader('set-cookie', 'host=1')
    response.on('finish', () => seen.push(`${request.method} ${request.originalUrl} ${response.statusCode}`))
    next()
  })
  app.get('/mine/before', (_request, response) => void response.send('before'))
  if (parser === 'in front') app.use(make.json())
  if (parser === 'in front, keeping the bytes') {
    app.use(make.json({ verify: (request, _response, bytes) => Object.assign(request, { rawBody: bytes }) }))
  }
  if (mount === undefined) app.use(toExpress(platform))
  else app.use(mount, toExpress(platform))
  app.get('/mine/after', (_request, response) => void response.send('after'))
  app.get('/api/v1/mine', (_request, response) => void response.send('between'))
  app.use('/files', (_request, response) => void response.send('wildcard'))
  app.post('/mine/json', make.json(), (request, response) => void response.json(request.body))
  const guards = guarded && expressGuards(guarded.plinth)
  if (guarded && guards) {
    app.post('/mine/notes', guards.requirePermission('note:create'), make.json(), (request, response, next) => {
      guarded.add(request.plinth, request.body).then((made) => response.json(made), next)
    })
    app.get('/mine/who', guards.requirePrincipal(), (request, response, next) => {
      guarded.who(request.plinth).then((who) => response.json(who), next)
    })
  }
  app.use((_request, response) => void response.status(404).send('the host has nothing here'))
  if (guards) app.use(guards.problems)
  const refuse: ErrorRequestHandler = (error: Error, _request, response, _next) => {
    response.status(500).send(`the host says: ${error.message}`)
  }
  app.use(refuse)
  return serve(createServer(app), seen)
}

async function fastifyHost(platform: Mountable, { mount, guarded }: HostOptions = {}): Promise<Host> {
  const seen: string[] = []
  const app = fastify()
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers({ 'x-host': 'yes', vary: 'Origin', 'cache-control': 'public, max-age=60', 'set-cookie': 'host=1' })
  })
  app.addHook('onResponse', async (request, reply) => {
    seen.push(`${request.method} ${request.originalUrl} ${reply.statusCode}`)
  })
  app.get('/mine/before', async () => 'before')
  app.register(toFastify(platform), mount === undefined ? {} : { prefix: mount })
  app.get('/mine/after', async () => 'after')
  app.get('/api/v1/mine', async () => 'between')
  app.get('/files/*', async () => 'wildcard')
  app.post('/mine/json', async (request) => request.body)
  const guards = guarded && fastifyGuards(guarded.plinth)
  if (guarded && guards) {
    app.register(guards)
    app.post('/mine/notes', { onRequest: guards.requirePermission('note:create') }, async (request) =>
      guarded.add(request.plinth, request.body),
    )
    app.get('/mine/who', { preHandler: guards.requirePrincipal() }, async (request) => guarded.who(request.plinth))
  }
  // A single-page application of the host: whatever nobody else has.
  if (platform.notFound === 'host') app.get('/*', async (_request, reply) => reply.callNotFound())
  app.setNotFoundHandler(async (_request, reply) => reply.code(404).send('the host has nothing here'))
  app.setErrorHandler<Error>(async (error, request, reply) => {
    try {
      if (guards) return guards.problems(error, request, reply)
    } catch {
      // the host's own
    }
    return reply.code(500).send(`the host says: ${error.message}`)
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    seen,
    async close() {
      app.server.closeAllConnections()
      await app.close()
    },
  }
}

async function serve(server: Server, seen: string[]): Promise<Host> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    seen,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
