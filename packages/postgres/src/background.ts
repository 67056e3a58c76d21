import type { Attachment, Database } from '@plinth/core'
import type { DatabaseOptions } from './database-options.ts'
import type { Driver, Drivers } from './drivers/driver.ts'
import { WriteNotices } from './notices/write-notices.ts'
import { asLeader } from './relay/leadership.ts'
import { Relay } from './relay/relay.ts'
import { Sweep } from './sweep/sweep.ts'

/** What runs beside requests: handing committed events on, telling other processes what was written, and removing what has had its time. */
export class Background {
  readonly notices: WriteNotices
  readonly #drivers: Drivers
  readonly #options: Pick<DatabaseOptions, 'relay' | 'relayDriver' | 'listen'>
  #relay: Relay | undefined
  #sweep: Sweep | undefined
  /** Whoever leads holds a transaction open, for whose end closing the connections waits. */
  #stopping = false

  constructor(drivers: Drivers, options: Pick<DatabaseOptions, 'relay' | 'relayDriver' | 'listen'>) {
    this.#drivers = drivers
    this.#options = options
    this.notices = new WriteNotices(drivers.app, options.listen)
  }

  /** Undefined where it does not run. */
  get relay(): Relay | undefined {
    return this.#relay
  }

  /** @param system runs work in a transaction of its own */
  start({ registry, log, clock, deliver }: Attachment, system: Database['system']): void {
    this.#sweep ??= new Sweep(
      () => this.#drivers.system(),
      log,
      registry.features.map(({ name, sweep }) => ({
        name,
        steps: () =>
          (sweep?.(clock.now()) ?? []).map((step) => (typeof step === 'function' ? () => step(system) : step)),
      })),
    )
    this.#sweep.start()
    this.notices.start()
    // Where nobody listens nothing is stored, and nobody needs to look.
    if (registry.listened.size === 0 || this.#relay) return
    this.#relay = new Relay({ driver: () => this.#leaderDriver(), deliver, log, ...this.#options.relay })
    this.#relay.start()
  }

  /** There is something to hand on. */
  poke(): void {
    this.#relay?.poke()
  }

  /** As {@link asLeader}, on a connection that may be held. */
  async lead(name: string, work: (check: () => Promise<void>) => Promise<void>): Promise<boolean> {
    return asLeader(await this.#leaderDriver(), work, { name, closing: () => this.#stopping })
  }

  #leaderDriver(): Promise<Driver> {
    return this.#options.relayDriver?.() ?? this.#drivers.system()
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await this.#sweep?.stop()
    await this.#relay?.stop()
    await this.notices.stop()
  }
}
