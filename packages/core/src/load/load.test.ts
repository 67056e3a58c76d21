import { describe, expect, test } from 'vitest'
import { Metrics } from '../metrics/metrics.ts'
import { silentLogger } from '../logging/silent-logger.ts'
import { Load } from './load.ts'

const loaded = (limits = { inFlight: 1_000, congestion: 100 }) => {
  const metrics = new Metrics()
  return { metrics, load: new Load({ limits, log: silentLogger, metrics, waitedMs: () => 0 }) }
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
    const { load } = loaded({ inFlight: 10, congestion: 100 })
    expect(admittedOf(load, 50)).toBe(10)
    load.left()
    load.left()
    expect(admittedOf(load, 50)).toBe(2)
  })

  test('while the event loop is late or statements wait: fewer at each look, 250 at least', () => {
    for (const look of [(load: Load) => load.looked(101, 0), (load: Load) => load.looked(0, 101)]) {
      const { load } = loaded()
      admittedOf(load, 1_000)
      look(load)
      expect(load.admitted).toBe(800)
      for (let at = 0; at < 50; at += 1) look(load)
      expect(load.admitted).toBe(250)
      expect(enter(load)).toBe(false)
    }
  })

  test('and as many as are answered in half a second, by the best second of late', () => {
    const { load } = loaded()
    for (let at = 0; at < 800; at += 1) {
      load.entered()
      load.left()
    }
    for (let at = 0; at < 20; at += 1) load.looked(0, 0)
    admittedOf(load, 1_000)
    for (let at = 0; at < 9; at += 1) load.looked(51, 101)
    expect(load.admitted).toBe(400)
    for (let at = 0; at < 2_000; at += 1) load.looked(50, 101)
    expect(load.admitted).toBe(250)
  })

  test('from as many as there are: of a thousand that might be, none is there', () => {
    const { load } = loaded()
    admittedOf(load, 500)
    load.looked(101, 0)
    expect(load.admitted).toBe(400)
  })

  test('while more are turned away than let in, the event loop says nothing of those that are in', () => {
    const { load } = loaded({ inFlight: 400, congestion: 100 })
    admittedOf(load, 1_000)
    load.looked(500, 0)
    expect(load.admitted).toBe(400)
    admittedOf(load, 1_000)
    load.looked(500, 500)
    expect(load.admitted).toBe(320)
  })

  test('it lets in more again, slowly, when nothing waits', () => {
    const { load } = loaded()
    for (let at = 0; at < 50; at += 1) load.looked(500, 0)
    load.looked(0, 0)
    expect(load.admitted).toBe(262)
    for (let at = 0; at < 100; at += 1) load.looked(100, 100)
    expect(load.admitted).toBe(1_000)
  })
})

test('counts what it turned away, and says when to come again', async () => {
  const { load, metrics } = loaded({ inFlight: 1, congestion: 100 })
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
