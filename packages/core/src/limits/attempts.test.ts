import { describe, expect, test } from 'vitest'
import { silentLogger } from '../logging/silent-logger.ts'
import type { RateLimitStore } from '../ports/rate-limits.ts'
import { Attempts, type AttemptLimit } from './attempts.ts'
import { memoryLimits } from './memory-limits.ts'

const log = silentLogger
const login = (account: string, client: string): AttemptLimit[] => [
  { name: 'login', by: [account, client], capacity: 10, windowSeconds: 900 },
  { name: 'login-ip', by: [client], capacity: 100, windowSeconds: 900 },
]

/** A login: charged, looked at, given back where it was right. */
async function guess(attempts: Attempts, limits: AttemptLimit[], right: boolean): Promise<'in' | 'wrong' | 'refused'> {
  try {
    const attempt = await attempts.attempt(limits)
    if (!right) return 'wrong'
    await attempt.refund()
    return 'in'
  } catch (error) {
    expect(error).toMatchObject({
      code: 'rate_limited',
      headers: { 'retry-after': expect.stringMatching(/^[1-9]\d*$/) },
    })
    return 'refused'
  }
}

describe('Attempts', () => {
  test('of 200 guesses at once, ten are looked at', async () => {
    const attempts = new Attempts(memoryLimits(), log)
    const all = await Promise.all(Array.from({ length: 200 }, () => guess(attempts, login('ann', '1.1.1.1'), false)))
    expect(all.filter((one) => one === 'wrong')).toHaveLength(10)
    // The right one, later: not any more.
    const late = await Promise.all(Array.from({ length: 200 }, () => guess(attempts, login('ann', '1.1.1.1'), true)))
    expect(new Set(late)).toEqual(new Set(['refused']))
  })

  test('a stranger does not lock the owner out', async () => {
    const attempts = new Attempts(memoryLimits(), log)
    for (let times = 0; times < 50; times += 1) await guess(attempts, login('ann', '6.6.6.6'), false)
    expect(await guess(attempts, login('ann', '1.1.1.1'), true)).toBe('in')
  })

  test('right ones cost nothing: a thousand logins in a row', async () => {
    const attempts = new Attempts(memoryLimits(), log)
    for (let times = 0; times < 1_000; times += 1)
      expect(await guess(attempts, login('ann', '1.1.1.1'), true)).toBe('in')
    expect((await attempts.peek(login('ann', '1.1.1.1'))).map(({ remaining }) => remaining)).toEqual([10, 100])
  })

  test('one address, many accounts: a hundred guesses', async () => {
    const attempts = new Attempts(memoryLimits(), log)
    const all = []
    for (let times = 0; times < 300; times += 1) all.push(await guess(attempts, login(`u${times}`, '6.6.6.6'), false))
    expect(all.filter((one) => one === 'wrong')).toHaveLength(100)
  })

  test('where one limit refuses, the others are not charged', async () => {
    const attempts = new Attempts(memoryLimits(), log)
    for (let times = 0; times < 30; times += 1) await guess(attempts, login('ann', '1.1.1.1'), false)
    expect((await attempts.peek(login('bob', '1.1.1.1')))[1]).toMatchObject({ remaining: 90 })
  })

  test('reset fills the buckets', async () => {
    const attempts = new Attempts(memoryLimits(), log)
    for (let times = 0; times < 30; times += 1) await guess(attempts, login('ann', '1.1.1.1'), false)
    await attempts.reset(login('ann', '1.1.1.1'))
    expect((await attempts.peek(login('ann', '1.1.1.1'))).map(({ remaining }) => remaining)).toEqual([10, 100])
  })

  test('without the store nobody is let through: 503; a refund that fails is no failure', async () => {
    let away = true
    const memory = memoryLimits()
    const store: RateLimitStore = {
      take: (requests) => (away ? Promise.reject(new Error('ECONNREFUSED 10.0.0.1')) : memory.take(requests)),
    }
    const attempts = new Attempts(store, log)
    await expect(attempts.attempt(login('ann', '1.1.1.1'))).rejects.toMatchObject({ code: 'unavailable', status: 503 })
    away = false
    const attempt = await attempts.attempt(login('ann', '1.1.1.1'))
    away = true
    await attempt.refund()
  })

  test('no address and no account stands in the store', async () => {
    const keys: string[] = []
    const memory = memoryLimits()
    const attempts = new Attempts(
      {
        take(requests) {
          keys.push(...requests.map(({ key }) => key))
          return memory.take(requests)
        },
      },
      log,
    )
    await attempts.attempt(login('ann@example.com', '203.0.113.9'))
    await attempts.attempt([{ name: 'pair', by: ['a', 'b|c'], capacity: 5, windowSeconds: 60 }])
    await attempts.attempt([{ name: 'pair', by: ['a|b', 'c'], capacity: 5, windowSeconds: 60 }])
    expect(keys.join()).not.toMatch(/ann|203/)
    expect(new Set(keys).size).toBe(4)
    await expect(attempts.peek([{ name: 'Login', by: [], capacity: 1, windowSeconds: 1 }])).rejects.toThrow('no name')
  })
})
