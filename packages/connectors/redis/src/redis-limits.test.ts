import { randomUUID } from 'node:crypto'
import { createServer, type AddressInfo } from 'node:net'
import { createClient } from '@redis/client'
import { launchRedis, limitStoreCases, type TestRedis } from '@plinth/testing'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { redisLimits, type RedisLimits } from './redis-limits.ts'

const day = { capacity: 10, windowSeconds: 86_400 }

describe('limits on Redis', () => {
  let redis: TestRedis
  let store: RedisLimits
  beforeAll(async () => {
    redis = await launchRedis({ own: true })
    store = redisLimits(redis.url)
  }, 300_000)
  afterAll(async () => {
    await store?.close()
    await redis?.stop()
  })

  test.each(limitStoreCases)('$title', ({ run }) => run(store, randomUUID()))

  test('keys expire when their bucket is full, and a full one has none', async () => {
    const client = await createClient({ url: redis.url }).connect()
    try {
      const key = randomUUID()
      await store.take([{ key, ...day, cost: 5 }])
      const left = await client.pTTL(`{plinth}:limits:${key}`)
      expect(left).toBeGreaterThan(86_400_000 / 2 - 60_000)
      expect(left).toBeLessThanOrEqual(86_400_000 / 2)
      await store.take([{ key, ...day, cost: -10 }])
      expect(await client.exists(`{plinth}:limits:${key}`)).toBe(0)
      await store.take([{ key, ...day, cost: 0 }])
      expect(await client.exists(`{plinth}:limits:${key}`)).toBe(0)
    } finally {
      await client.close()
    }
  })

  test('a script that the server has forgotten is sent again', async () => {
    const client = await createClient({ url: redis.url }).connect()
    await client.scriptFlush()
    await client.close()
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, at) => store.take([{ key: `forgotten:${at}`, ...day }])),
    )
    expect(all.every(([result]) => result?.allowed)).toBe(true)
  })

  test('a prefix keeps two platforms on one server apart', async () => {
    const other = redisLimits(redis.url, { prefix: 'other:' })
    const key = randomUUID()
    await store.take([{ key, ...day, cost: 10 }])
    expect((await other.take([{ key, ...day }]))[0]).toMatchObject({ allowed: true, remaining: 9 })
    await other.close()
  })

  test('a server that is killed: calls reject, and go on when it is back', async () => {
    await redis.kill()
    await expect(store.take([{ key: 'killed', ...day }])).rejects.toBeInstanceOf(Error)
    await redis.restart()
    await vi.waitFor(() => store.take([{ key: 'back', ...day }]), { timeout: 20_000, interval: 50 })
  })

  test('a server that is silent: calls reject in time, and go on when it speaks again', async () => {
    const hasty = redisLimits(redis.url, { timeoutMs: 200 })
    await hasty.take([{ key: 'silent', ...day }])
    redis.pause()
    try {
      await expect(hasty.take([{ key: 'silent', ...day }])).rejects.toThrow('did not answer in time')
      await expect(hasty.take([{ key: 'silent', ...day }])).rejects.toBeInstanceOf(Error)
    } finally {
      redis.resume()
    }
    await vi.waitFor(() => hasty.take([{ key: 'silent', ...day }]), { timeout: 20_000, interval: 50 })
    await hasty.close()
  })

  test('after five failures in a row nobody waits for it; it goes on by itself', async () => {
    const hasty = redisLimits(redis.url, { timeoutMs: 200 })
    const [way] = hasty.resilience
    const [check] = hasty.checks
    await hasty.take([{ key: 'circuit', ...day }])
    await check.check(AbortSignal.timeout(5_000))
    redis.pause()
    try {
      for (let at = 0; at < 5; at += 1) await hasty.take([{ key: 'circuit', ...day }]).catch(() => undefined)
      expect(way.circuit).toBe('open')
      // One was given up after its time; the others found a connection that is being made, or gave up that.
      expect(way.counts.timeout).toBeGreaterThan(0)
      await expect(hasty.take([{ key: 'circuit', ...day }])).rejects.toThrow('is not asked for the moment')
      await expect(check.check(AbortSignal.timeout(5_000))).rejects.toBeInstanceOf(Error)
    } finally {
      redis.resume()
    }
    await vi.waitFor(() => hasty.take([{ key: 'circuit', ...day }]), { timeout: 20_000, interval: 50 })
    expect(way.circuit).toBe('closed')
    await hasty.close()
  })

  test('beyond ten thousand that wait for an answer the next is refused at once, and opens no circuit', async () => {
    const hasty = redisLimits(redis.url, { timeoutMs: 2_000 })
    const [way] = hasty.resilience
    await hasty.take([{ key: 'many', ...day }])
    redis.pause()
    try {
      const waiting = Array.from({ length: 10_000 }, () => hasty.take([{ key: 'many', ...day }]).catch(() => 'failed'))
      await expect(hasty.take([{ key: 'many', ...day }])).rejects.toThrow('is asked for more than it can take')
      expect([way.counts.full, way.circuit]).toEqual([1, 'closed'])
      await hasty.close()
      await Promise.all(waiting)
    } finally {
      redis.resume()
    }
  })

  test('closed, it takes no more', async () => {
    const closed = redisLimits(redis.url)
    await closed.take([{ key: 'closed', ...day }])
    await closed.close()
    await expect(closed.take([{ key: 'closed', ...day }])).rejects.toThrow('closed')
    await redisLimits(redis.url).close() // never opened
  })
})

test('nobody is there: a call rejects in time', async () => {
  const probe = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => probe.once('listening', resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  const store = redisLimits(`redis://127.0.0.1:${port}`, { timeoutMs: 300 })
  await expect(store.take([{ key: 'none', ...day }])).rejects.toBeInstanceOf(Error)
  await expect(store.take([{ key: 'none', ...day }])).rejects.toBeInstanceOf(Error)
  await store.close()
})

test('what is no URL is said without quoting it', () => {
  for (const url of ['', 'localhost:6379', 'http://x', 'postgres://user:canary@host']) {
    expect(() => redisLimits(url)).toThrow(/^Not a URL of Redis/)
    expect(() => redisLimits(url)).not.toThrow(/canary/)
  }
})
