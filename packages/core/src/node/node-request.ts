import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { streamOf } from './body-stream.ts'
import { headerRecord } from './header-record.ts'

/** What a `Request` is made of where node:http received it. */
export interface NodeRequestParts {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
  /** Path and query as the browser sent them: under a mount, frameworks shorten `incoming.url`. */
  readonly target: string
  /** The exact bytes of the body, where the host kept them. */
  readonly bytes?: Uint8Array | undefined
  /** What the body is read from, where the host put a stream of its own (inflating, counting) around the incoming one. */
  readonly body?: Readable | undefined
}

/** How far somebody has come with the body: what is left unread decides what becomes of the connection. */
type BodyState = 'untouched' | 'reading' | 'abandoned' | 'done'

/**
 * A `Request` over an incoming message of Node. `new Request` copies headers and starts a stream: 4 µs, and 15 with a body;
 * this one makes each part when somebody asks for it. It is a `Request` to `instanceof` and to everybody who reads it; what is
 * rare (`clone`, `formData`, `blob`) goes through a real one.
 */
export class NodeRequest {
  readonly #parts: NodeRequestParts
  #record: Readonly<Record<string, string>> | undefined
  #headers: Headers | undefined
  #controller: AbortController | undefined
  #stream: ReadableStream<Uint8Array<ArrayBuffer>> | undefined
  #native: Request | undefined
  #state: BodyState = 'untouched'

  constructor(parts: NodeRequestParts) {
    this.#parts = parts
  }

  get method(): string {
    return this.#parts.incoming.method ?? 'GET'
  }

  /** The path is not resolved: `/../` stays what it is, as in the log of every proxy in front. */
  get url(): string {
    const { incoming, target } = this.#parts
    if (target.startsWith('http://') || target.startsWith('https://')) return target
    const host = incoming.headers.host
    const scheme = 'encrypted' in incoming.socket && incoming.socket.encrypted ? 'https' : 'http'
    // Never believed, and `a/b` would move the path: what is no host is refused by the pipeline.
    const authority = host !== undefined && wellFormedHost.test(host) ? host : 'localhost'
    return `${scheme}://${authority}${target.startsWith('/') ? '' : '/'}${target}`
  }

  /** The socket's own word: no header is read for it. Node remembers the address from its first use on. */
  get peer(): { readonly address: string | undefined; readonly secure: boolean } {
    const { socket } = this.#parts.incoming
    return { address: socket.remoteAddress, secure: 'encrypted' in socket && socket.encrypted === true }
  }

  /** Lower-case names, values joined as `Headers` joins them. */
  get headerRecord(): Readonly<Record<string, string>> {
    return (this.#record ??= headerRecord(this.#parts.incoming, this.#parts.body !== undefined))
  }

  get headers(): Headers {
    return (this.#headers ??= new Headers(this.headerRecord))
  }

  /** Aborted when the client hangs up before it has the whole answer. */
  get signal(): AbortSignal {
    if (this.#controller) return this.#controller.signal
    const { outgoing } = this.#parts
    const controller = (this.#controller = new AbortController())
    const close = (): void => {
      if (!outgoing.writableFinished) controller.abort(new DOMException('The client hung up.', 'AbortError'))
    }
    if (outgoing.destroyed) close()
    else outgoing.once('close', close)
    return controller.signal
  }

  /** Has somebody read of it, here or in the host before? Then its bytes are gone. */
  get bodyUsed(): boolean {
    if (this.#state !== 'untouched') return true
    if (this.#parts.bytes !== undefined || !this.#hasBody) return false
    const source = this.#parts.body ?? this.#parts.incoming
    return source.readableDidRead || source.readableEnded
  }

  get body(): ReadableStream<Uint8Array<ArrayBuffer>> | null {
    if (!this.#hasBody || this.method === 'GET' || this.method === 'HEAD') return null
    if (this.#stream) return this.#stream
    const { bytes, body, incoming } = this.#parts
    const moveTo = (state: BodyState) => () => {
      this.#state = state
    }
    this.#stream = streamOf(bytes ?? body ?? incoming, {
      onRead: moveTo('reading'),
      onEnd: moveTo('done'),
      onCancel: moveTo('abandoned'),
    })
    return this.#stream
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    const bytes = await this.bytes()
    const { buffer, byteOffset, byteLength } = bytes
    return byteOffset === 0 && byteLength === buffer.byteLength
      ? buffer
      : buffer.slice(byteOffset, byteOffset + byteLength)
  }

  /** @throws TypeError when the body was read before, as a `Request` does */
  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    if (this.bodyUsed) throw new TypeError('Body is unusable: Body has already been read')
    if (this.#parts.bytes !== undefined) {
      this.#state = 'done'
      return Uint8Array.from(this.#parts.bytes)
    }
    if (!this.#hasBody) return new Uint8Array()
    this.#state = 'reading'
    const whole = await collect(this.#parts.body ?? this.#parts.incoming)
    this.#state = 'done'
    return whole
  }

  async text(): Promise<string> {
    return new TextDecoder().decode(await this.bytes())
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text())
  }

  clone(): Request {
    return this.#real.clone()
  }

  blob(): Promise<Blob> {
    return this.#real.blob()
  }

  formData(): Promise<FormData> {
    return this.#real.formData()
  }

  /** Is a body on its way that nobody reads? */
  get leftUnread(): boolean {
    return (
      (this.#state === 'untouched' || this.#state === 'abandoned') && this.#hasBody && !this.#parts.incoming.complete
    )
  }

  get #hasBody(): boolean {
    const { headers } = this.#parts.incoming
    return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
  }

  get #real(): Request {
    const init = { method: this.method, headers: this.headers, signal: this.signal, body: this.body, duplex: 'half' }
    return (this.#native ??= new Request(this.url, init as RequestInit))
  }

  static {
    // A Request to `instanceof`; every property that its prototype reads from private fields is defined above or here.
    const rest = ['cache', 'credentials', 'destination', 'integrity', 'keepalive', 'mode', 'redirect', 'referrer']
    for (const name of [...rest, 'referrerPolicy', 'duplex']) {
      Object.defineProperty(NodeRequest.prototype, name, {
        configurable: true,
        get(this: NodeRequest): unknown {
          return Reflect.get(this.#real, name)
        },
      })
    }
    Object.setPrototypeOf(NodeRequest.prototype, Request.prototype)
  }
}

/** Names, addresses, `[::1]`, each with a port. */
export const wellFormedHost = /^(?:[\w.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i

/** The request as the standard type; the class above has no public way to be one, because the standard's is closed. */
export function nodeRequest(parts: NodeRequestParts): Request {
  return new NodeRequest(parts) as unknown as Request
}

/** Reads all of a body whose length its sender declared: the parser lets no more through. */
function collect(source: Readable): Promise<Uint8Array<ArrayBuffer>> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer<ArrayBuffer>[] = []
    const finish = (settle: () => void): void => {
      source.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose)
      settle()
    }
    const onData = (chunk: Buffer<ArrayBuffer>): void => {
      chunks.push(chunk)
    }
    const onEnd = (): void => finish(() => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)))
    const onError = (error: unknown): void =>
      finish(() => reject(error instanceof Error ? error : new Error(String(error))))
    const onClose = (): void => finish(() => reject(new Error('the client hung up')))
    source.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose)
    if (source.destroyed) onClose()
  })
}
