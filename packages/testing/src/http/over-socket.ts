import { Agent, request as httpRequest } from 'node:http'
import type { SeededRandom } from '../random/seeded-random.ts'
import { isBodiless, type WireReply, type WireRequest } from './wire.ts'

export interface SocketSender {
  /** Resolves with undefined where this side hung up on purpose. */
  send(request: WireRequest): Promise<WireReply | undefined>
  close(): void
}

export interface SocketOptions {
  /** Connections at most. Default 16. */
  readonly connections?: number
  /** Share of requests that are given up after `0 … abortWithin` milliseconds, their connection destroyed. */
  readonly abort?: { readonly share: number; readonly within: number; readonly random: SeededRandom }
}

/** Sends over TCP with kept-alive connections. A request that is aborted leaves the server in the middle of its work. */
export function overSocket(url: string, options: SocketOptions = {}): SocketSender {
  const { hostname, port } = new URL(url)
  const agent = new Agent({ keepAlive: true, maxSockets: options.connections ?? 16 })
  return {
    send(request) {
      const { abort } = options
      const patience = abort?.random.chance(abort.share) ? abort.random.below(abort.within + 1) : undefined
      return exchange({ hostname, port, agent }, request, patience)
    },
    close: () => agent.destroy(),
  }
}

interface Place {
  readonly hostname: string
  readonly port: string
  readonly agent: Agent
}

function exchange(place: Place, request: WireRequest, patience: number | undefined): Promise<WireReply | undefined> {
  return new Promise((resolve, reject) => {
    const body = isBodiless(request.method) ? undefined : request.body
    const headers: Record<string, string | string[]> = {}
    for (const [name, value] of request.headers) {
      const before = headers[name.toLowerCase()]
      headers[name.toLowerCase()] = before === undefined ? value : [before, value].flat()
    }
    if (body !== undefined) headers['content-length'] = String(Buffer.byteLength(body))
    const outgoing = httpRequest({ ...place, path: request.target, method: request.method, headers })
    let given = false
    const timer = patience === undefined ? undefined : setTimeout(giveUp, patience)
    function giveUp(): void {
      given = true
      outgoing.destroy()
      resolve(undefined)
    }
    outgoing.on('error', (error) => (given ? resolve(undefined) : reject(error)))
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('error', (error) => (given ? resolve(undefined) : reject(error)))
      incoming.on('end', () => {
        clearTimeout(timer)
        const entries = Object.entries(incoming.headers).map(([name, value]) => [name, [value].flat().join(', ')])
        resolve({
          status: incoming.statusCode ?? 0,
          headers: Object.fromEntries(entries) as Record<string, string>,
          body: Buffer.concat(chunks).toString('utf8'),
        })
      })
    })
    outgoing.end(body)
  })
}
