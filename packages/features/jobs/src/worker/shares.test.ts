import { expect, test } from 'vitest'
import { QUICK_MS, Shares } from './shares.ts'

function at(places: number) {
  const clock = { now: 0, busy: 1 }
  return { clock, shares: new Shares({ places, now: () => clock.now, busy: () => clock.busy }) }
}

test('a tenant that is alone has all places, however busy the process is', () => {
  const { clock, shares } = at(5)
  for (let begun = 0; begun < 5; begun += 1) shares.begin('acme')
  expect([shares.has('acme'), shares.most('acme')]).toEqual([5, Infinity])
  clock.now += 60_000
  expect([shares.most('acme'), shares.free]).toEqual([Infinity, 0])
})

test('half of them while another one has work and the process is busy, for a second after that began', () => {
  const { clock, shares } = at(5)
  shares.end(shares.begin('acme'))
  shares.end(shares.begin('beta'))
  expect([shares.most('acme'), shares.most('beta'), shares.most('gamma')]).toEqual([2, 2, 2])
  for (; clock.now < 1_000; clock.now += 10) shares.end(shares.begin('acme'))
  expect([shares.most('acme'), shares.most('beta')]).toEqual([2, 2])
  clock.now += 1
  shares.end(shares.begin('acme'))
  expect([shares.most('acme'), shares.most('beta')]).toEqual([Infinity, 2])
})

test('all of them once one of its jobs is no quick one, and half again when that has ended', () => {
  const { clock, shares } = at(5)
  const long = shares.begin('acme')
  shares.begin('beta')
  expect(shares.most('acme')).toBe(2)
  clock.now += QUICK_MS - 1
  expect(shares.most('acme')).toBe(2)
  clock.now += 1
  expect(shares.most('acme')).toBe(Infinity)
  shares.begin('acme')
  expect(shares.most('acme')).toBe(Infinity)
  shares.end(long)
  expect(shares.most('acme')).toBe(2)
})

test('all of them again where the process has time, and one at least', () => {
  const { clock, shares } = at(5)
  shares.begin('acme')
  shares.begin('beta')
  clock.busy = 0.1
  expect(shares.most('acme')).toBe(Infinity)
  clock.now += 100
  shares.begin('gamma')
  clock.busy = 0.9
  expect(shares.most('gamma')).toBe(2)
  const single = at(1).shares
  single.begin('acme')
  single.begin('beta')
  expect([single.most('acme'), single.most('beta')]).toEqual([1, 1])
})

test('what ended is not counted, and a tenant of which nothing runs is forgotten', () => {
  const { shares } = at(4)
  const [first, , other] = ['acme', 'acme', 'beta'].map((tenantId) => shares.begin(tenantId))
  shares.end(first!)
  shares.end(other!)
  expect([shares.has('acme'), shares.has('beta')]).toEqual([1, 0])
})

test('whoever waits for his COMMIT has no place, but is counted to his tenant; whoever works again has one, though there is none', () => {
  const { shares } = at(2)
  const [first, second] = [shares.begin('acme'), shares.begin('beta')]
  expect([shares.free, shares.most('acme'), shares.most('beta')]).toEqual([0, 1, 1])
  shares.leave(first)
  shares.leave(first)
  expect([shares.free, shares.has('acme'), shares.has('beta')]).toEqual([1, 1, 1])
  const third = shares.begin('beta')
  shares.resume(first)
  shares.resume(first)
  expect([shares.free, shares.has('acme')]).toEqual([-1, 1])
  for (const place of [first, second, third]) {
    shares.end(place)
    shares.end(place)
  }
  expect([shares.free, shares.has('acme'), shares.has('beta')]).toEqual([2, 0, 0])
})
