import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { limitStoreCases } from '../../../testing/src/limits/limit-store-cases.ts'
import { memoryLimits } from './memory-limits.ts'

test.each(limitStoreCases)('$title', ({ run }) => run(memoryLimits(), randomUUID()))

test('refilled by the clock alone: evenly, to the brim', async () => {
  let now = 1_000
  const store = memoryLimits(() => now)
  const rate = { key: 'k', capacity: 6, windowSeconds: 60 }
  const left = async (): Promise<number> => (await store.take([{ ...rate, cost: 0 }]))[0]!.remaining
  await store.take([{ ...rate, cost: 6 }])
  now += 9_999
  expect(await left()).toBe(0)
  now += 1
  expect(await left()).toBe(1)
  now += 600_000
  expect(await left()).toBe(6)
})
