import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RateLimitStore, TakeRequest } from '../ports/rate-limits.ts'
import { Leases } from './leases.ts'
import { memoryLimits } from './memory-limits.ts'

const minute = { capacity: 600, windowSeconds: 60 }
const day = { capacity: 100, windowSeconds: 86_400 }

/** A store in memory on a clock of the test, which remembers what it was asked. */
function counted() {
  const clock = { now: 1_000_000 }
  const inner = memoryLimits(() => clock.now)
  const asked: TakeRequest[] = []
  const store: RateLimitStore = {
    take(requests) {
      asked.push(...requests)
      return inner.take(requests)
    },
  }
  return { clock, store, asked, leases: () => new Leases(store, () => clock.now) }
}

describe('Leases', () => {
  test('a busy bucket is asked for rarely, and never ahead by more than a second refills', async () => {
    const { clock, asked, leases } = counted()
    const own = leases()
    for (let request = 0; request < 500; request += 1) {
      expect((await own.take('principal', 'a', minute)).allowed).toBe(true)
      clock.now += 100 // ten a second: as fast as it refills
    }
    expect(asked.length).toBeLessThan(80)
    expect(Math.max(...asked.map(({ cost }) => cost!))).toBeLessThanOrEqual(11)
  })

  test('what is told is what is left, the tokens in hand included', async () => {
    const { leases } = counted()
    const own = leases()
    for (let left = 599; left >= 0; left -= 1) {
      expect(await own.take('principal', 'a', minute)).toMatchObject({ allowed: true, remaining: left })
    }
    expect(await own.take('principal', 'a', minute)).toMatchObject({
      allowed: false,
      remaining: 0,
      retryAfterSeconds: 1,
    })
  })

  test('a limit of less than one a second is charged one by one', async () => {
    const { asked, leases } = counted()
    const own = leases()
    for (let request = 0; request < 20; request += 1) await own.take('tenant', 'a', day)
    expect(asked.map(({ cost }) => cost)).toEqual(Array.from({ length: 20 }, () => 1))
  })

  test('an empty bucket is not asked for again for a second, however many come', async () => {
    const { clock, asked, leases } = counted()
    const own = leases()
    const all = await Promise.all(Array.from({ length: 1_000 }, async () => own.take('tenant', 'a', day)))
    expect(all.filter(({ allowed }) => allowed)).toHaveLength(100)
    const before = asked.length
    for (let request = 0; request < 10_000; request += 1) {
      expect((await own.take('tenant', 'a', day)).allowed).toBe(false)
    }
    expect(asked.length).toBe(before)
    clock.now += 1_000
    await own.take('tenant', 'a', day)
    expect(asked.length).toBe(before + 1)
  })

  test('requests of one moment go to the store together', async () => {
    const { asked, leases } = counted()
    const own = leases()
    await Promise.all(Array.from({ length: 50 }, async () => own.take('principal', 'a', minute)))
    expect(asked).toHaveLength(1)
    expect(asked[0]).toMatchObject({ cost: 50, partial: true })
  })

  test('what is given back is spent by the next one', async () => {
    const { asked, leases } = counted()
    const own = leases()
    await own.take('tenant', 'a', day)
    own.giveBack('tenant', 'a')
    await own.take('tenant', 'a', day)
    expect(asked).toHaveLength(1)
    own.giveBack('tenant', 'never seen')
  })

  test('tokens in hand are let go after ten seconds', async () => {
    const { clock, asked, leases } = counted()
    const own = leases()
    await own.take('tenant', 'a', day)
    own.giveBack('tenant', 'a')
    clock.now += 10_000
    await own.take('tenant', 'a', day)
    expect(asked).toHaveLength(2)
  })

  test('a store that is away is told to all who wait, and asked again by the next', async () => {
    let away = true
    const { store, clock } = counted()
    const own = new Leases(
      { take: (requests) => (away ? Promise.reject(new Error('away')) : store.take(requests)) },
      () => clock.now,
    )
    const results = await Promise.allSettled(Array.from({ length: 5 }, async () => own.take('ip', 'a', minute)))
    expect(results.every(({ status }) => status === 'rejected')).toBe(true)
    away = false
    expect((await own.take('ip', 'a', minute)).allowed).toBe(true)
  })

  test('several processes, any pace, any rate: never more than the bucket and what it refilled', async () => {
    const rate = fc.record({
      capacity: fc.integer({ min: 1, max: 400 }),
      windowSeconds: fc.constantFrom(1, 7, 60, 3_600),
    })
    // Who asks, how often at once, and how many milliseconds pass before.
    const step = fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 60 }), fc.constantFrom(0, 0, 1, 15, 400, 2_000, 30_000))
    await fc.assert(
      fc.asyncProperty(rate, fc.array(step, { minLength: 1, maxLength: 60 }), async (limit, steps) => {
        const { clock, leases } = counted()
        const processes = [leases(), leases(), leases(), leases()]
        const startedAt = clock.now
        let accepted = 0
        for (const [at, burst, pause] of steps) {
          clock.now += pause
          const takes = Array.from({ length: burst }, async () => processes[at]!.take('x', 'y', limit))
          accepted += (await Promise.all(takes)).filter(({ allowed }) => allowed).length
          const refilled = ((clock.now - startedAt) / 1_000) * (limit.capacity / limit.windowSeconds)
          // A microsecond for each token: intervals are cut to whole ones.
          expect(accepted).toBeLessThanOrEqual(limit.capacity + refilled * (1 + 1e-5) + 1e-6)
        }
      }),
      { numRuns: 300 },
    )
  })
})
