import type { Server, ServerResponse } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import type { Plinth } from '../platform/plinth.ts'

export interface GracefulOptions {
  /**
   * Milliseconds between being not ready and taking no more connections: so long a load balancer may need to see it. Requests are
   * answered as ever meanwhile, each the last one of its connection. Default 0.
   */
  readonly delayMs?: number
  /** Milliseconds that requests in flight may take after that. Default 10,000. */
  readonly graceMs?: number
}

export interface GracefulServer {
  /**
   * Ends it all: not ready, no more connections, the last answers, then the platform (its workers, what it sends, its connections).
   * Called again it gives the same promise.
   * @throws what `plinth.close()` throws
   */
  readonly stop: () => Promise<void>
}

/** How often connections that have become idle are looked for. */
const LOOK_MS = 50

/**
 * Lets a server of node:http end without breaking a request. Call it right after the server was made, whatever framework answers.
 *
 * A connection that is kept alive is not closed under a request that is being sent on it: each answer says `Connection: close`, and the
 * client opens the next one elsewhere.
 */
export function gracefulServer(
  server: Server | TlsServer,
  plinth: Pick<Plinth, 'drain' | 'close'>,
  { delayMs = 0, graceMs = 10_000 }: GracefulOptions = {},
): GracefulServer {
  const open = new Set<ServerResponse>()
  let isEnding = false
  server.prependListener('request', (_request, response: ServerResponse) => {
    if (isEnding) response.setHeader('connection', 'close')
    open.add(response)
    response.once('close', () => open.delete(response))
  })
  const end = async (): Promise<void> => {
    isEnding = true
    for (const response of open) if (!response.headersSent) response.setHeader('connection', 'close')
    const drained = plinth.drain()
    if (delayMs > 0) await sleep(delayMs)
    await closed(server, graceMs)
    await drained
    await plinth.close()
  }
  let ending: Promise<void> | undefined
  return { stop: () => (ending ??= end()) }
}

/** A server that does not listen (any more) is closed already. */
function closed(server: Server | TlsServer, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const late = setTimeout(() => server.closeAllConnections(), graceMs)
    const idle = setInterval(() => server.closeIdleConnections(), LOOK_MS)
    server.close(() => {
      clearTimeout(late)
      clearInterval(idle)
      resolve()
    })
  })
}

/**
 * Ends the process by SIGTERM and SIGINT: exit code 0 when `stop` has resolved, 1 when it rejected. A second signal does not wait (130).
 * @param onFailure is told what `stop` rejected with. Default: it is printed on standard error
 */
export function stopOnSignals(stop: () => Promise<void>, onFailure: (error: unknown) => void = print): void {
  let isStopping = false
  const onSignal = (): void => {
    if (isStopping) process.exit(130)
    isStopping = true
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        onFailure(error)
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
}

function print(error: unknown): void {
  process.stderr.write(`${inspect(error)}\n`)
}
