import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { untilLeft } from './until-left.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('work may go on for as long as it likes until its signal, and for its time after that', async () => {
  const ending = new AbortController()
  const left = untilLeft(new Promise(() => undefined), ending.signal, 1_000).catch((error: Error) => error.message)
  await vi.advanceTimersByTimeAsync(100_000)
  ending.abort()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(await left).toBe('it did not end within 1000 ms')
})

test('work that ends in time has ended', async () => {
  const ending = new AbortController()
  const work = new Promise<void>((resolve) =>
    ending.signal.addEventListener('abort', () => setTimeout(resolve, 900), { once: true }),
  )
  const left = untilLeft(work, ending.signal, 1_000)
  ending.abort()
  await vi.advanceTimersByTimeAsync(900)
  await expect(left).resolves.toBeUndefined()
})
