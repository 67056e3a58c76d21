import { MailError, maskText } from '@plinth/core'
import type { ServerAddress } from './server-address.ts'

/**
 * What went wrong, in words: which server, what it said, and whether trying again makes sense. The error of the client is not
 * kept as the cause: it holds the answers of the server, and servers repeat what they were sent.
 */
export function mailTrouble(error: unknown, server: ServerAddress, timeout: number): MailError {
  const { code, responseCode, response, originalCode, message } = factsOf(error)
  const where = placeOf(server)
  const said = quote(response ?? message, server)
  const trouble = (words: string, temporary = true): MailError => new MailError(`${where} ${words}`, { temporary })
  switch (code) {
    case 'EAUTH':
    case 'ENOAUTH':
      return trouble(`refuses the login of SMTP_URL: ${said}`)
    case 'EABORT':
      return tooLate(server, timeout)
    case 'ETIMEDOUT':
      return trouble(`does not answer in time: ${said}`)
    case 'EDNS':
      return trouble(`cannot be found: ${said}`)
    case 'ETLS':
      return trouble(`cannot be spoken to over TLS: ${said}`)
    case 'EENVELOPE':
    case 'EMESSAGE':
      // 503 is a bad sequence of commands: the session's fault, not the mail's.
      return trouble(
        `refuses the mail: ${said}`,
        responseCode !== undefined && (responseCode < 500 || responseCode === 503),
      )
    case 'ECONNECTION':
      // The client's own words speak of retries, of which there are none.
      return trouble('hung up. Whether it has taken the mail over is not known.')
    default:
      return trouble(`cannot be reached: ${said}${originalCode === undefined ? '' : ` (${originalCode})`}`)
  }
}

/** Its time was over, in whole. */
export function tooLate(server: ServerAddress, timeout: number): MailError {
  return new MailError(`${placeOf(server)} did not answer within ${timeout / 1_000} seconds.`, { temporary: true })
}

/** The time of a mail was over, or one of the client's for connecting, the greeting or silence. */
export function isLate(error: unknown): boolean {
  const { code } = factsOf(error)
  return code === 'EABORT' || code === 'ETIMEDOUT'
}

function placeOf({ secure, host, port }: ServerAddress): string {
  return `${secure ? 'smtps' : 'smtp'}://${host}:${port}`
}

/** The server is well and refuses this mail: its receiver, its size, its time. */
export function isAboutTheMail(error: unknown): boolean {
  const { code, responseCode } = factsOf(error)
  return (code === 'EENVELOPE' || code === 'EMESSAGE') && responseCode !== 503
}

/** Nothing of the mail can have been taken over: there was no connection. What broke off later may have arrived. */
export function neverConnected(error: unknown): boolean {
  const { code, originalCode } = factsOf(error)
  return code === 'EDNS' || originalCode === 'ECONNREFUSED'
}

interface Facts {
  readonly code: string | undefined
  readonly originalCode: string | undefined
  readonly responseCode: number | undefined
  readonly response: string | undefined
  readonly message: string
}

function factsOf(error: unknown): Facts {
  const given = (error instanceof Error ? error : new Error('unknown')) as Error & Readonly<Record<string, unknown>>
  const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
  const { code, originalCode, responseCode, response } = given
  return {
    code: text(code),
    originalCode: text(originalCode),
    responseCode: typeof responseCode === 'number' ? responseCode : undefined,
    response: text(response),
    message: given.message,
  }
}

/** One line of what the server said, without our password in any of the forms in which it was sent. */
function quote(text: string, { login }: ServerAddress): string {
  let line = text.replaceAll(/[\p{Cc}\s]+/gu, ' ').trim()
  if (login) {
    const base64 = (value: string): string => Buffer.from(value).toString('base64')
    const { user, password } = login
    for (const secret of [base64(`\0${user}\0${password}`), base64(password), password])
      line = line.replaceAll(secret, '[redacted]')
  }
  const short = line.length > 300 ? `${line.slice(0, 300)}…` : line
  return maskText(short)
}
