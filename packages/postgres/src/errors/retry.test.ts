import { describe, expect, test } from 'vitest'
import { DriverError, nothingLasts } from './driver-error.ts'
import { withRetry, type RetryOptions } from './retry.ts'

const withCode = (code: string): Error => Object.assign(new Error(code), { code })

/** Runs `withRetry` over attempts that fail in turn, then succeed; tells how often it ran and how long it slept. */
async function retried(errors: readonly Error[], options: Partial<RetryOptions> = {}) {
  let runs = 0
  const slept: number[] = []
  const work = (): Promise<string> => {
    const error = errors[runs++]
    return error ? Promise.reject(error) : Promise.resolve('done')
  }
  const outcome = await withRetry(work, {
    attempts: 4,
    mayRepeat: () => false,
    random: () => 0.5,
    sleep: (milliseconds) => {
      slept.push(milliseconds)
      return Promise.resolve()
    },
    ...options,
  }).catch((error: unknown) => error)
  return { outcome, runs, slept }
}

test('what succeeds runs once and sleeps never', async () => {
  expect(await retried([])).toEqual({ outcome: 'done', runs: 1, slept: [] })
})

test('serialization failures and deadlocks are always repeated, after growing random delays', async () => {
  expect(await retried([withCode('40001'), withCode('40P01'), withCode('40001')])).toEqual({
    outcome: 'done',
    runs: 4,
    slept: [20, 40, 80],
  })
})

test('the delay is random from nothing to a bound', async () => {
  const endless = Array.from({ length: 11 }, () => withCode('40001'))
  expect((await retried(endless, { attempts: 12, random: () => 1 })).slept.at(-1)).toBe(1_000)
  expect((await retried(endless, { attempts: 12, random: () => 0 })).slept).toEqual(endless.map(() => 0))
})

test('the attempts are bounded, and the last error is the one', async () => {
  const errors = [1, 2, 3, 4].map(() => withCode('40001'))
  expect(await retried(errors)).toMatchObject({ outcome: errors[3], runs: 4 })
  expect(await retried(errors, { attempts: 1 })).toMatchObject({ outcome: errors[0], runs: 1 })
})

describe('a lost connection', () => {
  test('is repeated when nothing was sent', async () => {
    const beforeCommit = withCode('CONNECTION_CLOSED')
    nothingLasts(beforeCommit)
    for (const error of [
      withCode('ECONNREFUSED'),
      withCode('57P03'),
      new DriverError('unreachable', ''),
      beforeCommit,
    ]) {
      expect(await retried([error])).toMatchObject({ outcome: 'done', runs: 2 })
    }
  })

  test('is repeated when a repetition does no harm, and only then', async () => {
    const lost = withCode('CONNECTION_CLOSED')
    expect(await retried([lost], { mayRepeat: (kind) => kind === 'connection' })).toMatchObject({
      outcome: 'done',
      runs: 2,
    })
    expect(await retried([lost])).toMatchObject({ outcome: lost, runs: 1 })
  })
})

test.each(['57014', '53200', '23505', '42501', '22P02', '42P01', 'P0001'])('%s is not repeated', async (code) => {
  const error = withCode(code)
  expect(await retried([error], { mayRepeat: () => true })).toEqual({ outcome: error, runs: 1, slept: [] })
})

test('overload is not repeated', async () => {
  const error = new DriverError('overloaded', '')
  expect(await retried([error], { mayRepeat: () => true })).toMatchObject({ outcome: error, runs: 1 })
})
