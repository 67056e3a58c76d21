import { DriverError } from '../errors/driver-error.ts'
import type { SingleConnection } from '../drivers/single-connection.ts'

const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 10_000
/** A connection that is only listened to would never be found to be gone: a router forgets it, and nobody says so. */
const BEAT_MS = 30_000

export interface ListeningOptions {
  readonly channel: string
  readonly open: (onMessage: (message: string) => void) => SingleConnection
  readonly onMessage: (message: string) => void
  /** It listens from now on; what was sent before may have been missed. */
  readonly onListening: () => void
}

/** Listens on a channel by a connection of its own, and by another one when that is lost. */
export class Listening {
  readonly #options: ListeningOptions
  #running: Promise<void> | undefined
  #stopping = false
  #listens = false
  #connection: SingleConnection | undefined
  #wake: (() => void) | undefined

  constructor(options: ListeningOptions) {
    this.#options = options
  }

  get listens(): boolean {
    return this.#listens
  }

  start(): void {
    this.#running ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping = true
    this.#wake?.()
    this.#connection?.destroy(new DriverError('closed', 'The connection was closed'))
    await this.#running
  }

  async #run(): Promise<void> {
    let failures = 0
    while (!this.#stopping) {
      const connection = this.#options.open(this.#options.onMessage)
      this.#connection = connection
      try {
        await connection.command(`listen "${this.#options.channel}"`)
        failures = 0
        this.#listens = true
        this.#options.onListening()
        await this.#untilLost(connection)
      } catch (error) {
        // Said in `/metrics`; all else that needs the server says so itself.
        connection.destroy(new DriverError('connection_lost', 'It does not listen', { cause: error }))
      }
      this.#listens = false
      if (!this.#stopping) await this.#pause(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures))
      failures = Math.min(failures + 1, 16)
    }
  }

  async #untilLost(connection: SingleConnection): Promise<void> {
    const lost = new Promise<void>((resolve) => void connection.onLost(() => resolve()))
    while (connection.usable) {
      await Promise.race([lost, this.#pause(BEAT_MS)])
      if (this.#stopping || !connection.usable) return
      await connection.command('select 1')
    }
  }

  /** Never the same for all whom one restart of the server has cut off. The timer keeps no process alive. */
  async #pause(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds * (0.75 + Math.random() / 2)).unref()
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
