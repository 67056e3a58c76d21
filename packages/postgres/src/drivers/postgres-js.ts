import { DriverError } from '../errors/driver-error.ts'
import { SET_SEARCH_PATH, type Driver, type Parameter, type RawRow } from './driver.ts'
import { ConnectionPool } from './connection-pool.ts'
import { PreparedTexts } from './prepare-once.ts'
import { wireText } from './raw-values.ts'
import { runTransaction } from './run-transaction.ts'
import { singleConnection, type SingleConnection } from './single-connection.ts'
import { refusedStatement } from './statement-text.ts'

export interface PostgresJsOptions {
  /** Connections at most. Opened when they are needed. */
  readonly max: number
  /** Shown in pg_stat_activity and in the server's log. */
  readonly applicationName: string
  /** False behind PgBouncer in transaction mode: no statement is then kept on a connection, whatever `query` asks for. */
  readonly prepare: boolean
  /** The server's limit for one statement; 0 has none (migrations). */
  readonly statementTimeoutMs: number
  readonly connectTimeoutSeconds: number
  /** The server's limit for a transaction that waits for us. Default 30,000. */
  readonly idleInTransactionTimeoutMs?: number
  /**
   * As in postgres.js: 'require' and 'prefer' encrypt but believe any certificate, 'verify-full' and true check it, an object
   * goes to tls.connect. Default: what `sslmode` in the URL says, else none.
   */
  readonly ssl?: boolean | 'require' | 'prefer' | 'verify-full' | object
  /**
   * 'startup' (default) sends the time limits when connecting. PgBouncer refuses settings it does not know: with 'role' only
   * time zone and date style are sent, and the limits must be set with `alter role … set`.
   */
  readonly settings?: 'startup' | 'role'
  /** Statements and transactions that may wait for a connection; the next one rejects as `overloaded`. Default 1,000. */
  readonly maxQueue?: number
  /** How long they may wait, in milliseconds. Default 10,000. */
  readonly maxWaitMs?: number
  /** Prepared statements sent behind each other on one connection when all are busy. Default 4; 1 sends each alone. */
  readonly pipeline?: number
  /** A connection is replaced after half to all of this time. Default one hour. */
  readonly maxLifetimeMs?: number
  /** Where unqualified names are looked for outside of a flight. Default: as the server or the role has it. */
  readonly searchPath?: string | undefined
  /**
   * For statements that are all written for an index. PostgreSQL keeps the plan of a prepared one, and one that was made while its table
   * was empty reads the whole table later on, until autovacuum looks at it. Not behind a pooler, where the role says such things.
   */
  readonly byIndexes?: boolean
  /** How much longer than its own limits the server may be silent before the connection is given up. Default 5,000. */
  readonly silenceMs?: number
  /** How long `close` waits for what runs. Default 10,000. */
  readonly closeAfterMs?: number
  /** What the server tells beside answers. Default: nothing is done with it. */
  readonly onNotice?: (notice: Readonly<Record<string, string | undefined>>) => void
}

/**
 * PostgreSQL over TCP or a unix socket, by postgres.js. Connects with the first statement, so a server that is away shows
 * there, as an error that `classify` calls `connection`.
 * @param url postgres://login:password@host:port/database with one host; a unix socket's folder is a host too, written %2Frun%2Fpostgresql
 */
export function postgresJsDriver(url: string, options: PostgresJsOptions): Driver {
  checkUrl(url)
  const pool = new ConnectionPool(() => openConnection(url, options), {
    max: options.max,
    maxQueue: options.maxQueue ?? 1_000,
    maxWaitMs: options.maxWaitMs ?? 10_000,
    pipeline: options.pipeline ?? 4,
    maxLifetimeMs: options.maxLifetimeMs ?? 3_600_000,
    closeAfterMs: options.closeAfterMs ?? 10_000,
  })

  return {
    kind: 'postgres',
    query(text, parameters, { prepare = false, searchPath } = {}) {
      const refused = refusedStatement(text)
      if (refused) return Promise.reject(refused)
      const run = statement(text, parameters, prepare, searchPath !== undefined)
      if (searchPath !== undefined) return pool.alone((connection) => flight(connection, searchPath, run))
      if (!prepare || !options.prepare) return pool.alone(run)
      return pool.shared((connection) => textsOf(connection).run(text, () => run(connection)))
    },
    transaction: (work, { behind = false } = {}) =>
      pool.alone(
        (connection, handOver) =>
          runTransaction(
            {
              ready: connection.ready,
              query: (text, parameters, { prepare = false } = {}) =>
                statement(text, parameters, prepare, true)(connection),
              begin: () => connection.command('begin'),
              commit: () => connection.command('commit'),
              // Lost, or refused by a server in trouble: either way the connection is not used again.
              rollback: () => connection.command('rollback').catch(() => connection.destroy(unusable())),
              onLost: (tell) => connection.onLost(tell),
              handOver,
            },
            work,
          ),
        behind,
      ),
    script: (text) =>
      pool.alone(async (connection) => {
        try {
          await connection.command(text)
        } finally {
          // A script may leave settings behind (search_path, role), or an open transaction where it failed.
          await connection.end()
        }
      }),
    use: () => pool.use,
    waitedMs: () => pool.waitedMs,
    close: () => pool.close(),
  }
}

/**
 * One connection of such a driver by itself.
 * @param onMessage what was sent to a channel on which this connection listens
 */
export function openConnection(
  url: string,
  options: PostgresJsOptions,
  onMessage?: (message: string) => void,
): SingleConnection {
  const { statementTimeoutMs, connectTimeoutSeconds } = options
  return singleConnection(url, {
    applicationName: options.applicationName,
    prepare: options.prepare,
    connectTimeoutSeconds,
    answerTimeoutMs:
      statementTimeoutMs === 0 ? 0 : connectTimeoutSeconds * 1000 + statementTimeoutMs + (options.silenceMs ?? 5_000),
    ssl: options.ssl,
    startup: startupSettings(options),
    onNotice: options.onNotice,
    onMessage,
  })
}

const texts = new WeakMap<SingleConnection, PreparedTexts>()

function textsOf(connection: SingleConnection): PreparedTexts {
  const known = texts.get(connection)
  if (known) return known
  const made = new PreparedTexts()
  texts.set(connection, made)
  return made
}

function checkUrl(url: string): void {
  // Never quoted: it holds the password.
  if (!URL.canParse(url) || !/^postgres(ql)?:$/.test(new URL(url).protocol)) {
    throw new TypeError(
      'Not a URL of PostgreSQL: it has the form postgres://login:password@host:port/database, with one host',
    )
  }
}

function unusable(): DriverError {
  return new DriverError('connection_lost', 'The connection did not take a ROLLBACK', { sent: 'unknown' })
}

function statement(text: string, parameters: readonly Parameter[] = [], prepare: boolean, once = false) {
  return (connection: SingleConnection): Promise<readonly RawRow[]> =>
    connection.run(text, parameters.map(wireText), { prepare, once })
}

/**
 * Four messages, one wait. Should `begin` fail, the path is set for nothing and the statement finds no table; should the path
 * fail, the server refuses the statement. Neither runs under the path of somebody else: a path ends with its transaction.
 */
async function flight(
  connection: SingleConnection,
  searchPath: string,
  run: (connection: SingleConnection) => Promise<readonly RawRow[]>,
): Promise<readonly RawRow[]> {
  const sent = [
    connection.command('begin'),
    statement(SET_SEARCH_PATH, [searchPath], true, true)(connection),
    run(connection),
    connection.command('commit'),
  ] as const
  const [begun, placed, answered, committed] = await Promise.allSettled(sent)
  for (const one of [begun, placed, answered, committed]) if (one.status === 'rejected') throw one.reason
  // Awaited again for their types: all four are settled.
  const command = await sent[3]
  if (command !== 'COMMIT')
    throw new DriverError('not_committed', `The server answered COMMIT with ${command}: nothing was written`)
  return sent[2]
}

function startupSettings(options: PostgresJsOptions): Record<string, string> {
  const everywhere = { TimeZone: 'UTC', DateStyle: 'ISO, YMD' }
  if (options.settings === 'role') return everywhere
  return {
    ...everywhere,
    IntervalStyle: 'iso_8601',
    ...(options.searchPath !== undefined && { search_path: options.searchPath }),
    // Nothing is compiled then: what is off looks dear to PostgreSQL before 18 where there is no way around it.
    ...(options.byIndexes && { enable_seqscan: 'off', jit: 'off' }),
    statement_timeout: `${options.statementTimeoutMs}`,
    idle_in_transaction_session_timeout: `${options.idleInTransactionTimeoutMs ?? 30_000}`,
  }
}
