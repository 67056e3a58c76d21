import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { Plinth } from '@plinth/core'
import { gracefulServer, type GracefulOptions } from '@plinth/core/node'
import { StartError } from './start-error.ts'

export interface Listening {
  /** As this machine reaches it: `http://127.0.0.1:8000`. */
  readonly origin: string
  /** Lets running requests end, then closes what is behind them. */
  stop(): Promise<void>
}

interface Place {
  readonly host: string
  readonly port: number
}

/** @param ends what is closed behind the last answer @throws StartError */
export async function listen(
  fetch: (request: Request) => Response | Promise<Response>,
  place: Place,
  ends: Pick<Plinth, 'drain' | 'close'>,
  options: GracefulOptions = {},
): Promise<Listening> {
  const listener = getRequestListener(fetch)
  const server = createServer((incoming, outgoing) => void listener(incoming, outgoing))
  const { stop } = gracefulServer(server, ends, options)
  await bind(server, place)
  const { port } = server.address() as AddressInfo
  return { origin: `http://${reachable(place.host)}:${port}`, stop }
}

/**
 * Takes the place and leaves it again: making a database takes seconds, and a taken port should be told before.
 * @throws StartError
 */
export async function claim(place: Place): Promise<void> {
  if (place.port === 0) return
  const probe = createServer()
  await bind(probe, place)
  await new Promise((resolve) => probe.close(resolve))
}

function bind(server: Server, place: Place): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(new StartError(inWords(error, place), { cause: error })))
    server.listen(place.port, place.host, resolve)
  })
}

function inWords({ code }: NodeJS.ErrnoException, { host, port }: Place): string {
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${port} on ${host} is in use: stop what listens there, or choose another one: PORT=${port + 1} npm start`
    case 'EACCES':
      return `Port ${port} may not be opened by this user: choose one from 1024 on: PORT=8000 npm start`
    default:
      return `Nobody can listen on ${host}, port ${port} (${code}): API_HOST=127.0.0.1 npm start`
  }
}

/** Who listens everywhere is reached here. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}
