import { randomUUID } from 'node:crypto'
import type { Registry, WriteListener } from '@plinth/core'
import type { DatabaseOptions } from '../database-options.ts'
import type { Driver } from '../drivers/driver.ts'
import { Listening } from './listening.ts'

const CHANNEL = 'plinth_written'
/** What is written within this time goes in one statement, in milliseconds. */
const GATHER_MS = 2
const MOST_AT_ONCE = 500

/**
 * Tells the processes that share this database which resources with `cache` were written, and this one what the others wrote. A message is
 * sent after the commit, by a statement of its own: NOTIFY within the write's would make all that notify commit one after the other
 * (PostgreSQL holds one lock of the whole database from there to the end of the commit). One that is lost is no harm: what is kept is
 * never older than `cache` says, with or without it.
 */
export class WriteNotices {
  readonly #app: Driver
  readonly #listeners: WriteListener[] = []
  readonly #self = randomUUID()
  readonly #written = new Set<string>()
  readonly #listening: Listening | undefined
  #cached: ReadonlySet<string> = new Set()
  #timer: NodeJS.Timeout | undefined
  #sending: Promise<void> | undefined

  constructor(app: Driver, listen: DatabaseOptions['listen']) {
    this.#app = app
    this.#listening =
      listen &&
      new Listening({
        channel: CHANNEL,
        open: listen,
        onMessage: (message) => this.#heard(message),
        onListening: () => this.#tell(undefined),
      })
  }

  /** Undefined where nothing is kept that others could change. */
  get listens(): boolean | undefined {
    if (this.#cached.size === 0 || this.#app.kind === 'pglite') return undefined
    return this.#listening?.listens ?? false
  }

  add(listener: WriteListener): void {
    this.#listeners.push(listener)
  }

  attach({ resources }: Registry): void {
    this.#cached = new Set(resources.filter(({ cacheSeconds }) => cacheSeconds !== undefined).map(({ name }) => name))
  }

  start(): void {
    if (this.#cached.size > 0) this.#listening?.start()
  }

  /** Something of a resource was committed in this process. */
  wrote(tenantId: string, resource: string): void {
    this.#tell({ tenantId, resource })
    // The embedded database has no other process.
    if (!this.#cached.has(resource) || this.#app.kind === 'pglite') return
    this.#written.add(`${tenantId}|${resource}`)
    this.#sendSoon()
  }

  /** Sends what is to be said, and listens no more. */
  async stop(): Promise<void> {
    await this.#listening?.stop()
    await (this.#sending ??= this.#send())
  }

  #sendSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#sending ??= this.#send()
    }, GATHER_MS)
  }

  async #send(): Promise<void> {
    clearTimeout(this.#timer)
    const all = [...this.#written]
    this.#written.clear()
    for (let from = 0; from < all.length; from += MOST_AT_ONCE) {
      const some = JSON.stringify(all.slice(from, from + MOST_AT_ONCE))
      const text = `select pg_notify('${CHANNEL}', $1::text || '|' || w) from jsonb_array_elements_text($2::text::jsonb) w`
      // Where it cannot be said, the others read again when their time is up.
      await this.#app.query(text, [this.#self, some]).catch(() => [])
    }
    this.#sending = undefined
    this.#timer = undefined
    if (this.#written.size > 0) this.#sendSoon()
  }

  /** Whoever may use this database may send anything: at worst something is read again. */
  #heard(message: string): void {
    const [from, tenantId, resource] = message.split('|')
    if (from === this.#self || tenantId === undefined || resource === undefined) return
    this.#tell({ tenantId, resource })
  }

  #tell(written: Parameters<WriteListener>[0]): void {
    for (const listener of this.#listeners) listener(written)
  }
}
