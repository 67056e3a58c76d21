import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline, Readable } from 'node:stream'
import { NodeRequest } from './node-request.ts'
import { partsOf } from './node-response.ts'
import { uniteHeader } from './unite-headers.ts'

/** Bodies up to this length are read to their end by Node when nobody wants them, which keeps the connection. */
const SMALL = 65_536
/** What is still read of a longer one, so that its sender sees the answer and not a broken connection. */
const LINGER_BYTES = 8_388_608
const LINGER_MS = 1_000

/**
 * Writes a response. A stream is read as fast as the client takes it; when he hangs up, it is cancelled.
 * @throws TypeError for a header that HTTP cannot carry; nothing is sent then
 */
export function sendResponse(
  response: Response,
  request: Request,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): void {
  const { status, headers, body } = partsOf(response)
  if (outgoing.headersSent || outgoing.destroyed) {
    if (body instanceof ReadableStream) void body.cancel().catch(() => undefined)
    return
  }
  leaveBody(request, incoming)
  for (const name in headers) outgoing.setHeader(name, uniteHeader(name, outgoing.getHeader(name), headers[name]!))
  outgoing.statusCode = status
  if (!(body instanceof ReadableStream)) {
    if (body === null) {
      outgoing.end()
    } else {
      const bytes = typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength
      outgoing.setHeader('content-length', bytes)
      outgoing.end(body)
    }
    return
  }
  // The first event of a stream may be minutes away; its headers are not.
  outgoing.flushHeaders()
  pipeline(readableOf(body), outgoing, () => undefined)
}

/** A stream that reads only when it is asked to, and is cancelled when it is destroyed. */
export function readableOf(stream: ReadableStream<Uint8Array>, onFirstRead?: () => void): Readable {
  const reader = stream.getReader()
  let first = onFirstRead
  const next = async (): Promise<Uint8Array | null> => {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return null
      if (value.byteLength > 0) return value // an empty chunk would tell Node that nothing will come
    }
  }
  return new Readable({
    read() {
      first?.()
      first = undefined
      next().then(
        (chunk) => this.push(chunk),
        (error: unknown) => this.destroy(error instanceof Error ? error : new Error(String(error))),
      )
    },
    destroy(error, done) {
      const finish = (): void => done(error)
      reader.cancel(error ?? undefined).then(finish, finish)
    },
  })
}

/**
 * What becomes of a body that was refused unread (413, 404). Node would swallow it to the end, however long; hanging up at once
 * makes many clients lose the answer. So a little more is read for a moment, then the connection ends.
 */
export function leaveBody(request: Request, incoming: IncomingMessage): void {
  if (!(request instanceof NodeRequest) || !request.leftUnread) return
  if (Number(incoming.headers['content-length'] ?? Infinity) <= SMALL) return
  let left = LINGER_BYTES
  const hangUp = (): void => {
    clearTimeout(late)
    incoming.pause()
    incoming.socket?.destroySoon()
  }
  const late = setTimeout(hangUp, LINGER_MS)
  late.unref()
  incoming.on('data', (chunk: Buffer) => {
    left -= chunk.byteLength
    if (left < 0) hangUp()
  })
  incoming.once('close', () => clearTimeout(late))
  incoming.once('end', () => clearTimeout(late))
  incoming.resume()
}
