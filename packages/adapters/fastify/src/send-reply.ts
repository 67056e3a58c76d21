import { partsOf, readableOf, uniteHeader } from '@plinth/core/node'
import type { FastifyReply } from 'fastify'

/** Sends a response by Fastify's own means, so that the host's hooks and headers take part. */
export function sendReply(response: Response, reply: FastifyReply): FastifyReply {
  const { status, headers, body } = partsOf(response)
  if (reply.raw.destroyed) {
    // Nobody is there any more.
    if (body instanceof ReadableStream) void body.cancel().catch(() => undefined)
    return reply.hijack()
  }
  reply.code(status)
  for (const name in headers) {
    const own = headers[name]!
    // Fastify adds cookies to those that are there; Vary is for us to unite.
    reply.header(name, name === 'set-cookie' ? own : uniteHeader(name, reply.getHeader(name), own))
  }
  if (body === null) return reply.send()
  // As bytes: Fastify appends a charset to the type of JSON that comes as text, and HEAD would not say so.
  if (typeof body === 'string') return reply.send(Buffer.from(body))
  if (body instanceof Uint8Array) return reply.send(Buffer.from(body.buffer, body.byteOffset, body.byteLength))
  // The first event of a stream may be minutes away; its headers are not.
  return reply.send(readableOf(body, () => reply.raw.flushHeaders()))
}
