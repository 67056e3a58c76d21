import assert from 'node:assert/strict'
import { memoryLimits, type RateLimitStore, type TakeRequest, type TakeResult } from '@plinth/core'
import { seededRandom } from '../random/seeded-random.ts'

/** One thing that every store of limits must do. */
export interface LimitStoreCase {
  readonly title: string
  /** @param unique a text that no other run of a case on this store has, for keys */
  readonly run: (store: RateLimitStore, unique: string) => Promise<void>
}

const DAY = 86_400
const YEAR = 31_536_000

async function one(store: RateLimitStore, request: TakeRequest): Promise<TakeResult> {
  const [result] = await store.take([request])
  assert.ok(result)
  return result
}

/**
 * What a store of rate limits promises, as cases for any test runner: `for (const { title, run } of limitStoreCases)`. Each runs on
 * an open store and asserts by `node:assert`.
 */
export const limitStoreCases: readonly LimitStoreCase[] = [
  {
    title: 'a bucket is full at first, and says what is left',
    async run(store, unique) {
      const rate = { key: `full:${unique}`, capacity: 10, windowSeconds: DAY }
      const expected = { allowed: true, taken: 1, remaining: 9, retryAfterSeconds: 0, resetSeconds: DAY / 10 }
      assert.deepEqual(await one(store, rate), expected)
      const more = await one(store, { ...rate, cost: 9 })
      assert.deepEqual([more.allowed, more.taken, more.remaining], [true, 9, 0])
    },
  },
  {
    title: 'an empty one refuses, charges nothing, and says when',
    async run(store, unique) {
      const rate = { key: `empty:${unique}`, capacity: 4, windowSeconds: DAY }
      await one(store, { ...rate, cost: 4 })
      for (let again = 0; again < 3; again += 1) {
        const { allowed, taken, remaining, retryAfterSeconds } = await one(store, rate)
        assert.deepEqual([allowed, taken, remaining], [false, 0, 0])
        assert.ok(retryAfterSeconds > DAY / 4 - 60 && retryAfterSeconds <= DAY / 4, `${retryAfterSeconds}`)
      }
      const two = await one(store, { ...rate, cost: 2 })
      assert.ok(two.retryAfterSeconds > DAY / 2 - 60 && two.retryAfterSeconds <= DAY / 2, `${two.retryAfterSeconds}`)
    },
  },
  {
    title: 'several at once: all or none',
    async run(store, unique) {
      const a = { key: `a:${unique}`, capacity: 3, windowSeconds: DAY }
      const b = { key: `b:${unique}`, capacity: 1, windowSeconds: DAY }
      assert.deepEqual(
        (await store.take([a, b])).map(({ allowed }) => allowed),
        [true, true],
      )
      for (let again = 0; again < 3; again += 1) {
        const [ofA, ofB] = await store.take([a, b])
        assert.deepEqual([ofA?.allowed, ofA?.taken, ofA?.remaining, ofA?.retryAfterSeconds], [false, 0, 2, 0])
        assert.ok(ofB && !ofB.allowed && ofB.retryAfterSeconds > 0)
      }
      assert.equal((await one(store, a)).remaining, 1)
      assert.deepEqual(await store.take([]), [])
    },
  },
  {
    title: 'partial: as many as there are, where there is one',
    async run(store, unique) {
      const rate = { key: `partial:${unique}`, capacity: 5, windowSeconds: DAY, cost: 3, partial: true }
      const taken: number[] = []
      for (let times = 0; times < 3; times += 1) taken.push((await one(store, rate)).taken)
      assert.deepEqual(taken, [3, 2, 0])
      const refused = await one(store, rate)
      assert.ok(!refused.allowed && refused.retryAfterSeconds <= DAY / 5, `${refused.retryAfterSeconds}`)
    },
  },
  {
    title: 'what is given back is there again, and no more than a full bucket',
    async run(store, unique) {
      const rate = { key: `back:${unique}`, capacity: 5, windowSeconds: DAY }
      await one(store, { ...rate, cost: 5 })
      assert.equal((await one(store, { ...rate, cost: -2 })).remaining, 2)
      assert.equal((await one(store, { ...rate, cost: -5 })).remaining, 5)
      assert.equal((await one(store, { ...rate, cost: -5 })).remaining, 5)
      assert.equal((await one(store, { ...rate, cost: 5 })).remaining, 0)
    },
  },
  {
    title: 'under another rate it is never emptier than empty',
    async run(store, unique) {
      const slow = { key: `rate:${unique}`, capacity: 100, windowSeconds: YEAR }
      await one(store, { ...slow, cost: 100 })
      const fast = { ...slow, windowSeconds: 3_600 }
      const refused = await one(store, fast)
      assert.ok(!refused.allowed && refused.resetSeconds <= 3_600, `${refused.resetSeconds}`)
      await one(store, { ...fast, cost: -60 })
      assert.equal((await one(store, fast)).remaining, 59)
    },
  },
  {
    title: 'a look charges nothing',
    async run(store, unique) {
      const rate = { key: `look:${unique}`, capacity: 2, windowSeconds: DAY }
      for (let times = 0; times < 3; times += 1) assert.equal((await one(store, { ...rate, cost: 0 })).remaining, 2)
      await one(store, { ...rate, cost: 2 })
      const look = await one(store, { ...rate, cost: 0 })
      assert.deepEqual([look.allowed, look.remaining], [true, 0])
    },
  },
  {
    title: 'refilled evenly, by no more than time allows',
    async run(store, unique) {
      // One in 20 milliseconds: ten beyond the fifty take 200 of them.
      const rate = { key: `refill:${unique}`, capacity: 50, windowSeconds: 1 }
      const startedAt = performance.now()
      let taken = 0
      while (taken < 60) taken += (await one(store, { ...rate, cost: 5, partial: true })).taken
      assert.ok(performance.now() - startedAt >= (taken - 50) * 20 - 25, 'refilled before its time')
    },
  },
  {
    title: '1,000 at once on a bucket of 100: exactly 100',
    async run(store, unique) {
      const rate = { key: `burst:${unique}`, capacity: 100, windowSeconds: DAY }
      const results = await Promise.all(Array.from({ length: 1_000 }, () => one(store, rate)))
      assert.equal(results.filter(({ allowed }) => allowed).length, 100)
    },
  },
  {
    title: 'two buckets in either order, at once: no caller waits for ever, none is charged twice',
    async run(store, unique) {
      const a = { key: `left:${unique}`, capacity: 1_000, windowSeconds: YEAR }
      const b = { key: `right:${unique}`, capacity: 60, windowSeconds: YEAR }
      const takes = Array.from({ length: 200 }, (_, index) => store.take(index % 2 === 0 ? [a, b] : [b, a]))
      const results = await Promise.all(takes)
      assert.equal(results.filter(([first]) => first?.allowed).length, 60)
      assert.equal((await one(store, { ...a, cost: 0 })).remaining, 940)
    },
  },
  {
    title: 'as the one in memory, over 300 random calls',
    async run(store, unique) {
      const random = seededRandom(unique)
      const model = memoryLimits()
      const keys = ['x', 'y', 'z'].map((name) => `${name}:${unique}`)
      for (let call = 0; call < 300; call += 1) {
        const chosen = random.some(keys, 0.5)
        const requests = chosen.map((key, index): TakeRequest => {
          // The refill of a year's bucket is not seen within the seconds of a test.
          const capacity = [7, 20, 1_000][keys.indexOf(key)]!
          return { key, capacity, windowSeconds: YEAR, cost: random.below(9) - 3, partial: (call + index) % 3 === 0 }
        })
        const [told, expected] = [await store.take(requests), await model.take(requests)]
        const exact = ({ allowed, taken, remaining }: TakeResult) => ({ allowed, taken, remaining })
        assert.deepEqual(told.map(exact), expected.map(exact), `call ${call}: ${JSON.stringify(requests)}`)
        told.forEach(({ retryAfterSeconds, resetSeconds }, index) => {
          assert.ok(Math.abs(retryAfterSeconds - expected[index]!.retryAfterSeconds) <= 30)
          assert.ok(Math.abs(resetSeconds - expected[index]!.resetSeconds) <= 30)
        })
      }
    },
  },
  {
    title: 'mistakes of code are errors: a key twice, no rate, more than a bucket holds',
    async run(store, unique) {
      const rate = { key: `wrong:${unique}`, capacity: 5, windowSeconds: 60 }
      const wrong: readonly (readonly TakeRequest[])[] = [
        [rate, rate],
        [{ ...rate, cost: 6 }],
        [{ ...rate, cost: 0.5 }],
        [{ ...rate, capacity: 0 }],
        [{ ...rate, capacity: 10_000_000, windowSeconds: 1 }],
        [{ ...rate, windowSeconds: Number.NaN }],
        [{ ...rate, key: '' }],
        [{ ...rate, key: 'ü' }],
      ]
      for (const requests of wrong) await assert.rejects(async () => store.take(requests), JSON.stringify(requests))
    },
  },
]
