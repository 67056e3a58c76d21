import { AsyncLocalStorage } from 'node:async_hooks'
import { DriverError } from '../errors/driver-error.ts'
import type { PgliteWire } from './pglite-wire.ts'
import { Turns, type TurnLimits } from './turns.ts'

export type Identity = 'app' | 'system' | 'owner'

/**
 * The one session of an embedded database, used under three identities, one at a time. Its login is a superuser, who sees
 * the rows of every tenant, so every use passes here: it waits for its turn, becomes who it must be, and leaves the session
 * as `app`. Not SET ROLE: RESET ROLE would give the superuser back (PROTOTYPE.md §5, 13 escapes tried).
 */
export class PgliteSession {
  readonly #wire: PgliteWire
  readonly #roles: Readonly<Record<Identity, string>>
  readonly #turns: Turns
  /** Set inside a transaction's work; `over` afterwards, for what it left running. */
  readonly #transaction = new AsyncLocalStorage<{ over: boolean }>()
  /** Undefined when it is not known, so that the next use asks for its own. */
  #current: Identity | undefined = 'owner'

  constructor(wire: PgliteWire, roles: Readonly<Record<Identity, string>>, limits: TurnLimits) {
    this.#wire = wire
    this.#roles = roles
    this.#turns = new Turns(limits)
  }

  /** Has the session alone, as `identity`, until `work` is done. */
  use<T>(identity: Identity, work: (wire: PgliteWire) => Promise<T>): Promise<T> {
    const transaction = this.#transaction.getStore()
    if (transaction && !transaction.over) {
      // It would wait for the transaction, and the transaction for it. On a server it would run on another connection.
      const words =
        'A statement beside the open transaction: use the connection that driver.transaction() gave to its work'
      return Promise.reject(new DriverError('beside_transaction', words))
    }
    return this.#turns.take(async () => {
      await this.#become(identity)
      try {
        return await work(this.#wire)
      } finally {
        if (identity !== 'app') await this.#leaveAsApp()
      }
    })
  }

  /** As `use`, for a transaction: statements of `work` that do not go through it are refused, not waited for. */
  async useForTransaction<T>(identity: Identity, work: (wire: PgliteWire) => Promise<T>): Promise<T> {
    return this.use(identity, async (wire) => {
      const transaction = { over: false }
      try {
        return await this.#transaction.run(transaction, () => work(wire))
      } finally {
        transaction.over = true
      }
    })
  }

  /** As `use`, for a script: what it leaves behind (open transaction, settings, role, plans) is cleared away. */
  useForScript<T>(identity: Identity, work: (wire: PgliteWire) => Promise<T>): Promise<T> {
    return this.use(identity, async (wire) => {
      try {
        return await work(wire)
      } finally {
        if (wire.inTransaction) await wire.simple('rollback')
        await wire.simple('reset all; reset role')
        await wire.forgetPrepared()
        this.#current = undefined
      }
    })
  }

  /** Refuses what waits and what comes, then gives the session to `work` for the last time. */
  async close(work: () => Promise<void>): Promise<void> {
    await this.#turns.close(new DriverError('closed', 'The database driver was closed'))
    await work()
  }

  async #become(identity: Identity): Promise<void> {
    if (this.#current === identity) return
    const role = this.#roles[identity]
    try {
      await this.#wire.simple(`set session authorization "${role}"`)
      this.#current = identity
    } catch (error) {
      // The server keeps the former identity when the SET fails, and so does #current.
      if (!(error instanceof Error && 'code' in error && error.code === '22023')) throw error
      const words = `The embedded database has no role ${role} yet: run the migrations first (plinth migrate)`
      throw new DriverError('not_migrated', words, { cause: error })
    }
  }

  async #leaveAsApp(): Promise<void> {
    try {
      await this.#become('app')
    } catch (error) {
      // Before the first migration there is no such role. The next use of `app` asks again, and is refused.
      if (!(DriverError.is(error) && error.code === 'not_migrated')) this.#current = undefined
    }
  }
}
