import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'

/** What node:http calls for each request; an adapter's may return a promise, which it settles itself. */
export type HttpListener = (incoming: IncomingMessage, outgoing: ServerResponse) => unknown

export interface Listening {
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  readonly url: string
  readonly port: number
  readonly server: Server
  /** Ends open connections too. */
  readonly close: () => Promise<void>
}

/** Serves on a free port of 127.0.0.1. Give an adapter's listener to test that adapter, or `fetchListener(plinth.fetch)`. */
export async function listen(listener: HttpListener): Promise<Listening> {
  const server = createServer((incoming, outgoing) => void listener(incoming, outgoing))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    server,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** The plainest bridge from node:http to a fetch handler. Products use an adapter; tests need no framework. */
export function fetchListener(fetch: (request: Request) => Promise<Response>): HttpListener {
  return (incoming, outgoing) => {
    answer(fetch, incoming, outgoing).catch((error: unknown) => {
      // An aborted upload, mostly. What is left to say it to is the closed socket.
      outgoing.destroy(error instanceof Error ? error : undefined)
    })
  }
}

async function answer(
  fetch: (request: Request) => Promise<Response>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const response = await fetch(toRequest(incoming))
  const cookies = response.headers.getSetCookie()
  // Each is a line of its own: a record of headers holds the last one alone.
  const headers = { ...Object.fromEntries(response.headers), ...(cookies.length > 0 && { 'set-cookie': cookies }) }
  outgoing.writeHead(response.status, headers)
  outgoing.end(Buffer.from(await response.arrayBuffer()))
}

/** What the fetch API refuses to make by itself. */
const forbiddenMethods = new Set(['TRACE', 'TRACK', 'CONNECT'])

function toRequest(incoming: IncomingMessage): Request {
  const method = incoming.method ?? 'GET'
  const headers = new Headers()
  for (let at = 0; at < incoming.rawHeaders.length; at += 2) {
    headers.append(incoming.rawHeaders[at]!, incoming.rawHeaders[at + 1]!)
  }
  const target = incoming.url ?? '/'
  const url = target.startsWith('/') ? `http://${incoming.headers.host ?? 'localhost'}${target}` : target
  const hasBody = method !== 'GET' && method !== 'HEAD' && (incoming.headers['content-length'] ?? '0') !== '0'
  const streamed = hasBody || (method !== 'GET' && method !== 'HEAD' && 'transfer-encoding' in incoming.headers)
  const request = new Request(url, {
    method: forbiddenMethods.has(method) ? 'OPTIONS' : method,
    headers,
    ...(streamed
      ? { body: Readable.toWeb(incoming) as NonNullable<RequestInit['body']>, duplex: 'half' as const }
      : {}),
  })
  if (forbiddenMethods.has(method)) Object.defineProperty(request, 'method', { value: method })
  return request
}
