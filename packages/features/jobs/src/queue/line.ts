import type { Delivery } from './deliveries.ts'
import type { Parcel } from './queue.ts'

/**
 * What was handed over to the worker of the process that leads, where nobody else is there to take it: the queue's order, in memory. The rows
 * say `queued` as those do that are in the queue. Where the process dies, they are found to be nowhere and wait again.
 */
export class Line {
  /** By how much goes before: the first of all tenants, the second, … Each in the order of coming. */
  readonly #places: (Delivery[] | undefined)[] = []
  /** How many of each tenant. */
  readonly #tenants = new Map<string, number>()
  readonly #deliveries = new Set<string>()

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

  add(parcels: readonly Parcel[]): void {
    for (const { priority, ...delivery } of parcels) {
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
      const left = this.#tenants.get(tenantId)! - 1
      if (left === 0) this.#tenants.delete(tenantId)
      else this.#tenants.set(tenantId, left)
    }
  }
}
