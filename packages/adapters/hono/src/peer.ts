import type { Peer } from '@plinth/core'
import type { Context } from 'hono'

/** What `@hono/node-server` puts into the bindings. */
interface NodeBindings {
  readonly incoming?: { readonly socket?: { readonly remoteAddress?: string; readonly encrypted?: boolean } }
}

/** The other end of the connection. Undefined on other servers, and in `app.request`: there is no socket to ask. */
export function peerOf(context: Context): Peer | undefined {
  // Hono's bindings may be anything, nothing included.
  const socket = (context.env as NodeBindings | undefined)?.incoming?.socket
  return socket && { address: socket.remoteAddress, secure: socket.encrypted === true }
}
