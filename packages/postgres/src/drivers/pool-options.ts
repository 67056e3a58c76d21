export interface PoolOptions {
  /** Connections at most. */
  readonly max: number
  /** Statements and transactions that may wait for one; the next is refused at once. */
  readonly maxQueue: number
  /** How long one may wait, in milliseconds; then it is refused, for whoever asked has given up as well. */
  readonly maxWaitMs: number
  /** Statements sent behind each other on one connection when all are busy; 1 sends each alone. */
  readonly pipeline: number
  readonly maxLifetimeMs: number
  /** How long `close` waits for what runs. */
  readonly closeAfterMs: number
}
