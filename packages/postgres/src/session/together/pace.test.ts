import { describe, expect, test } from 'vitest'
import { Pace } from './pace.ts'

/** What statements take of which a row adds `each` ms to the `once` ms of any, one after the other; every second one after a single row. */
function paced() {
  let now = 0
  const pace = new Pace(() => now)
  const tell = (rows: number, milliseconds: number): void => {
    now += milliseconds
    pace.took(rows, milliseconds)
  }
  const go = (once: number, each: number, statements = 20): readonly number[] =>
    Array.from({ length: statements }, (_, at) => {
      if (at % 2 === 0) tell(1, once + each)
      const rows = pace.most
      tell(rows, once + rows * each)
      return rows
    })
  return { pace, go, tell, wait: (milliseconds: number) => void (now += milliseconds) }
}

describe('rows that add little to a statement', () => {
  test('are many soon, and as many as may be', () => {
    expect(paced().go(3, 0.1).slice(0, 5)).toEqual([8, 16, 32, 32, 32])
  })

  test('are many also where all is slow, for whatever other reason', () => {
    expect(paced().go(400, 3).at(-1)).toBe(32)
  })

  test('stay many where one statement is held up, and all that run beside it, and where a single one was', () => {
    const { pace, go, tell } = paced()
    go(3, 0.1)
    tell(32, 330)
    for (let beside = 0; beside < 3; beside += 1) pace.took(32, 330)
    expect(pace.most).toBe(32)
    tell(32, 6)
    tell(32, 330)
    expect(pace.most).toBe(32)
    tell(1, 30_000)
    expect(go(3, 0.1).at(-1)).toBe(32)
  })

  test('are many again where the server became slow for all, after a while', () => {
    const { go } = paced()
    go(3, 0.1)
    expect(go(400, 0.1, 60).at(-1)).toBe(32)
  })
})

describe('dear rows', () => {
  test('are as many as a statement has time for', () => {
    expect(paced().go(3, 1).at(-1)).toBe(21)
  })

  test('go by themselves after two statements that took too long, but for a look a second', () => {
    const { go, wait } = paced()
    expect(go(3, 40, 4)).toEqual([8, 8, 1, 1])
    wait(700)
    expect(go(3, 40, 2)).toEqual([1, 1])
    wait(1_000)
    expect(go(3, 40, 4)).toEqual([2, 1, 1, 1])
    wait(1_000)
    expect(go(3, 0.1, 5)).toEqual([2, 4, 8, 16, 32])
  })

  test('are not taken for cheap ones because a single one was held up', () => {
    const { pace, tell } = paced()
    for (let at = 0; at < 20; at += 1) tell(1, 63)
    tell(1, 30_000)
    tell(8, 3 + 8 * 60)
    tell(8, 3 + 8 * 60)
    expect(pace.most).toBeLessThan(4)
  })
})

test('what a single row takes is asked again a few times a second', () => {
  const { pace, wait } = paced()
  expect(pace.wantsOne).toBe(true)
  pace.took(1, 3)
  expect(pace.wantsOne).toBe(false)
  wait(251)
  expect(pace.wantsOne).toBe(true)
})
