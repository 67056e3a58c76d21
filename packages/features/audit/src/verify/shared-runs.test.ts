import { expect, test } from 'vitest'
import { SharedRuns } from './shared-runs.ts'

/** Runs that end when they are told to. */
function runs() {
  const open: { readonly end: (value: number) => void; readonly fail: (error: Error) => void }[] = []
  const work = (): Promise<number> => {
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    open.push({ end: resolve, fail: reject })
    return promise
  }
  return { open, work }
}
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('one runs, and all who come meanwhile share the next one', async () => {
  const shared = new SharedRuns<number>()
  const { open, work } = runs()
  const first = shared.run('a', work)
  const others = Array.from({ length: 5 }, () => shared.run('a', work))
  await settled()
  expect(open).toHaveLength(1)
  open[0]!.end(1)
  expect(await first).toBe(1)
  await settled()
  expect(open).toHaveLength(2)
  // This one has begun: who comes now may not get it.
  const late = shared.run('a', work)
  open[1]!.end(2)
  expect(await Promise.all(others)).toEqual([2, 2, 2, 2, 2])
  await settled()
  open[2]!.end(3)
  expect(await late).toBe(3)
  await settled()
  const alone = shared.run('a', work)
  expect(open).toHaveLength(4)
  open[3]!.end(4)
  expect(await alone).toBe(4)
})

test('one that fails is no end to the next, and another chain waits for nothing', async () => {
  const shared = new SharedRuns<number>()
  const { open, work } = runs()
  const first = shared.run('a', work)
  const next = shared.run('a', work)
  const other = shared.run('b', work)
  expect(open).toHaveLength(2)
  open[1]!.end(7)
  expect(await other).toBe(7)
  open[0]!.fail(new Error('away'))
  await expect(first).rejects.toThrow('away')
  await settled()
  open[2]!.end(2)
  expect(await next).toBe(2)
})

test('ten wait and no more, until one of them has his answer', async () => {
  const shared = new SharedRuns<number>()
  const { open, work } = runs()
  const ten = Array.from({ length: 10 }, () => shared.run('a', work))
  await expect(shared.run('a', work)).rejects.toMatchObject({ code: 'rate_limited', headers: { 'retry-after': '5' } })
  open[0]!.end(1)
  await ten[0]
  const last = shared.run('a', work)
  await settled()
  open[1]!.end(2)
  expect(await Promise.all(ten)).toEqual([1, ...Array.from({ length: 9 }, () => 2)])
  await settled()
  open[2]?.end(3)
  expect(await last).toBeGreaterThanOrEqual(2)
})
