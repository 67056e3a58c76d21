import {
  checkMail,
  consoleMailer,
  MailError,
  ResilienceError,
  resilient,
  type Mail,
  type Mailer,
  type StartupFault,
} from '@plinth/core'
import { createTransport } from 'nodemailer'
import { isAboutTheMail, isLate, mailTrouble, neverConnected, tooLate } from './mail-trouble.ts'
import { readConfiguration, type Configured } from './read-configuration.ts'

export interface SmtpOptions {
  /** Instead of the variable SMTP_URL. */
  readonly url?: string
  /** Instead of the variable MAIL_FROM. */
  readonly from?: string
  /** Connections at the same time, kept open for four idle minutes; mails that find none free wait. Default 3. */
  readonly pool?: number
  /** Milliseconds for one mail, waiting and connecting included. Default 60,000. */
  readonly timeout?: number
  /** Certificates in PEM that are trusted instead of the public ones: the private authority of an own mail server. */
  readonly ca?: string
  /** Variables instead of those of the process and its `.env` files. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

export interface SmtpMailer extends Mailer {
  /** Connects, logs in and says goodbye; for health checks. @throws MailError */
  verify(): Promise<void>
  /** Takes no more mails, waits for those that are on their way (`timeout` at most), and closes the connections. */
  close(): Promise<void>
}

/**
 * Sends mails over SMTP (RFC 5321). Where no connection could be made it is tried again, twice; a mail that may have been taken over
 * is not. After five failures in a row the server is left alone for five seconds. Without options, from SMTP_URL and MAIL_FROM; in development, where SMTP_URL is not set,
 * it prints them on the console. What is wrong with the variables is in `faults`, which the feature that is given the mailer
 * tells at start.
 * @param options the URL alone, or more
 */
export function smtp(options: string | SmtpOptions = {}): SmtpMailer {
  const given = typeof options === 'string' ? { url: options } : options
  const configuration = readConfiguration(given)
  if ('faults' in configuration) return faulty(configuration.faults)
  return configuration.server === undefined ? onConsole() : connected(configuration, given)
}

const connectTimeout = 10_000
/** Mails that are on their way or wait for a connection; beyond these somebody floods us. */
const MOST_AT_ONCE = 1_000
const CHECK_TIMEOUT = 5_000
const CHECK_FRESH = 15_000

function connected({ server, sender }: Configured, options: SmtpOptions): SmtpMailer {
  const { pool = 3, timeout = 60_000, ca } = options
  const { host, port, secure, startTls, login } = server
  const transport = createTransport({
    host,
    port,
    secure,
    // A STARTTLS that fails is an error and never a reason to go on in clear: who sits between can make it fail.
    requireTLS: startTls === 'required',
    ignoreTLS: startTls === 'never',
    // Without `forceAuth` a server that does not offer AUTH would be sent the mail without a login.
    ...(login && { auth: { user: login.user, pass: login.password }, forceAuth: true }),
    tls: { minVersion: 'TLSv1.2', ...(ca !== undefined && { ca }) },
    pool: true,
    maxConnections: pool,
    // A mail whose connection closed may have been delivered: the caller decides about sending it twice.
    maxRequeues: 0,
    dnsTimeout: connectTimeout,
    connectionTimeout: connectTimeout,
    greetingTimeout: connectTimeout,
    socketTimeout: Math.min(timeout, 30_000),
    // A mail is what it says: a `path` in it must not read a file of the server, nor an `href` fetch one.
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  const way = resilient('smtp', {
    // Of an attempt. That of a mail, further attempts included, is its own, and is as long.
    timeoutMs: timeout,
    retry: { retries: 2, firstMs: 200, mostMs: 2_000 },
    breaker: { failures: 5, openMs: 5_000 },
    bulkhead: { atOnce: MOST_AT_ONCE, waiting: 0 },
    isFailure: (error) => !isAboutTheMail(error),
    isRepeatable: neverConnected,
    isTimeout: isLate,
  })
  const onTheirWay = new Set<Promise<unknown>>()
  let isClosed = false

  const attempt = async (work: () => Promise<unknown>): Promise<void> => {
    if (isClosed) throw new MailError('The mailer is closed.', { temporary: true })
    const working = work()
    onTheirWay.add(working)
    try {
      await working
    } catch (error) {
      if (!ResilienceError.is(error)) throw mailTrouble(error, server, timeout)
      throw error.reason === 'timeout' ? tooLate(server, timeout) : new MailError(error.message, { temporary: true })
    } finally {
      onTheirWay.delete(working)
    }
  }
  // Past the circuit: whoever asks wants to know how it is now.
  const verify = (): Promise<void> => attempt(() => within(timeout, transport.verify()))
  return {
    name: 'smtp',
    resilience: [way],
    // A login at the server for each look: four times a minute, however often somebody asks.
    checks: [{ name: 'smtp', check: verify, timeoutMs: CHECK_TIMEOUT, freshMs: CHECK_FRESH }],
    async send(mail) {
      checkMail(mail)
      const late = AbortSignal.timeout(timeout)
      const sending = (attempt: AbortSignal): Promise<unknown> =>
        transport.sendMail({ ...messageOf(mail, sender), signal: AbortSignal.any([attempt, late]) })
      await attempt(() => way.run(sending))
    },
    verify,
    async close() {
      isClosed = true
      await Promise.allSettled(onTheirWay)
      transport.close()
    },
  }
}

/** As the `signal` of a mail, for what takes none. */
async function within(timeout: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(Object.assign(new Error('too late'), { code: 'EABORT' })), timeout)
  })
  try {
    await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

function messageOf({ to, toName = '', subject, text, html, headers }: Mail, from: Configured['sender']) {
  return {
    // A copy: the client writes the encoded domain into it, and a frozen one would throw where nobody catches.
    from: { ...from },
    // As parts: a text would be parsed as a list, and a name with a comma in it would be two receivers.
    to: { name: toName, address: to },
    envelope: { from: from.address, to: [to] },
    subject,
    text,
    html,
    // RFC 3834: no holiday answers to a machine.
    headers: { 'Auto-Submitted': 'auto-generated', ...headers },
    xMailer: false as const,
  }
}

function onConsole(): SmtpMailer {
  return { ...consoleMailer(), verify: () => Promise.resolve(), close: () => Promise.resolve() }
}

function faulty(faults: readonly StartupFault[]): SmtpMailer {
  const refuse = (): Promise<never> =>
    Promise.reject(
      new MailError(`SMTP is not configured: ${faults.map(({ path, problem }) => `${path} ${problem}`).join('; ')}`, {
        temporary: true,
      }),
    )
  return { name: 'smtp', faults, send: refuse, verify: refuse, close: () => Promise.resolve() }
}
