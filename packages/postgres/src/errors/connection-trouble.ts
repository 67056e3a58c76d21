import { DriverError, type DriverErrorCode, type Sent } from './driver-error.ts'

export type TroubleKind =
  /** No connection, or it was lost, or our own login was refused: 503 and never the user's 401. */
  | 'connection'
  /** Too much waits, or the server has no memory or disk left. Repeating at once makes it worse. */
  | 'overloaded'
  /** The server takes no writes: a standby, a primary that was demoted, or one that was set so. Nothing was done. */
  | 'read_only'
  /** Took longer than it may: statement, lock, idle transaction. Rolled back. */
  | 'timeout'
  /** Lost against a concurrent transaction. Rolled back; the same again may succeed. */
  | 'serialization'
  | 'constraint'
  | 'permission'
  /** A value that its type does not take. */
  | 'input'
  /** A table, column, function or role that does not exist: not migrated, or migrated beyond this code. */
  | 'schema'
  | 'other'

export interface Trouble {
  readonly kind: TroubleKind
  /** SQLSTATE, the system's or client's code, or a DriverErrorCode; '' for an error without any. */
  readonly code: string
  readonly table?: string
  readonly schema?: string
  readonly constraint?: string
  readonly column?: string
  /**
   * Whether the statement can have had an effect that lasts although this error came: false, it never reached the server or
   * was surely not committed; true, the server got it and answered with this error; unknown, the answer was lost.
   */
  readonly sent: Sent
}

type Verdict = readonly [kind: TroubleKind, sent: Sent]

const ofDriver: Readonly<Record<DriverErrorCode, TroubleKind>> = {
  overloaded: 'overloaded',
  closed: 'connection',
  unreachable: 'connection',
  connection_lost: 'connection',
  no_answer: 'connection',
  wrong_session: 'connection',
  not_migrated: 'schema',
  transaction_idle: 'timeout',
  transaction_over: 'other',
  not_committed: 'other',
  transaction_control: 'other',
  identity_change: 'other',
  beside_transaction: 'other',
  data_locked: 'other',
  read_only: 'read_only',
  package_missing: 'other',
}

/** SQLSTATEs that say something else than their class. */
const bySqlState: Readonly<Record<string, Verdict>> = {
  // The server is starting up, or has no place left: refused at connecting.
  '57P03': ['connection', false],
  '53300': ['connection', false],
  // It ended the connection (57P01 shutdown, 57P02 crash of another backend, 57P04 database dropped, 57P05 idle). A COMMIT
  // that was just being answered may have taken effect.
  '57P01': ['connection', 'unknown'],
  '57P02': ['connection', 'unknown'],
  '57P04': ['connection', 'unknown'],
  '57P05': ['connection', 'unknown'],
  '08001': ['connection', false],
  '08004': ['connection', false],
  '3D000': ['connection', false],
  // statement_completion_unknown, named so by the server itself.
  '40003': ['connection', 'unknown'],
  // Told before anything is done.
  '25006': ['read_only', false],
  // The system that it runs on: a file could not be read or written.
  '58000': ['overloaded', true],
  '58030': ['overloaded', true],
  '57014': ['timeout', true],
  '55P03': ['timeout', true],
  '25P03': ['timeout', true],
  '25P04': ['timeout', true],
  // Prepared under a name that the server does not know (any more).
  '26000': ['serialization', true],
  '42501': ['permission', true],
  '42P01': ['schema', true],
  '42703': ['schema', true],
  '42704': ['schema', true],
  '42883': ['schema', true],
  '3F000': ['schema', true],
}

const bySqlStateClass: Readonly<Record<string, Verdict>> = {
  '08': ['connection', 'unknown'],
  // Invalid authorization: the login in DATABASE_URL is wrong. Never the credentials of the user who asks.
  '28': ['connection', false],
  '22': ['input', true],
  '23': ['constraint', true],
  '40': ['serialization', true],
  // Disk full, out of memory, configuration limit.
  '53': ['overloaded', true],
  // Program limits: 54000 is a value too long for its index (2,704 bytes), which validation cannot know.
  '54': ['input', true],
}

/** Codes of Node, of TLS and of postgres.js. What happens at connecting cannot have sent a statement. */
const byClientCode: Readonly<Record<string, Sent>> = {
  ECONNREFUSED: false,
  ENOTFOUND: false,
  EAI_AGAIN: false,
  EHOSTUNREACH: false,
  EHOSTDOWN: false,
  ENETUNREACH: false,
  ENETDOWN: false,
  CONNECT_TIMEOUT: false,
  CONNECTION_ENDED: false,
  SASL_SIGNATURE_MISMATCH: false,
  EPROTO: false,
  CERT_HAS_EXPIRED: false,
  DEPTH_ZERO_SELF_SIGNED_CERT: false,
  SELF_SIGNED_CERT_IN_CHAIN: false,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: false,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: false,
  ERR_TLS_CERT_ALTNAME_INVALID: false,
  CONNECTION_CLOSED: 'unknown',
  CONNECTION_DESTROYED: 'unknown',
  ECONNRESET: 'unknown',
  ECONNABORTED: 'unknown',
  EPIPE: 'unknown',
  ETIMEDOUT: 'unknown',
  ERR_STREAM_WRITE_AFTER_END: 'unknown',
  ERR_STREAM_DESTROYED: 'unknown',
  ERR_SOCKET_CLOSED: 'unknown',
}

/**
 * Sorts an error of either client, or of the drivers, into what the caller can do about it. Looks through `cause`, because
 * drizzle and PlinthError wrap. Never copies `detail`: it quotes the row ("Key (email)=(…) already exists").
 */
export function classify(error: unknown): Trouble {
  const chain = causes(error)
  for (const one of chain) {
    const verdict = verdictOf(one)
    if (verdict === undefined) continue
    // A driver that knows better wrote it on the error that it rejected with (`nothingLasts`).
    const known = chain.some((outer) => outer['sent'] === false)
    return { kind: verdict[0], code: textOf(one, 'code') ?? '', ...placeOf(one), sent: known ? false : verdict[1] }
  }
  return { kind: 'other', code: (chain[0] && textOf(chain[0], 'code')) ?? '', sent: 'unknown' }
}

type Fields = Readonly<Record<string, unknown>>

function causes(error: unknown): Fields[] {
  const found: Fields[] = []
  let one: unknown = error
  while (typeof one === 'object' && one !== null && found.length < 8) {
    const fields = one as Fields
    found.push(fields)
    one = fields['cause']
  }
  return found
}

function verdictOf(error: Fields): Verdict | undefined {
  if (DriverError.is(error)) return [ofDriver[error.code], error.sent]
  const code = textOf(error, 'code')
  if (code === undefined) return ofPGlite(error)
  if (code in byClientCode) return ['connection', atConnecting(error) ? false : (byClientCode[code] ?? 'unknown')]
  // A unix socket that is not there or that we may not open.
  if (atConnecting(error)) return ['connection', false]
  if (!/^[0-9A-Z]{5}$/.test(code)) return undefined
  // The plan of a prepared statement is void: its table was changed beside it. Rolled back, and the client plans it anew.
  if (code === '0A000' && error['routine'] === 'RevalidateCachedQuery') return ['serialization', true]
  return bySqlState[code] ?? bySqlStateClass[code.slice(0, 2)] ?? ['other', true]
}

function atConnecting(error: Fields): boolean {
  return error['syscall'] === 'connect' || error['syscall'] === 'getaddrinfo'
}

/** PGlite's own errors have no code: a closed instance, and a WebAssembly that broke and answers nothing any more. */
function ofPGlite(error: Fields): Verdict | undefined {
  if (error['message'] === 'PGlite is closed' || error['message'] === 'PGlite is closing') return ['connection', false]
  return error instanceof Error && error.name === 'RuntimeError' ? ['connection', 'unknown'] : undefined
}

/** postgres.js says `table_name`, PGlite says `table`. */
function placeOf(error: Fields): Pick<Trouble, 'table' | 'schema' | 'constraint' | 'column'> {
  const table = textOf(error, 'table_name') ?? textOf(error, 'table')
  const schema = textOf(error, 'schema_name') ?? textOf(error, 'schema')
  const constraint = textOf(error, 'constraint_name') ?? textOf(error, 'constraint')
  const column = textOf(error, 'column_name') ?? textOf(error, 'column')
  return {
    ...(table !== undefined && { table }),
    ...(schema !== undefined && { schema }),
    ...(constraint !== undefined && { constraint }),
    ...(column !== undefined && { column }),
  }
}

function textOf(error: Fields, name: string): string | undefined {
  const value = error[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}
