import { expect, test } from 'vitest'
import type { TenantRates } from '../ports/rate-limits.ts'
import { TenantRatesCache } from './tenant-rates.ts'

const rates: TenantRates = { tenant: { capacity: 1, windowSeconds: 1 } }

function cache(found: ReadonlyMap<string, TenantRates> = new Map([['a', rates]])) {
  const clock = { now: 0 }
  const state = { asked: [] as (readonly string[])[], away: false, found }
  const own = new TenantRatesCache(
    (ids) => {
      state.asked.push(ids)
      return state.away ? Promise.reject(new Error('away')) : Promise.resolve(state.found)
    },
    () => clock.now,
  )
  return { own, clock, state }
}

test('asked once a second, all of one moment in one statement', async () => {
  const { own, clock, state } = cache()
  const all = await Promise.all(Array.from({ length: 100 }, async (_, index) => own.of(index % 2 === 0 ? 'a' : 'b')))
  expect(state.asked).toEqual([['a', 'b']])
  expect([all[0], all[1]]).toEqual([rates, {}])
  clock.now = 499
  expect(own.of('a')).toBe(rates) // at once, no promise
  clock.now = 1_000
  await own.of('a')
  expect(state.asked).toHaveLength(2)
})

test('renewed before it runs out, while the old one serves', async () => {
  const { own, clock, state } = cache()
  await own.of('a')
  clock.now = 600
  expect(own.of('a')).toBe(rates)
  const next: TenantRates = { tenant: { capacity: 2, windowSeconds: 1 } }
  state.found = new Map([['a', next]])
  // Somebody who waits takes the renewal along.
  await own.of('b')
  expect(state.asked[1]).toEqual(['a', 'b'])
  clock.now = 1_100
  expect(own.of('a')).toBe(next)
})

test('where they cannot be read, the last ones hold, and those of the platform for who was never seen', async () => {
  const { own, clock, state } = cache()
  await own.of('a')
  state.away = true
  clock.now = 5_000
  expect(await own.of('a')).toBe(rates)
  expect(await own.of('c')).toEqual({})
})

test('what was changed here is seen here at once', async () => {
  const { own, state } = cache()
  await own.of('a')
  state.found = new Map()
  own.forget('a')
  expect(await own.of('a')).toEqual({})
})
