import type { TransactionPlace } from '@plinth/core'

/**
 * What the rest of this package needs from a PostgreSQL client. Two clients fill it: postgres.js for a server, PGlite for
 * the embedded database. Everything above this line (statements, tenancy, migrations, relay) is written once.
 */

/**
 * A value as the driver hands it over, parsed as little as possible: times, json, numeric, int8 and uuid stay the text that
 * PostgreSQL printed (a JS Date would lose the microseconds, and parsing json only to print it again cost 60 of 240 µs per
 * list); int2, int4, float4, float8 are numbers; bool is a boolean; arrays are arrays of those.
 */
export type Raw = string | number | boolean | null | readonly Raw[]
export type RawRow = Readonly<Record<string, Raw>>

/** Every parameter is cast explicitly in the SQL text (`$1::uuid`, `$2::text::timestamptz`), so text is always enough. */
export type Parameter = string | number | boolean | null

export interface QueryOptions {
  /** Keep the plan on the connection. Only for texts admitted by the bounded cache of shapes: the client never evicts. */
  readonly prepare?: boolean
  /**
   * Runs the statement in a transaction of its own with this search_path, which ends with it: begin, path, statement and commit
   * are sent without waiting between them. Not inside `transaction`, whose first statement sets it.
   */
  readonly searchPath?: string | undefined
}

/** Sets the search_path of this transaction, and of nothing after it. A parameter, so that there is one such text. */
export const SET_SEARCH_PATH = `select set_config('search_path', $1::text, true)`

export interface Connection {
  /** Runs one SQL statement and resolves with its rows. Rejects with the driver's own error (see `errors.ts`). */
  query(text: string, parameters?: readonly Parameter[], options?: QueryOptions): Promise<readonly RawRow[]>
}

/** The connection of one transaction. */
export interface TransactionConnection extends Connection {
  /**
   * Statements behind everything else, sent together with COMMIT: one wait for all. Where one fails, nothing is committed. Nobody sees
   * their rows, so each must fail by itself where they would not be right.
   * @param onSent told when they and COMMIT are on their way: nothing is left of this transaction but its end
   */
  last(statements: readonly LastStatement[], onSent?: () => void): void
  /** COMMIT and ROLLBACK wait until it is settled, as they do for statements. Its failure is for whoever waits for it. */
  until(work: Promise<unknown>): void
}

export interface LastStatement {
  readonly text: string
  readonly parameters: readonly Parameter[]
  readonly options: QueryOptions
  /** What its own failure is for whoever waits for the transaction. */
  readonly explain?: (error: unknown) => unknown
}

/** What is done with the connections of one login. */
export interface PoolUse {
  readonly pool: string
  /** Connections at most. */
  readonly max: number
  /** Those on which something runs. */
  readonly busy: number
  /** Statements and transactions that wait for one. */
  readonly waiting: number
  /** How long the first of them has waited, in milliseconds. */
  readonly waitedMs: number
}

export interface Driver extends Connection {
  readonly kind: 'postgres' | 'pglite'
  /**
   * Begins, runs `work`, commits. Rolls back when `work` throws, and rejects too when the server answers COMMIT with
   * ROLLBACK (an aborted transaction does that without an error).
   */
  transaction<T>(work: (connection: TransactionConnection) => Promise<T>, place?: TransactionPlace): Promise<T>
  /** Runs several statements without parameters (migrations). No explicit transaction: the caller opens one where wanted. */
  script(text: string): Promise<void>
  /** For metrics; undefined where there is no pool. */
  use?(): Omit<PoolUse, 'pool'>
  /** As {@link PoolUse.waitedMs}; asked twenty times a second. */
  waitedMs?(): number
  close(): Promise<void>
}

/** The identities a database is used under. Each is a session role from the first statement on, never switched inside one. */
export interface Drivers {
  readonly kind: Driver['kind']
  /** The runtime login: neither owner, superuser nor BYPASSRLS. */
  readonly app: Driver
  /** `plinth_system`: own policies, small pool. Opened on first use. */
  system(): Promise<Driver>
  /** The owner (migrations). Rejects with words where no owner connection is configured. */
  owner(): Promise<Driver>
  /**
   * One connection of the runtime login for nothing but asking whether the server answers: behind a line of requests the question
   * would be whether there are many. Without it, `app` is asked.
   */
  probe?(): Driver
  /** For metrics: the pools that were opened. */
  pools?(): readonly PoolUse[]
  close(): Promise<void>
}
