import { connect } from 'node:net'

export interface RawReply {
  /** 0 where the server hung up without a word. */
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Everything that came, for a second answer behind the first. */
  readonly whole: string
  /** Nothing came, and the connection stayed open. */
  readonly hung: boolean
}

/** Writes bytes to a socket and reads until the server closes it, or is silent for `patience` milliseconds. */
export function rawExchange(port: number, bytes: string | Uint8Array, patience = 2_000): Promise<RawReply> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    const socket = connect(port, '127.0.0.1')
    let hung = false
    socket.setTimeout(patience, () => {
      hung = chunks.length === 0
      socket.destroy()
    })
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      // The answer is there; what else might come, comes at once.
      socket.setTimeout(100)
    })
    // The server may close while the rest is still being written: its answer has come already, or none.
    socket.on('error', () => undefined)
    socket.on('close', () => resolve({ ...parse(Buffer.concat(chunks).toString('latin1')), hung }))
    socket.write(bytes)
  })
}

function parse(whole: string): Omit<RawReply, 'hung'> {
  const [head = '', ...rest] = whole.split('\r\n\r\n')
  const [line = '', ...lines] = head.split('\r\n')
  const headers = lines.map((each): [string, string] => {
    const colon = each.indexOf(':')
    return [each.slice(0, colon).toLowerCase(), each.slice(colon + 1).trim()]
  })
  const body = rest.join('\r\n\r\n')
  const named = Object.fromEntries(headers)
  return {
    status: Number(/^HTTP\/1\.1 (\d{3})/.exec(line)?.[1] ?? 0),
    headers: named,
    body: named['transfer-encoding'] === 'chunked' ? unchunked(body) : body,
    whole,
  }
}

function unchunked(body: string): string {
  let text = ''
  let rest = body
  for (;;) {
    const [size = '', ...after] = rest.split('\r\n')
    const length = Number.parseInt(size, 16)
    if (!(length > 0)) return text
    const data = after.join('\r\n')
    text += data.slice(0, length)
    rest = data.slice(length + 2)
  }
}
