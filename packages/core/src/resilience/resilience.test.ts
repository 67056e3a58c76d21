import { describe, expect, test, vi } from 'vitest'
import { circuitBreaker, resilient, retry, type ResilienceOptions } from './resilience.ts'
import { ResilienceError } from './resilience-error.ts'

const away = (): Promise<never> => Promise.reject(new Error('away'))
const quick = { firstMs: 1, mostMs: 2 }
const reasonOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'fine',
    (error: unknown) => (ResilienceError.is(error) ? error.reason : (error as Error).message),
  )

describe('trying again', () => {
  test('never by itself: it may have happened', async () => {
    const work = vi.fn<() => Promise<never>>(away)
    expect(await reasonOf(resilient('depot', { retry: quick }).run(work))).toBe('away')
    expect(work).toHaveBeenCalledTimes(1)
  })

  test('what may happen twice, so many times', async () => {
    const work = vi.fn<() => Promise<never>>(away)
    const depot = resilient('depot', { retry: { ...quick, retries: 3 } })
    await reasonOf(depot.run(work, { idempotent: true }))
    expect(work).toHaveBeenCalledTimes(4)
    expect(depot.counts).toMatchObject({ failed: 1, retried: 3 })
  })

  test('what surely has not happened', async () => {
    const refused = Object.assign(new Error('no connection'), { code: 'ECONNREFUSED' })
    const depot = resilient('depot', { retry: quick, isRepeatable: (error) => error === refused })
    const work = vi.fn<() => Promise<string>>(() => Promise.resolve('there')).mockRejectedValueOnce(refused)
    expect(await depot.run(work)).toBe('there')
    expect(work).toHaveBeenCalledTimes(2)
    const other = vi.fn<() => Promise<never>>(away)
    await reasonOf(depot.run(other))
    expect(other).toHaveBeenCalledTimes(1)
  })

  test('retry() alone, with what the last attempt threw', async () => {
    let attempts = 0
    await expect(retry(() => Promise.reject(new Error(`no ${(attempts += 1)}`)), quick)).rejects.toThrow('no 3')
  })
})

describe('the circuit', () => {
  const options: ResilienceOptions = { retry: false, breaker: { failures: 3, openMs: 20 } }

  test('opens after failures in a row: nothing is asked any more', async () => {
    const depot = resilient('depot', options)
    const seen: string[] = []
    depot.onCircuit((circuit) => seen.push(circuit))
    const work = vi.fn<() => Promise<never>>(away)
    const reasons = []
    for (let at = 0; at < 6; at += 1) reasons.push(await reasonOf(depot.run(work)))
    expect(reasons).toEqual(['away', 'away', 'away', 'open', 'open', 'open'])
    expect(work).toHaveBeenCalledTimes(3)
    expect(depot.circuit).toBe('open')
    expect(seen).toEqual(['open'])
    expect(depot.counts).toMatchObject({ failed: 3, open: 3 })
  })

  test('closes again when one call has come through', async () => {
    const depot = resilient('depot', options)
    for (let at = 0; at < 3; at += 1) await reasonOf(depot.run(away))
    await vi.waitFor(async () => expect(await reasonOf(depot.run(() => Promise.resolve()))).toBe('fine'))
    expect(depot.circuit).toBe('closed')
  })

  test('what the other side refuses with good reason does not open it', async () => {
    const depot = resilient('depot', { ...options, isFailure: (error) => (error as Error).message !== 'no such thing' })
    for (let at = 0; at < 10; at += 1) await reasonOf(depot.run(() => Promise.reject(new Error('no such thing'))))
    expect(depot.circuit).toBe('closed')
  })

  test('opens by itself alone, without timeout and bulkhead', async () => {
    const depot = circuitBreaker('depot', { failures: 1 })
    await reasonOf(depot.run(away))
    expect(await reasonOf(depot.run(() => Promise.resolve()))).toBe('open')
  })
})

test('a call that takes too long is given up, told by its signal, and counts as a failure', async () => {
  const depot = resilient('depot', { timeoutMs: 10, breaker: { failures: 1 } })
  let told: AbortSignal | undefined
  expect(await reasonOf(depot.run((signal) => new Promise(() => (told = signal))))).toBe('timeout')
  expect(told?.aborted).toBe(true)
  expect(depot.circuit).toBe('open')
})

test('a time limit of the caller that is over is counted as such, and thrown as it is', async () => {
  const late = Object.assign(new Error('late'), { code: 'ETIMEDOUT' })
  const depot = resilient('depot', { retry: false, isTimeout: (error) => error === late })
  expect(await reasonOf(depot.run(() => Promise.reject(late)))).toBe('late')
  expect(await reasonOf(depot.run(away))).toBe('away')
  expect(depot.counts).toMatchObject({ timeout: 1, failed: 1 })
})

test('so many at once, so many waiting, and the next is refused; its being full opens no circuit', async () => {
  const depot = resilient('depot', { bulkhead: { atOnce: 2, waiting: 3 }, breaker: { failures: 1 } })
  const release: (() => void)[] = []
  let most = 0
  let now = 0
  const work = async (): Promise<void> => {
    most = Math.max(most, (now += 1))
    await new Promise<void>((resolve) => release.push(resolve))
    now -= 1
  }
  const running = Array.from({ length: 8 }, () => reasonOf(depot.run(work)))
  await vi.waitFor(async () => {
    for (const one of release.splice(0)) one()
    expect(depot.counts.succeeded).toBe(5)
  })
  expect((await Promise.all(running)).filter((reason) => reason === 'full')).toHaveLength(3)
  expect(most).toBe(2)
  expect(depot.circuit).toBe('closed')
})

test.each(['', 'Redis', 'redis://user:secret@host', 'a b'])('%j is no name: names are shown to everybody', (name) => {
  expect(() => resilient(name)).toThrow('is no name')
})
