import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'

/** A mail server on this machine that keeps what it is sent. */
export interface Mailbox {
  /** The variables that make Lookout send its mails here. */
  readonly env: Readonly<Record<string, string>>
  /** The token of the newest link to this path in mails to this address; waits for the mail where there is none yet. */
  readonly tokenOf: (address: string, path: RegExp) => Promise<string>
  readonly close: () => Promise<void>
}

export async function openMailbox(): Promise<Mailbox> {
  const mails: { readonly to: readonly string[]; readonly text: string }[] = []
  let arrived = (): void => undefined
  const server = new SMTPServer({
    authOptional: true,
    disableReverseLookup: true,
    closeTimeout: 1,
    disabledCommands: ['AUTH', 'STARTTLS'],
    onData(stream, session, callback) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const raw = Buffer.concat(chunks).toString()
        mails.push({ to: session.envelope.rcptTo.map(({ address }) => address), text: unquoted(raw) })
        callback()
        arrived()
      })
    },
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.server.address() as AddressInfo
  return {
    env: { SMTP_URL: `smtp://127.0.0.1:${port}`, MAIL_FROM: 'Lookout <no-reply@lookout.example>' },
    async tokenOf(address, path) {
      for (;;) {
        const links = mails
          .filter(({ to }) => to.includes(address))
          .flatMap(({ text }) => [...text.matchAll(/https?:\/\/[^/\s]+(\/[^\s#"]*)#token=([\w-]+)/g)])
          .filter(([, at = '']) => path.test(at))
        const token = links.at(-1)?.[2]
        if (token !== undefined) return token
        await new Promise<void>((resolve) => (arrived = resolve))
      }
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

/** Quoted-printable (RFC 2045 §6.7), which cuts long lines. */
function unquoted(raw: string): string {
  return raw
    .replaceAll(/=\r\n/g, '')
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
