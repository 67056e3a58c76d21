import { text } from 'drizzle-orm/pg-core'
import { defineResource, resourceTable, type RateLimitStore } from '@plinth/core'
import { capturedLog } from '@plinth/testing'
import { expect, inject, test } from 'vitest'
import { openPlatform, tokenOf } from '../contract/open-platform.ts'

const ways: Readonly<Record<string, RateLimitStore['take']>> = {
  'refuses every call': () => Promise.reject(new Error('ECONNREFUSED')),
  'never answers': () => new Promise(() => undefined),
}

test.each(Object.keys(ways))(
  'a store that %s: the same rates, in this process; told once, and left alone',
  async (how) => {
    let asked = 0
    const store: RateLimitStore = {
      take(requests) {
        asked += 1
        return ways[how]!(requests)
      },
    }
    const log = capturedLog({ least: 'warn' })
    const table = resourceTable('things', { name: text().notNull() })
    const platform = await openPlatform(inject('postgresUrl'), [defineResource({ table })], [], {
      log,
      rateLimits: { store, requests: { ip: { capacity: 20, windowSeconds: 3_600 }, principal: false, tenant: false } },
    })
    const ask = async (): Promise<number> => {
      const request = new Request('http://test/api/v1/things', {
        headers: { authorization: `Bearer ${tokenOf('acme')}` },
      })
      return (await platform.plinth.fetch(request, { address: '203.0.113.5' })).status
    }
    try {
      const statuses = await Promise.all(Array.from({ length: 60 }, ask))
      for (let times = 0; times < 40; times += 1) statuses.push(await ask())
      expect(statuses.filter((status) => status === 200)).toHaveLength(20)
      expect(statuses.filter((status) => status === 429)).toHaveLength(80)
      expect(log.of('rate_limit_store_away')).toHaveLength(1)
      expect(asked).toBeLessThan(10)
    } finally {
      await platform.close()
    }
  },
)
