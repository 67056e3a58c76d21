import { problem } from '../errors/plinth-error.ts'

/** Reads a body of at most `limit` bytes; a longer one is refused while it comes in, not after. */
export async function readBody(
  { request, headers }: { readonly request: Request; readonly headers: Readonly<Record<string, string>> },
  limit: number,
  tooLarge: () => Error,
): Promise<Uint8Array | undefined> {
  const declared = headers['content-length']
  if (declared === '0') return undefined
  // Parsed by something in front: what is left of it (an object, nothing) is not what was sent, and signatures are over that.
  if (request.bodyUsed) {
    throw problem('body_already_read', {
      detail:
        'Something in front of Plinth has read the body. Mount Plinth before what parses bodies (express.json() …).',
    })
  }
  // A server that was told a length reads no more than that; looking at `request.body` would cost a stream.
  if (declared !== undefined) {
    const whole = new Uint8Array(await request.arrayBuffer())
    if (whole.byteLength > limit) throw tooLarge()
    return whole
  }
  if (request.body === null) return undefined
  const chunks: Uint8Array[] = []
  let length = 0
  const reader = (request.body as ReadableStream<Uint8Array>).getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    length += value.byteLength
    if (length > limit) {
      await reader.cancel()
      throw tooLarge()
    }
    chunks.push(value)
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
}
