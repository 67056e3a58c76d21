import { createPlinth, defineResource, resourceTable, serviceTokens, silentLogger, type Plinth } from '@plinth/core'
import { postgres } from '@plinth/postgres'
import { webhooks } from '@plinth/webhooks'
import { text } from 'drizzle-orm/pg-core'

export interface SenderProcess {
  readonly url: string
  readonly ownerUrl?: string
  readonly secretKeys: string
  /** Where the receiver is. */
  readonly host: string
}

/** Not secret: the database is gone when the test ends. */
export const TOKEN = 'a-service-of-the-webhook-tests-xxxxxxxxxx'

const sites = resourceTable('sites', { name: text().notNull() })

/** Sends, and takes a second for none. */
export function senderPlatform({ url, ownerUrl, secretKeys, host }: SenderProcess): Plinth {
  return createPlinth({
    database: postgres(url, { max: 6, ...(ownerUrl !== undefined && { ownerUrl }) }),
    resources: [defineResource({ table: sites })],
    features: [
      webhooks({ timeout: '1s', pollMs: 20, perWebhook: 20, concurrency: 80 }),
      serviceTokens([{ name: 'sites', token: TOKEN, tenant: 'acme', permissions: ['*'] }]),
    ],
    env: { ENVIRONMENT: 'test', SECRET_KEYS: secretKeys, WEBHOOKS_ALLOW_HOSTS: host },
    log: silentLogger,
  })
}

/** Creates sites, as the platform itself. */
export async function createSites(plinth: Plinth, many: number): Promise<void> {
  for (let done = 0; done < many; done += 100)
    await plinth.asSystem('test', 'acme', async (ctx) => {
      await Promise.all(
        Array.from({ length: Math.min(100, many - done) }, (_, at) => ctx.create(sites, { name: String(done + at) })),
      )
    })
}

const given = process.send && process.argv[2]
if (given) {
  const plinth = senderPlatform(JSON.parse(given) as SenderProcess)
  process.on('disconnect', () => process.exit())
  // Readiness is what begins the work beside requests.
  void plinth.fetch(new Request('http://test/api/v1/health/ready')).then(() => process.send?.('ready'))
}
