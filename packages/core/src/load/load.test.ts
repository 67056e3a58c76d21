import { describe, expect, test } from 'vitest'
import { Metrics } from '../metrics/metrics.ts'
import { silentLogger } from '../logging/silent-logger.ts'
import { Load } from './load.ts'

const loaded = (limits = { inFlight: 1_000, loopLag: 100 }) => {
  const metrics = new Metrics()
  return { metrics, load: new Load({ limits, log: silentLogger, metrics }) }
}

/** One request; whether it was let in. It stays. */
function enter(load: Load): boolean {
  load.entered()
  if (!load.isBusy) return true
  expect(() => load.refuseExcess()).toThrow(expect.objectContaining({ code: 'overloaded', status: 503 }))
  load.left()
  return false
}

const admittedOf = (load: Load, offered: number): number =>
  Array.from({ length: offered }, () => enter(load)).filter(Boolean).length

describe('how many may be in flight', () => {
  test('as many as the limit says, and again when some have left', () => {
    const { load } = loaded({ inFlight: 10, loopLag: 100 })
    expect(admittedOf(load, 50)).toBe(10)
    load.left()
    load.left()
    expect(admittedOf(load, 50)).toBe(2)
  })

  test.each([
    [0, 1_000],
    [100, 1_000],
    [200, 500],
    [400, 250],
    [60_000, 100],
  ])('while the event loop is %d ms late: %d', (late, expected) => {
    const { load } = loaded()
    for (let at = 0; at < 100; at += 1) load.late(late)
    expect(admittedOf(load, 1_500)).toBe(expected)
  })

  test('one long computation is not taken for too much work', () => {
    const { load } = loaded()
    load.late(300)
    expect(admittedOf(load, 1_500)).toBe(1_000)
  })

  test('it lets in again when the event loop is in time again', () => {
    const { load } = loaded()
    for (let at = 0; at < 100; at += 1) load.late(1_000)
    for (let at = 0; at < 10; at += 1) load.late(0)
    expect(admittedOf(load, 1_500)).toBe(1_000)
  })
})

test('counts what it turned away, and says when to come again', async () => {
  const { load, metrics } = loaded({ inFlight: 1, loopLag: 100 })
  admittedOf(load, 5)
  expect(await metrics.print()).toMatch(/^plinth_http_requests_shed_total 4$/m)
  expect(() => load.refuseExcess()).toThrow(expect.objectContaining({ headers: { 'retry-after': '1' } }))
})

describe('draining', () => {
  test('ends with the last request', async () => {
    const { load } = loaded()
    load.entered()
    load.entered()
    const draining = load.drain(60_000)
    expect(load.isServing).toBe(false)
    load.left()
    load.left()
    expect(await draining).toBe(0)
    expect(await load.drain(60_000)).toBe(0)
  })

  test('or after its time, and says how many are left', async () => {
    const { load } = loaded()
    load.entered()
    expect(await load.drain(5)).toBe(1)
  })
})
