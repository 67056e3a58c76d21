import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { problem, type Plinth } from '@plinth/core'
import { nodeRequest, pathOfTarget, sendResponse } from '@plinth/core/node'
import { CliError, UsageError } from './cli-error.ts'

export interface Place {
  readonly host: string
  readonly port: number
}

/** `127.0.0.1:9090`, `[::1]:9090`, or a port alone, which is of this machine. @throws UsageError */
export function placeOf(text: string): Place {
  const match = /^(?:(\[[0-9a-f:.]+\]|[\w.-]+):)?(\d{1,5})$/i.exec(text)
  const port = Number(match?.[2])
  if (!match || port > 65_535) throw new UsageError(`--listen ${text}: write an address and a port, 127.0.0.1:9090.`)
  return { host: (match[1] ?? '127.0.0.1').replace(/^\[|\]$/g, ''), port }
}

/** All that a process that runs jobs answers. Nothing of the product: it stands behind no proxy and has no limits of its own to be tuned. */
const shown = new Set(['/health', '/health/live', '/health/ready', '/metrics'])

export interface WorkerServer {
  /** Where it is reached: `http://127.0.0.1:9090`. */
  readonly origin: string
  close(): void
}

/**
 * Health and metrics of a process that serves nothing else, by the platform's own routes: the same answers, and the same rules for who
 * may read the metrics.
 * @throws CliError where nobody can listen there
 */
export async function serveHealth(
  plinth: Pick<Plinth, 'fetch' | 'problem' | 'basePath'>,
  place: Place,
): Promise<WorkerServer> {
  const server = createServer((incoming, outgoing) => void answer(plinth, incoming, outgoing))
  await bound(server, place)
  const { address, port, family } = server.address() as AddressInfo
  return {
    origin: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

async function answer(
  plinth: Pick<Plinth, 'fetch' | 'problem' | 'basePath'>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const path = pathOfTarget(incoming.url ?? '/')
  // Below /api/v1 they are in any case; at the root a platform may leave them out.
  const target = shown.has(path) ? `${plinth.basePath}/api/v1${path}` : '/'
  const request = nodeRequest({ incoming, outgoing, target })
  try {
    const response = shown.has(path) ? await plinth.fetch(request) : plinth.problem(problem('not_found'), request)
    if (response) sendResponse(response, request, incoming, outgoing)
    else outgoing.writeHead(404).end()
  } catch {
    outgoing.destroy()
  }
}

function bound(server: Server, { host, port }: Place): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(new CliError('listen', `Nobody can listen on ${host}, port ${port} (${error.code}).`, { cause: error })),
    )
    server.listen(port, host, resolve)
  })
}
