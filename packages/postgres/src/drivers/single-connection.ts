import { Socket } from 'node:net'
import postgres from 'postgres'
import { DriverError, nothingLasts, ownError } from '../errors/driver-error.ts'
import { classify } from '../errors/connection-trouble.ts'
import type { RawRow } from './driver.ts'
import { rawParsers } from './raw-values.ts'
import { Silence } from './silence.ts'
import { stopRepeating } from './never-again.ts'
import { stopStatementLeak } from './statement-leak.ts'
import { tooMany } from './statement-text.ts'

/*
 * A postgres.js client that makes one TCP connection in its life and never a second. The pool of postgres.js 3.4.9 is not
 * used, for what it does when a connection is lost (each reproduced here, with the issue of porsager/postgres):
 * - `begin` writes its own ROLLBACK to the socket that is gone: uncaught TypeError, the process ends (#1208, #1154, #1133);
 * - the handle of a lost transaction goes on working on the next connection, outside of any transaction (pull 1155);
 * - `fetch_types` drops a promise: a connection lost at its start is an unhandled rejection, the process ends (#1192, #1223).
 *   It is off here. (Off, `sql.reserve()` would hang, PERFORMANCE.md §2; nothing here reserves.)
 * - a server or proxy that accepts and closes is dialled again at once and for ever: 750 connections a second, and the
 *   statement never ends.
 */

export interface ConnectionSettings {
  readonly applicationName: string
  readonly prepare: boolean
  readonly connectTimeoutSeconds: number
  /** No answer to a running statement for this long: the server or the network is gone. 0 waits for ever. */
  readonly answerTimeoutMs: number
  readonly ssl: boolean | 'require' | 'prefer' | 'verify-full' | object | undefined
  /** Sent when the connection starts. */
  readonly startup: Readonly<Record<string, string>>
  readonly onNotice: ((notice: Readonly<Record<string, string | undefined>>) => void) | undefined
  /** Told what is sent to a channel on which this connection listens. */
  readonly onMessage: ((message: string) => void) | undefined
}

export interface RunOptions {
  readonly prepare: boolean
  /** As a part of something: it is never sent again by itself, behind what follows it. */
  readonly once?: boolean
}

export interface SingleConnection {
  /** False once it is lost or ended: statements then reject, and the pool opens another one. */
  readonly usable: boolean
  /** Whether the server ever let us in. */
  readonly ready: boolean
  run(text: string, parameters: (string | null)[], options: RunOptions): Promise<readonly RawRow[]>
  /**
   * By the simple protocol: several statements in one text, no parameters. Of one, it resolves with what the server calls the command that
   * it ran: ROLLBACK where a COMMIT found an aborted transaction.
   */
  command(text: string): Promise<string>
  /** Calls back once when the connection is lost; the result takes the callback away. */
  onLost(tell: (error: unknown) => void): () => void
  /** Waits for running statements, then says goodbye to the server. */
  end(): Promise<void>
  /** Drops the connection; running statements reject with `reason`. */
  destroy(reason: DriverError): void
}

/** How long the server may take to answer a goodbye. */
const goodbyeSeconds = 5

const types = Object.fromEntries([
  // Undefined as a parser means text. Named, because postgres.js parses these by default.
  ...[17, 26, 114, 3802, 1082, 1114, 1184].map((oid) => [`text${oid}`, { to: oid, from: [oid], serialize: String }]),
  ...[...rawParsers].map(([oid, parse]) => [`raw${oid}`, { to: oid, from: [oid], serialize: String, parse }]),
])

interface Sendable {
  readonly text: string
  readonly parameters: (string | null)[]
  readonly prepare: boolean
  readonly simple?: boolean
  readonly once?: boolean
}

/** Opens nothing yet: the first statement does. */
export function singleConnection(url: string, settings: ConnectionSettings): SingleConnection {
  let socket: Socket | undefined
  let ready = false
  let answered = false
  let lost: DriverError | undefined
  let running = 0
  const listeners = new Set<(error: unknown) => void>()

  const options = {
    max: 1,
    fetch_types: false,
    prepare: settings.prepare,
    connect_timeout: settings.connectTimeoutSeconds,
    max_lifetime: null,
    idle_timeout: undefined,
    backoff: () => 0,
    types,
    connection: { ...settings.startup, application_name: settings.applicationName },
    onnotice: (notice: Readonly<Record<string, string | undefined>>) => settings.onNotice?.(notice),
    onnotify: (_channel: string, message: string) => settings.onMessage?.(message),
    onparameter: (name: string, value: string) => {
      ready = true
      const wrong = answered ? undefined : wrongSetting(name, value)
      if (wrong) connection.destroy(wrong)
    },
    onclose: () => lose(new DriverError('connection_lost', 'The connection to PostgreSQL ended', { sent: 'unknown' })),
    ...(settings.ssl !== undefined && { ssl: settings.ssl }),
    ...unixSocket(url),
    socket: (parsed: { readonly host: string[]; readonly port: number[]; readonly path: string | false }) => {
      if (socket) return failingSocket(lost)
      socket = dial(parsed)
      return socket
    },
  }
  const client = postgres(url, options as unknown as postgres.Options<Record<string, postgres.PostgresType>>)
  stopStatementLeak(client)
  stopRepeating(client)

  const silence = new Silence(settings.answerTimeoutMs, () => running > 0 && !lost, unanswered)

  function unanswered(): void {
    const words = `PostgreSQL did not answer for ${settings.answerTimeoutMs} ms, beyond its own time limits`
    connection.destroy(new DriverError('no_answer', words, { sent: 'unknown' }))
  }

  function lose(error: DriverError): void {
    if (lost) return
    lost = error
    silence.end()
    for (const tell of listeners) tell(ownError(error))
    listeners.clear()
  }

  const connection: SingleConnection = {
    get usable() {
      return lost === undefined
    },
    get ready() {
      return ready
    },
    run(text, parameters, { prepare, once = false }) {
      const refused = tooMany(parameters)
      if (refused) return Promise.reject(refused)
      return sent({ text, parameters, prepare, once }, (rows) => rows)
    },
    command: (text) => sent({ text, parameters: [], prepare: false, simple: true }, (_rows, command) => command),
    onLost(tell) {
      if (lost) tell(ownError(lost))
      else listeners.add(tell)
      return () => listeners.delete(tell)
    },
    async end() {
      await client.end({ timeout: goodbyeSeconds })
      connection.destroy(new DriverError('closed', 'The connection was closed'))
    },
    destroy(reason) {
      lose(reason)
      // The client only asks the server to close, and a server that is gone does not answer that either.
      socket?.destroy()
      void client.end({ timeout: 0 })
    },
  }
  return connection

  /**
   * Rows are collected by whoever asks, not by the client: it counts the rows of a connection in one variable, which only a finished
   * command sets back. After an error behind a first row, the next answer began with a hole, and its row seemed not to be there: one
   * tenant's timed-out list made another one's existing row a 404.
   */
  async function sent<T>(
    { text, parameters, prepare, simple = false, once = false }: Sendable,
    answerOf: (rows: readonly RawRow[], command: string) => T,
  ): Promise<T> {
    // Never handed to the client then: it would dial again.
    if (lost) throw new DriverError('connection_lost', lost.message, { cause: lost })
    if (running++ === 0) silence.heard()
    try {
      // Never the simple protocol by itself, which postgres.js chooses where there are no parameters: it would run `a; b` as two.
      const options: postgres.UnsafeQueryOptions & { readonly simple: boolean } = { prepare, simple }
      const query = handedOver(client.unsafe(text, [], options), { parameters, once: prepare && once })
      const rows: RawRow[] = []
      const { command } = await query.forEach((row) => rows.push(row as RawRow))
      answered = true
      return answerOf(rows, command)
    } catch (error) {
      throw explained(error)
    } finally {
      running--
      silence.heard()
    }
  }

  function explained(error: unknown): unknown {
    if (classify(error).kind !== 'connection') return error
    // What was found out here says more than the client's "destroyed".
    const reason = ownError(lost && lost.code !== 'connection_lost' ? lost : error)
    // Before the server let us in, it cannot have run a statement.
    if (!ready) nothingLasts(reason)
    // Whatever state the client is in now, it is not used again.
    connection.destroy(
      new DriverError('connection_lost', 'The connection to PostgreSQL was lost', { sent: 'unknown', cause: error }),
    )
    return reason
  }
}

/**
 * The parameters, in the place where postgres.js itself puts them, which it leaves alone where they are there already. Given to `unsafe`,
 * it guesses a type of each and looks the statement up by all of their types and its text put together: a new text of 2,500 characters to
 * be copied and hashed in each statement. And it asks the server to describe the statement before it sends the rest.
 */
function handedOver(
  query: postgres.PendingQuery<postgres.Row[]>,
  given: { readonly parameters: (string | null)[]; readonly once: boolean },
): typeof query {
  return Object.assign(query, given)
}

/** postgres.js does not decode the host of a URL, and only a decoded one is seen to be a path. */
function unixSocket(url: string): { readonly host?: string } {
  const host = decodeURIComponent(new URL(url).hostname)
  return host.startsWith('/') ? { host } : {}
}

function dial({
  host,
  port,
  path,
}: {
  readonly host: string[]
  readonly port: number[]
  readonly path: string | false
}): Socket {
  const socket = new Socket()
  // Statements that are sent behind each other must not wait for the acknowledgement of the one before (Nagle).
  socket.setNoDelay(true)
  const place = { host: host[0] ?? 'localhost', port: port[0] ?? 5432 }
  if (path) socket.connect(path)
  else socket.connect(place)
  // postgres.js reads these for its errors, and the host for the name in the server's certificate.
  return Object.assign(socket, place)
}

/**
 * What postgres.js gets when it dials a second time: a socket that fails. Throwing instead would leave the client stuck. It
 * dials again for statements that it had not sent yet, so they all reject as not sent.
 */
function failingSocket(lost: DriverError | undefined): Socket {
  const socket = new Socket()
  const error = lost
    ? new DriverError('connection_lost', lost.message, { cause: lost })
    : new DriverError('unreachable', 'PostgreSQL, or a proxy before it, accepted the connection and closed it again')
  setImmediate(() => socket.destroy(error))
  return socket
}

/**
 * Times come as the text that PostgreSQL prints, so a session in another zone or style would shift every time of day in
 * silence. A `timezone` in the URL, or a pooler that ignores what was asked for, can do that.
 */
function wrongSetting(name: string, value: string): DriverError | undefined {
  const right = name === 'TimeZone' ? value === 'UTC' : name === 'DateStyle' ? value.startsWith('ISO') : true
  if (right) return undefined
  const words = `The session has ${name} ${value}, not what was asked for: remove it from the URL, or set it for the login role`
  return new DriverError('wrong_session', words)
}
