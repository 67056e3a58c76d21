import { problem, statement, type Platform } from '@plinth/core'
import { Pause } from '../pause.ts'

/** How often the rows that somebody watches are looked at, in milliseconds: all of them in one statement. */
const LOOK_MS = 250
/** Of one tenant in this process: each is a connection that stays open. */
const MOST_OF_TENANT = 100
const RETRY_AFTER = '5'

/** `changed`: the row may be another one than at the last call. `over`: nobody looks any more. */
export type Seen = 'changed' | 'quiet' | 'over'

export interface Watcher {
  /** Waits until something is seen, `milliseconds` at most. Never rejects. */
  next(milliseconds: number): Promise<Seen>
  leave(): void
}

/** A row that is watched, by how many ever. */
interface Watched {
  readonly tenantId: string
  readonly id: string
  /** Which transaction wrote it; null where it is not there, undefined where nobody has looked yet. */
  stamp: string | null | undefined
  readonly watchers: Set<OneWatcher>
}

/**
 * Looks at the rows of jobs for all who watch one, in this process. What it asks for is whether a row was written, and never what it says:
 * that each reads for himself, by the rights that he has by then.
 */
export class JobWatch {
  readonly #platform: Pick<Platform, 'database' | 'load'>
  readonly #watched = new Map<string, Watched>()
  readonly #pause = new Pause()
  #running: Promise<void> | undefined
  #isOver = false

  constructor(platform: Pick<Platform, 'database' | 'load'>) {
    this.#platform = platform
  }

  /** @throws rate_limited where as many of the tenant watch already as may */
  join(tenantId: string, id: string): Watcher {
    let others = 0
    for (const one of this.#watched.values()) if (one.tenantId === tenantId) others += one.watchers.size
    if (others >= MOST_OF_TENANT)
      throw problem('rate_limited', {
        detail: `At most ${MOST_OF_TENANT} of a tenant watch jobs at a time.`,
        headers: { 'retry-after': RETRY_AFTER },
      })
    const key = `${tenantId} ${id}`
    const watched = this.#watched.get(key) ?? { tenantId, id, stamp: undefined, watchers: new Set() }
    const watcher = new OneWatcher(() => {
      watched.watchers.delete(watcher)
      if (watched.watchers.size === 0) this.#watched.delete(key)
    })
    if (this.#isOver) watcher.end()
    else {
      watched.watchers.add(watcher)
      this.#watched.set(key, watched)
      this.#running ??= this.#run()
    }
    return watcher
  }

  async stop(): Promise<void> {
    this.#isOver = true
    this.#pause.end()
    await this.#running
  }

  async #run(): Promise<void> {
    while (this.#watched.size > 0) {
      await this.#pause.wait(LOOK_MS)
      // A process that ends waits for its connections, and these would stay open for minutes.
      if (this.#isOver || !this.#platform.load.isServing) this.#endAll()
      // What cannot be seen now is seen by the next look; that the database is away whoever reads is told.
      else if (this.#watched.size > 0) await this.#look().catch(() => undefined)
    }
    this.#running = undefined
  }

  async #look(): Promise<void> {
    const all = [...this.#watched.values()]
    const rows = await this.#platform.database.systemStatement(statement`
      select j.tenant_id, j.id, j.xmin::text as stamp
      from unnest(${all.map(({ tenantId }) => tenantId)}::text::uuid[], ${all.map(({ id }) => id)}::text::uuid[]) w(tenant_id, id)
      join plinth.background_jobs j on j.tenant_id = w.tenant_id and j.id = w.id`)
    const stamps = new Map(
      rows.map((row) => [`${String(row['tenant_id'])} ${String(row['id'])}`, String(row['stamp'])]),
    )
    for (const one of all) {
      const stamp = stamps.get(`${one.tenantId} ${one.id}`) ?? null
      if (stamp === one.stamp) continue
      one.stamp = stamp
      for (const watcher of one.watchers) watcher.tell()
    }
  }

  #endAll(): void {
    for (const { watchers } of this.#watched.values()) for (const watcher of watchers) watcher.leave()
  }
}

class OneWatcher implements Watcher {
  readonly #onLeave: () => void
  #isTold = false
  #isOver = false
  #wake: (() => void) | undefined

  constructor(onLeave: () => void) {
    this.#onLeave = onLeave
  }

  async next(milliseconds: number): Promise<Seen> {
    if (!this.#isTold && !this.#isOver)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, milliseconds)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    if (this.#isOver) return 'over'
    const seen = this.#isTold ? 'changed' : 'quiet'
    this.#isTold = false
    return seen
  }

  tell(): void {
    this.#isTold = true
    this.#wake?.()
  }

  end(): void {
    this.#isOver = true
    this.#wake?.()
  }

  leave(): void {
    this.end()
    this.#onLeave()
  }
}
