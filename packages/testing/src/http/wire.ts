/** A request as it stands on the wire: what a fuzzer can repeat, shrink and print. */
export interface WireRequest {
  readonly method: string
  /** Path and query as on the request line, escapes as they are. */
  readonly target: string
  /** In order; a name may stand twice. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body?: string | Uint8Array | undefined
}

export interface WireReply {
  readonly status: number
  /** Names in lower case, repeated ones joined with `, `. */
  readonly headers: Readonly<Record<string, string>>
  /** Decoded as UTF-8. */
  readonly body: string
}

/** Something that answers wire requests: a platform in this process, or a server behind a socket. */
export type Send = (request: WireRequest) => Promise<WireReply>

/** Methods whose request cannot have a body in the fetch API. */
export function isBodiless(method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}

export function headerOf(request: WireRequest, name: string): string | undefined {
  return request.headers.find(([each]) => each.toLowerCase() === name)?.[1]
}

/** The same request with one header set, or taken away when the value is undefined. */
export function withHeader(request: WireRequest, name: string, value: string | undefined): WireRequest {
  const others = request.headers.filter(([each]) => each.toLowerCase() !== name.toLowerCase())
  return { ...request, headers: value === undefined ? others : [...others, [name, value]] }
}
