import type { AnswerBody } from '../pipeline/answer.ts'
import { NodeRequest } from './node-request.ts'

type NativeBody = ConstructorParameters<typeof Response>[0]

/** What a response is written from. Several `Set-Cookie` are an array: joined by a comma, browsers read one broken cookie. */
export interface ResponseParts {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly body: AnswerBody
}

/**
 * A `Response` that becomes a real one when somebody looks into it. An adapter on node:http takes the parts instead: making a
 * `Response`, iterating its headers and reading its body costs 8 µs, the parts nothing.
 */
class NodeResponse {
  #parts: ResponseParts
  #native: Response | undefined

  constructor(parts: ResponseParts) {
    this.#parts = parts
  }

  get status(): number {
    return this.#native?.status ?? this.#parts.status
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300
  }

  /** Undefined once it was looked into: it may have been changed or read since. */
  static partsOf(response: NodeResponse): ResponseParts | undefined {
    return response.#native ? undefined : response.#parts
  }

  get #real(): Response {
    const { status, headers, body } = this.#parts
    if (this.#native) return this.#native
    const { 'set-cookie': cookies, ...others } = headers
    const made = new Response(body as NativeBody, { status, headers: others as Record<string, string> })
    for (const cookie of typeof cookies === 'string' ? [cookies] : (cookies ?? []))
      made.headers.append('set-cookie', cookie)
    return (this.#native = made)
  }

  static {
    for (const name of ['headers', 'body', 'bodyUsed', 'statusText', 'type', 'url', 'redirected']) {
      Object.defineProperty(NodeResponse.prototype, name, {
        configurable: true,
        get(this: NodeResponse): unknown {
          return Reflect.get(this.#real, name)
        },
      })
    }
    for (const name of ['arrayBuffer', 'blob', 'bytes', 'clone', 'formData', 'json', 'text']) {
      Object.defineProperty(NodeResponse.prototype, name, {
        configurable: true,
        value(this: NodeResponse): unknown {
          const real = this.#real
          return (Reflect.get(real, name) as () => unknown).call(real)
        },
      })
    }
    Object.setPrototypeOf(NodeResponse.prototype, Response.prototype)
  }
}

/** The answer to a request: a plain `Response`, or, where an adapter on node:http asked, one that waits to be looked into. */
export function responseTo(
  request: Request,
  body: AnswerBody,
  init: { readonly status: number; readonly headers: Readonly<Record<string, string>> },
  cookies: readonly string[] = [],
): Response {
  if (!(request instanceof NodeRequest)) {
    const response = new Response(body as NativeBody, init)
    for (const cookie of cookies) response.headers.append('set-cookie', cookie)
    return response
  }
  const headers = cookies.length === 0 ? init.headers : { ...init.headers, 'set-cookie': cookies }
  return new NodeResponse({ status: init.status, headers, body }) as unknown as Response
}

/** What is to be written of any `Response`, a foreign one included. */
export function partsOf(response: Response): ResponseParts {
  const own = response instanceof NodeResponse ? NodeResponse.partsOf(response) : undefined
  if (own) return own
  const headers: Record<string, string | readonly string[]> = {}
  response.headers.forEach((value, name) => {
    if (name !== 'set-cookie') headers[name] = value
  })
  const cookies = response.headers.getSetCookie()
  if (cookies.length > 0) headers['set-cookie'] = cookies
  return { status: response.status, headers, body: response.body }
}
