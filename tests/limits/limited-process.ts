/*
 * One of several processes of the same platform. Its argument says where the database is; on each message it asks for as many
 * requests as the message says, all at once, and tells how many were answered with which status.
 */
import { createPlinth, defineResource, resourceTable, serviceTokens, silentLogger, type Plinth } from '@plinth/core'
import { postgres } from '@plinth/postgres'
import { redisLimits } from '@plinth/redis'
import { text } from 'drizzle-orm/pg-core'

export interface LimitedProcess {
  readonly url: string
  readonly ownerUrl?: string
  /** Where buckets lie; the database where it is not said. */
  readonly redisUrl?: string | undefined
  readonly secretKeys: string
  /** Requests of the tenant acme in a day. */
  readonly capacity: number
}

const token = 'acme-'.padEnd(40, 'x')

export function limitedPlatform({ url, ownerUrl, redisUrl, secretKeys, capacity }: LimitedProcess): Plinth {
  const table = resourceTable('things', { name: text().notNull() })
  return createPlinth({
    database: postgres(url, { max: 4, ...(ownerUrl !== undefined && { ownerUrl }) }),
    resources: [defineResource({ table })],
    features: [serviceTokens([{ name: 'acme', token, tenant: 'acme', permissions: ['*'] }])],
    log: silentLogger,
    env: { ENVIRONMENT: 'test', SECRET_KEYS: secretKeys },
    rateLimits: {
      ...(redisUrl !== undefined && { store: redisLimits(redisUrl) }),
      requests: { tenant: { capacity, windowSeconds: 86_400 }, principal: false },
    },
  })
}

export async function statusesOf(plinth: Plinth, requests: number): Promise<Record<number, number>> {
  const counts: Record<number, number> = {}
  const one = async (): Promise<void> => {
    const request = new Request('http://test/api/v1/things', { headers: { authorization: `Bearer ${token}` } })
    const { status } = await plinth.fetch(request)
    counts[status] = (counts[status] ?? 0) + 1
  }
  await Promise.all(Array.from({ length: requests }, one))
  return counts
}

const given = process.send && process.argv[2]
if (given) {
  const plinth = limitedPlatform(JSON.parse(given) as LimitedProcess)
  process.on('message', (requests: number) => {
    void statusesOf(plinth, requests).then((counts) => process.send?.(counts))
  })
  process.on('disconnect', () => process.exit())
  process.send?.('ready')
}
