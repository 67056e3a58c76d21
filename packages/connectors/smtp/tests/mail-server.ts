import type { AddressInfo, Socket } from 'node:net'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'

export interface ReceivedMail {
  readonly from: string
  readonly to: readonly string[]
  readonly user: string | undefined
  readonly secure: boolean
  readonly raw: string
}

export interface MailServer {
  readonly port: number
  readonly mails: readonly ReceivedMail[]
  /** Connections since the start. */
  readonly connections: () => number
  /** Breaks every connection off, as a network does. */
  readonly cut: () => void
  readonly close: () => Promise<void>
}

/** A real SMTP server on this machine that keeps what it is sent. */
export async function mailServer(options: SMTPServerOptions = {}, port = 0): Promise<MailServer> {
  const mails: ReceivedMail[] = []
  const sockets: Socket[] = []
  const server = new SMTPServer({
    authOptional: true,
    disableReverseLookup: true,
    closeTimeout: 1,
    disabledCommands: options.onAuth ? [] : ['AUTH', 'STARTTLS'],
    onData(stream, session, callback) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope
        mails.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map((one) => one.address),
          user: session.user,
          secure: session.secure,
          raw: Buffer.concat(chunks).toString(),
        })
        callback()
      })
    },
    ...options,
  })
  // Broken handshakes are what some tests are about.
  server.on('error', () => undefined)
  server.server.on('connection', (socket: Socket) => sockets.push(socket))
  await new Promise<void>((resolve) => void server.listen(port, '127.0.0.1', resolve))
  return {
    port: (server.server.address() as AddressInfo).port,
    mails,
    connections: () => sockets.length,
    cut: () => sockets.forEach((socket) => socket.destroy()),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

export interface ParsedMail {
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly header: (name: string) => string | undefined
  readonly body: string
}

/** Header lines, unfolded, and the body. */
export function parseMail(raw: string): ParsedMail {
  const end = raw.indexOf('\r\n\r\n')
  const headers = raw
    .slice(0, end)
    .replaceAll(/\r\n[ \t]+/g, ' ')
    .split('\r\n')
    .map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()] as const)
  return { headers, header: (name) => headers.find((one) => one[0] === name)?.[1], body: raw.slice(end + 4) }
}

/** The parts of a multipart body, each decoded. */
export function partsOf(mail: ParsedMail): readonly { readonly type: string; readonly text: string }[] {
  const boundary = /boundary="([^"]+)"/.exec(mail.header('content-type') ?? '')?.[1] ?? ''
  return mail.body
    .split(`--${boundary}`)
    .slice(1, -1)
    .map((part) => {
      const { header, body } = parseMail(part.replace(/^\r\n/, ''))
      const encoding = header('content-transfer-encoding') ?? '7bit'
      return { type: header('content-type') ?? '', text: decodeBody(encoding, body).replace(/\r\n$/, '') }
    })
}

function decodeBody(encoding: string, body: string): string {
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString()
  if (encoding !== 'quoted-printable') return body
  const bytes = body
    .replaceAll(/=\r\n/g, '')
    .replaceAll(/=([0-9A-F]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString()
}

/** Encoded words of a header (RFC 2047) as text. */
export function decodeWords(text: string): string {
  return text
    .replaceAll(/\?=\s+=\?/g, '?==?')
    .replaceAll(/=\?utf-8\?([BQ])\?([^?]*)\?=/gi, (_all, kind: string, word: string) =>
      kind.toUpperCase() === 'B'
        ? Buffer.from(word, 'base64').toString('latin1')
        : word
            .replaceAll('_', ' ')
            .replaceAll(/=([0-9A-F]{2})/gi, (_one, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    )
    .replaceAll(/[\u0080-\u00FF]+/g, (bytes) => Buffer.from(bytes, 'latin1').toString())
}
