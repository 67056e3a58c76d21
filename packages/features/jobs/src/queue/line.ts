import type { Delivery } from './deliveries.ts'
import type { Parcel } from './queue.ts'

/** What a look at what waits has to know of the line. */
export interface InLine {
  /** Tenants that have enough in it. */
  readonly served: readonly string[]
  /** Of the others, what says that it waits all the same. */
  readonly unmarked: readonly Delivery[]
}

/**
 * What was handed over to the worker of the process that leads, where nobody else is there to take it: the queue's order, in memory. Rows
 * on which the turn of others depends say `queued` as those do that are in the queue; where the process dies, they are found to be nowhere
 * and wait again. The others are not marked: they say that they wait all the time.
 */
export class Line {
  /** By how much goes before: the first of all tenants, the second, … Each in the order of coming. */
  readonly #places: (Delivery[] | undefined)[] = []
  /** How many of each tenant. */
  readonly #tenants = new Map<string, number>()
  readonly #deliveries = new Set<string>()
  /** Of these, those that are not marked. */
  readonly #unmarked = new Map<string, Delivery>()
  /** Taken, and not known yet to be claimed. */
  readonly #taken = new Set<string>()
  /** Claimed since the last look at what waits began, which may have found that they wait. */
  readonly #claimed = new Set<string>()

  get length(): number {
    return this.#deliveries.size
  }

  get tenants(): number {
    return this.#tenants.size
  }

  /** Whether a tenant's first job is in it. */
  get hasFirst(): boolean {
    return (this.#places[1]?.length ?? 0) > 0
  }

  has(delivery: string): boolean {
    return this.#deliveries.has(delivery)
  }

  /** How many in it are not marked. */
  get unmarked(): number {
    return this.#unmarked.size
  }

  /**
   * A look at what waits begins. Of tenants that have enough here there is no need to look for more.
   * @param enough how many of one tenant are
   */
  look(enough: number): InLine {
    this.#claimed.clear()
    const served = new Set([...this.#tenants].filter(([, n]) => n >= enough).map(([tenantId]) => tenantId))
    return {
      served: [...served],
      unmarked: [...this.#unmarked.values()].filter(({ tenantId }) => !served.has(tenantId)),
    }
  }

  /** Whether it is in the line, or was taken from it so late that the last look may have found it still waiting. */
  knows(delivery: string): boolean {
    return this.has(delivery) || this.#taken.has(delivery) || this.#claimed.has(delivery)
  }

  /** What was taken is claimed, or is somebody else's. */
  claimed(deliveries: readonly Delivery[]): void {
    for (const { delivery } of deliveries) if (this.#taken.delete(delivery)) this.#claimed.add(delivery)
  }

  /** What was taken and could not be claimed. */
  putBack(deliveries: readonly Delivery[]): void {
    for (const { delivery } of deliveries) this.#taken.delete(delivery)
    this.add(deliveries.map((delivery) => ({ ...delivery, priority: -1 })))
  }

  /** All that is in it, and it knows of nothing any more. */
  empty(): readonly Delivery[] {
    const all = this.take(Infinity)
    this.#taken.clear()
    this.#claimed.clear()
    return all
  }

  /** What goes on saying that it waits. */
  addUnmarked(parcels: readonly Parcel[]): void {
    for (const { delivery, tenantId, id } of parcels)
      if (!this.#deliveries.has(delivery)) this.#unmarked.set(delivery, { delivery, tenantId, id })
    this.add(parcels)
  }

  /** What is marked, or may be. */
  add(parcels: readonly Parcel[]): void {
    for (const { priority, delivery: key, tenantId, id } of parcels) {
      const delivery = { delivery: key, tenantId, id }
      // What could not be marked, or claimed, may have been chosen again.
      if (this.#deliveries.has(delivery.delivery)) continue
      const place = (this.#places[-priority] ??= [])
      place.push(delivery)
      this.#deliveries.add(delivery.delivery)
      this.#tenants.set(delivery.tenantId, (this.#tenants.get(delivery.tenantId) ?? 0) + 1)
    }
  }

  /** The first ones, at most so many. */
  take(most: number): readonly Delivery[] {
    let taken: Delivery[] = []
    for (const place of this.#places) {
      if (taken.length >= most) break
      if (place) taken = taken.concat(place.splice(0, most - taken.length))
    }
    this.#forget(taken)
    for (const { delivery } of taken) this.#taken.add(delivery)
    return taken
  }

  /** The first ones, as they would be put into the queue; they stay here. */
  parcels(most: number): readonly Parcel[] {
    const parcels: Parcel[] = []
    for (const [at, place] of this.#places.entries())
      for (const delivery of place ?? []) {
        if (parcels.length === most) return parcels
        parcels.push({ ...delivery, priority: -at })
      }
    return parcels
  }

  remove(parcels: readonly Parcel[]): void {
    const gone = new Set(parcels.map(({ delivery }) => delivery))
    for (const [at, place] of this.#places.entries()) {
      if (!place?.some(({ delivery }) => gone.has(delivery))) continue
      this.#forget(place.filter(({ delivery }) => gone.has(delivery)))
      this.#places[at] = place.filter(({ delivery }) => !gone.has(delivery))
    }
  }

  #forget(deliveries: readonly Delivery[]): void {
    for (const { delivery, tenantId } of deliveries) {
      this.#deliveries.delete(delivery)
      this.#unmarked.delete(delivery)
      const left = this.#tenants.get(tenantId)! - 1
      if (left === 0) this.#tenants.delete(tenantId)
      else this.#tenants.set(tenantId, left)
    }
  }
}
