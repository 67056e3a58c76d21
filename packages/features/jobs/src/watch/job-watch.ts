import { Pause, problem, statement, type Platform } from '@plinth/core'
import { jobLogEvents } from '../log-events.ts'
import { OneWatcher, type Watcher } from './watcher.ts'

/** How often the rows that somebody watches are looked at, in milliseconds: all of them in one statement. */
const LOOK_MS = 250
/** So long nothing may be seen; then whoever watches is let go, and finds out what is wrong when he comes again. */
const BLIND_MS = 10_000
/** In this process: each is a connection that stays open, and asks once a second for the rights of whoever has it. */
const MOST = 1_000
const MOST_OF_TENANT = 100
const MOST_OF_ONE = 20
const RETRY_AFTER = '5'

/** A row that is watched, by how many ever. */
interface Watched {
  readonly tenantId: string
  readonly id: string
  /** Its version; null where it is not there, undefined where nobody has looked yet. */
  version: string | null | undefined
  readonly watchers: Set<OneWatcher>
}

export interface Joining {
  readonly tenantId: string
  /** As PostgreSQL writes it. */
  readonly id: string
  /** In whose name. */
  readonly who: string
}

/**
 * Looks at the rows of jobs for all who watch one, in this process. What it asks for is whether a row is another one, and never what it
 * says: that each reads for himself, by the rights that he has by then.
 */
export class JobWatch {
  readonly #platform: Pick<Platform, 'database' | 'load' | 'log'>
  readonly #gauge
  readonly #watched = new Map<string, Watched>()
  readonly #places = new Map<OneWatcher, Joining>()
  readonly #pause = new Pause()
  #running = false
  #isLooking = false
  #sawAt = 0
  #error: unknown
  #isOver = false

  constructor(platform: Pick<Platform, 'database' | 'load' | 'log' | 'metrics'>) {
    this.#platform = platform
    this.#gauge = platform.metrics.gauge({
      name: 'plinth_job_watchers',
      help: 'Answers that tell of a job as it changes.',
    })
    this.#gauge.set({}, 0)
  }

  /** @throws overloaded; rate_limited where as many watch already as may */
  join(joining: Joining): Watcher {
    const { load } = this.#platform
    if (load.isBusy) load.refuseExcess()
    this.#refuseMore(joining)
    const { tenantId, id } = joining
    const key = `${tenantId} ${id}`
    const watched = this.#watched.get(key) ?? { tenantId, id, version: undefined, watchers: new Set<OneWatcher>() }
    const watcher = new OneWatcher(() => {
      if (!this.#places.delete(watcher)) return
      this.#gauge.set({}, this.#places.size)
      watched.watchers.delete(watcher)
      if (watched.watchers.size === 0) this.#watched.delete(key)
    })
    watched.watchers.add(watcher)
    this.#watched.set(key, watched)
    this.#places.set(watcher, joining)
    this.#gauge.set({}, this.#places.size)
    // Others may have been told of what came since he has read it, and nobody is told twice.
    if (watched.version !== undefined) watcher.tell()
    if (this.#isOver) watcher.leave()
    else if (!this.#running) void this.#run()
    return watcher
  }

  stop(): void {
    this.#isOver = true
    this.#endAll()
    this.#pause.end()
  }

  #refuseMore({ tenantId, who }: Joining): void {
    let [ofTenant, ofOne] = [0, 0]
    for (const other of this.#places.values()) {
      if (other.tenantId !== tenantId) continue
      ofTenant += 1
      if (other.who === who) ofOne += 1
    }
    if (this.#places.size < MOST && ofTenant < MOST_OF_TENANT && ofOne < MOST_OF_ONE) return
    throw problem('rate_limited', {
      detail: `At most ${MOST_OF_ONE} watch jobs at a time in one name, ${MOST_OF_TENANT} of a tenant, and ${MOST} of all.`,
      headers: { 'retry-after': RETRY_AFTER },
    })
  }

  /** A look is not waited for: one that hangs would hold up the end of the process. */
  async #run(): Promise<void> {
    this.#running = true
    this.#sawAt = performance.now()
    while (this.#watched.size > 0) {
      await this.#pause.wait(LOOK_MS)
      // A process that ends waits for its connections, and these would stay open for minutes.
      if (this.#isOver || !this.#platform.load.isServing || this.#isBlind()) this.#endAll()
      else if (this.#watched.size > 0 && !this.#isLooking) void this.#look()
    }
    this.#running = false
  }

  #isBlind(): boolean {
    if (performance.now() - this.#sawAt < BLIND_MS) return false
    this.#platform.log.warn(jobLogEvents.watchInterrupted, { watchers: this.#places.size, error: this.#error })
    return true
  }

  async #look(): Promise<void> {
    this.#isLooking = true
    try {
      const all = [...this.#watched.values()]
      const rows = await this.#platform.database.systemStatement(statement`
        select j.tenant_id, j.id, j.version::text as version
        from unnest(${all.map(({ tenantId }) => tenantId)}::text::uuid[], ${all.map(({ id }) => id)}::text::uuid[]) w(tenant_id, id)
        join plinth.background_jobs j on j.tenant_id = w.tenant_id and j.id = w.id`)
      const versions = new Map(
        rows.map((row) => [`${String(row['tenant_id'])} ${String(row['id'])}`, String(row['version'])]),
      )
      for (const one of all) tellOf(one, versions.get(`${one.tenantId} ${one.id}`) ?? null)
      this.#sawAt = performance.now()
    } catch (error) {
      this.#error = error
    } finally {
      this.#isLooking = false
    }
  }

  #endAll(): void {
    for (const watcher of this.#places.keys()) watcher.leave()
  }
}

function tellOf(watched: Watched, version: string | null): void {
  if (version === watched.version) return
  watched.version = version
  for (const watcher of watched.watchers) watcher.tell()
}
