import type { Clock } from '@plinth/core'

/** A clock that stands still until a test moves it. */
export interface TestClock extends Clock {
  /** Forward by this many milliseconds; backwards is refused, time does not run so. */
  advance(milliseconds: number): void
  /** To a moment of choice, also an earlier one. */
  set(time: Date | string): void
}

/** @param start ISO text or Date; default 2026-01-31T12:00:00Z, the last day of a month, where dates go wrong first */
export function testClock(start: Date | string = '2026-01-31T12:00:00.000Z'): TestClock {
  let now = moment(start)
  return {
    // A copy: who changes the Date that he was given must not change the time of all others.
    now: () => new Date(now),
    advance(milliseconds) {
      if (!(milliseconds >= 0)) throw new RangeError(`cannot advance by ${milliseconds} ms`)
      now += milliseconds
    },
    set(time) {
      now = moment(time)
    },
  }
}

function moment(time: Date | string): number {
  const value = new Date(time).getTime()
  if (Number.isNaN(value)) throw new RangeError(`'${String(time)}' is no time`)
  return value
}
