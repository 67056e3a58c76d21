import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { toExpress } from '@plinth/express'
import { toFastify } from '@plinth/fastify'
import { toHono } from '@plinth/hono'
import express from 'express'
import { fastify } from 'fastify'
import { Hono } from 'hono'
import { report, serverSetting } from '../servers/child.ts'
import { idlePlatform, LIVE } from './idle-platform.ts'

// `hono bare`, `express plinth` …: the framework answering by itself, or through its adapter.
const [framework, kind] = serverSetting().variant.split(' ')
const throughPlinth = kind === 'plinth'
const live = { status: 'healthy' }

async function listen(): Promise<Server> {
  if (framework === 'fastify') {
    const app = fastify()
    if (throughPlinth) app.register(toFastify(idlePlatform()))
    else app.get(LIVE, async () => live)
    await app.listen({ port: 0, host: '127.0.0.1' })
    return app.server
  }
  const server = createServer(framework === 'hono' ? honoListener() : expressApp())
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))
}

function honoListener(): (...args: Parameters<ReturnType<typeof getRequestListener>>) => void {
  const app = new Hono()
  if (throughPlinth) app.route('/', toHono(idlePlatform()))
  else app.get(LIVE, (context) => context.json(live))
  const listener = getRequestListener(app.fetch)
  return (incoming, outgoing) => void listener(incoming, outgoing)
}

function expressApp(): express.Express {
  const app = express()
  if (throughPlinth) app.use(toExpress(idlePlatform()))
  else app.get(LIVE, (_request, response) => void response.json(live))
  return app
}

const server = await listen()
report((server.address() as AddressInfo).port, () => {
  server.close()
  return Promise.resolve()
})
