import { classify } from '../errors/connection-trouble.ts'
import { DriverError, type Sent } from '../errors/driver-error.ts'
import type { PoolUse } from './driver.ts'
import type { PoolOptions } from './pool-options.ts'
import type { SingleConnection } from './single-connection.ts'

interface Slot {
  connection: SingleConnection | undefined
  expiresAt: number
  load: number
  /** Transactions on it of which nothing is left but the answer to their COMMIT. */
  tails: number
  /** When the last of them was. Milliseconds of a clock that only runs forward. */
  handedAt: number
  /** The pool's count of finished statements when this slot last finished or began one. */
  progress: number
}

/** What somebody wants of a connection. */
interface Want {
  readonly weight: number
  /** Whether it goes behind a COMMIT, and rather than on a connection that is idle. */
  readonly behind: boolean
}

/** How old a COMMIT may be that is followed: whoever is told of it asks in the same turn. */
const FRESH_MS = 5
/** What takes longer is a slow COMMIT (a trigger, a standby, a lock), and for so long after one none is followed. */
const SLOW_MS = 50
const WARY_MS = 1_000
/** How often connections are left because their server takes no writes: one that goes on so is not dialled for every write. */
const LEAVE_EVERY_MS = 1_000

/** One that has a connection alone says by this that it sent its COMMIT: what comes next may be sent behind it. */
export type HandOver = () => void

type Use<T> = (connection: SingleConnection, handOver: HandOver) => Promise<T>

interface Waiting extends Want {
  readonly go: (slot: Slot) => void
  readonly refuse: (error: DriverError) => void
  readonly until: number
}

/**
 * Connections, and one line before them. Statements go to an idle connection if there is one; else prepared ones are sent
 * behind a running one, a few at most. With 32 callers on 10 connections that took 14–17 µs of Node and 14 of PostgreSQL per
 * statement, against 24–28 and 22–24 one at a time, and 25–28 and 15 with the pool of postgres.js.
 * Transactions and unprepared statements have a connection alone. Where one sends its COMMIT and whoever comes next wants it so, he goes
 * behind. Nobody else does: no time limit of the server holds for a COMMIT, and one that waits for a lock of whoever stands behind it would
 * wait for ever.
 */
export class ConnectionPool {
  readonly #open: () => SingleConnection
  readonly #options: PoolOptions
  readonly #slots: Slot[]
  readonly #line: Waiting[] = []
  #finished = 0
  #waryUntil = 0
  #leftAt = -Infinity
  #lateTimer: NodeJS.Timeout | undefined
  #closing: Promise<void> | undefined
  #whenIdle: (() => void) | undefined

  constructor(open: () => SingleConnection, options: PoolOptions) {
    this.#open = open
    this.#options = options
    this.#slots = Array.from({ length: options.max }, () => ({
      connection: undefined,
      expiresAt: 0,
      load: 0,
      tails: 0,
      handedAt: 0,
      progress: 0,
    }))
  }

  /** Runs one statement that may share its connection. */
  shared<T>(use: (connection: SingleConnection) => Promise<T>): Promise<T> {
    return this.#run({ weight: 1, behind: false }, use)
  }

  /**
   * Has a connection alone until `use` is done, or hands it over.
   * @param behind whether it follows another one that hands its connection over, rather than have one that is idle. It must hold nothing
   * that others wait for
   */
  alone<T>(use: Use<T>, behind = false): Promise<T> {
    return this.#run({ weight: this.#options.pipeline, behind }, use)
  }

  get use(): Omit<PoolUse, 'pool'> {
    const busy = this.#slots.filter(isBusy).length
    return { max: this.#options.max, busy, waiting: this.#line.length, waitedMs: this.waitedMs }
  }

  /** How long whoever is first in the line has waited, in milliseconds. */
  get waitedMs(): number {
    const [first] = this.#line
    return first ? Math.max(0, Date.now() - (first.until - this.#options.maxWaitMs)) : 0
  }

  /** Refuses what waits, gives what runs some time, ends all connections. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #run<T>(want: Want, use: Use<T>): Promise<T> {
    if (this.#closing) throw closed()
    const slot = this.#pick(want) ?? (await this.#wait(want))
    let handedOver = false
    const handOver = (): void => {
      if (handedOver) return
      handedOver = true
      slot.load -= want.weight
      slot.tails += 1
      slot.handedAt = performance.now()
      slot.progress = this.#finished
      this.#serveLine()
    }
    try {
      const connection = this.#connected(slot)
      try {
        return await use(connection, handOver)
      } catch (error) {
        // Nobody waits in line for a server that cannot be reached: each would wait for a time-out of its own.
        if (!connection.ready && !connection.usable) this.#refuseLine(unreachable(error))
        if (classify(error).kind === 'read_only') this.#leave()
        throw error
      }
    } finally {
      if (handedOver) this.#answered(slot)
      else slot.load -= want.weight
      handedOver = true
      slot.progress = ++this.#finished
      this.#serveLine()
      this.#whenIdle?.()
    }
  }

  /** After a failover another server is behind the address, and what is open would stay with the old one for an hour. */
  #leave(): void {
    const now = performance.now()
    if (now - this.#leftAt < LEAVE_EVERY_MS) return
    this.#leftAt = now
    for (const slot of this.#slots) slot.expiresAt = 0
  }

  /** Takes a place at once, if nobody waits for one. */
  #pick(want: Want): Slot | undefined {
    return this.#line.length === 0 ? this.#takePlace(want) : undefined
  }

  #takePlace({ weight, behind }: Want): Slot | undefined {
    const slot = (behind ? this.#ending() : undefined) ?? this.#idleSlot() ?? this.#leastLoaded(weight)
    if (!slot) return undefined
    if (!isBusy(slot)) slot.progress = this.#finished
    slot.load += weight
    return slot
  }

  #answered(slot: Slot): void {
    slot.tails -= 1
    const now = performance.now()
    if (now - slot.handedAt > SLOW_MS) this.#waryUntil = now + WARY_MS
  }

  /** One on which a COMMIT was sent just now and nothing else is. */
  #ending(): Slot | undefined {
    const now = performance.now()
    if (now < this.#waryUntil) return undefined
    let found: Slot | undefined
    for (const slot of this.#slots) {
      if (slot.tails === 0) continue
      // One that is not answered yet is as slow as one that was.
      if (now - slot.handedAt > SLOW_MS) return undefined
      const free = slot.load === 0 && slot.tails === 1 && slot.connection?.usable && Date.now() < slot.expiresAt
      if (free && now - slot.handedAt < FRESH_MS) found ??= slot
    }
    return found
  }

  /** One that is connected before one that would have to connect first. */
  #idleSlot(): Slot | undefined {
    let unconnected: Slot | undefined
    for (const slot of this.#slots) {
      if (isBusy(slot)) continue
      if (slot.connection?.usable) return slot
      unconnected ??= slot
    }
    return unconnected
  }

  #leastLoaded(weight: number): Slot | undefined {
    let least: Slot | undefined
    for (const slot of this.#slots) {
      if (slot.tails > 0 || slot.load + weight > this.#options.pipeline || (least && least.load <= slot.load)) continue
      // Many statements ended elsewhere and none here: a slow one runs, and nothing more is queued behind it. And a
      // connection that has reached its age drains.
      const stuck = this.#finished - slot.progress > 4 * this.#options.max
      if (!stuck && Date.now() < slot.expiresAt) least = slot
    }
    return least
  }

  #wait(want: Want): Promise<Slot> {
    if (this.#line.length >= this.#options.maxQueue) {
      const words = `${this.#options.maxQueue} statements wait for one of ${this.#options.max} connections already`
      return Promise.reject(new DriverError('overloaded', words))
    }
    return new Promise((go, refuse) => {
      this.#line.push({ ...want, go, refuse, until: Date.now() + this.#options.maxWaitMs })
      this.#watchLine()
    })
  }

  /** One timer for the line: whoever came first is the first to have waited for too long. */
  #watchLine(): void {
    const [first] = this.#line
    if (!first || this.#lateTimer) return
    this.#lateTimer = setTimeout(
      () => {
        this.#lateTimer = undefined
        const now = Date.now()
        while (this.#line[0] && this.#line[0].until <= now) this.#line.shift()!.refuse(waitedTooLong(this.#options))
        this.#watchLine()
      },
      Math.max(1, first.until - Date.now()),
    )
    // Whoever waits has something else that keeps the process alive: the connection that he waits for.
    this.#lateTimer.unref()
  }

  /** In order: what waits for a whole connection is not overtaken by those that would fit in beside others. */
  #serveLine(): void {
    for (let next = this.#line[0]; next; next = this.#line[0]) {
      const slot = this.#takePlace(next)
      if (!slot) return
      this.#line.shift()
      next.go(slot)
    }
  }

  #refuseLine(error: DriverError): void {
    for (const waiting of this.#line.splice(0)) waiting.refuse(error)
  }

  #connected(slot: Slot): SingleConnection {
    const { connection } = slot
    if (connection?.usable && Date.now() < slot.expiresAt) return connection
    if (connection?.usable) void connection.end()
    // Between half and all of the lifetime, so that connections made together do not end together.
    slot.expiresAt = Date.now() + this.#options.maxLifetimeMs * (0.5 + Math.random() / 2)
    slot.connection = this.#open()
    return slot.connection
  }

  async #close(): Promise<void> {
    this.#refuseLine(closed())
    // Not the clients' own waiting: a transaction between two statements has nothing running there.
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#options.closeAfterMs)
      this.#whenIdle = () => {
        if (this.#slots.some(isBusy)) return
        clearTimeout(timer)
        resolve()
      }
      this.#whenIdle()
    })
    // What runs may have come to its end all the same, and a COMMIT may have been done.
    for (const slot of this.#slots) if (isBusy(slot)) slot.connection?.destroy(closed('unknown'))
    const usable = this.#slots.flatMap(({ connection }) => (connection?.usable ? [connection] : []))
    await Promise.all(usable.map((connection) => connection.end()))
  }
}

function isBusy({ load, tails }: Slot): boolean {
  return load > 0 || tails > 0
}

function waitedTooLong({ max, maxWaitMs }: PoolOptions): DriverError {
  return new DriverError('overloaded', `None of ${max} connections was free within ${maxWaitMs} ms`)
}

function closed(sent: Sent = false): DriverError {
  return new DriverError('closed', 'The database driver was closed', { sent })
}

function unreachable(cause: unknown): DriverError {
  return new DriverError('unreachable', 'No connection to PostgreSQL could be made', { cause })
}
