import { createPlinth, defineResource, eventOf, on, resourceTable, silentLogger, type Plinth } from '@plinth/core'
import { postgres } from '@plinth/postgres'
import { text } from 'drizzle-orm/pg-core'

export interface RelayProcess {
  readonly url: string
  readonly ownerUrl?: string
  readonly secretKeys: string
  /** Milliseconds that a handler takes. */
  readonly takes: number
}

const sites = resourceTable('sites', { name: text().notNull() })
const notes = resourceTable('notes', { site: text().notNull(), by: text().notNull() })
const site = defineResource({ table: sites })

/** Two handlers, each of which leaves one note for each site. */
export function relayPlatform({ url, ownerUrl, secretKeys, takes }: RelayProcess): Plinth {
  const noting = (name: string) =>
    on(eventOf(site, 'created'), name, async (ctx, { data }) => {
      await ctx.create(notes, { site: data.id, by: name })
      await new Promise((resolve) => setTimeout(resolve, takes))
    })
  return createPlinth({
    database: postgres(url, { max: 4, ...(ownerUrl !== undefined && { ownerUrl }) }),
    resources: [site, defineResource({ table: notes })],
    handlers: [noting('first'), noting('second')],
    env: { ENVIRONMENT: 'test', SECRET_KEYS: secretKeys },
    log: silentLogger,
  })
}

/** Creates sites, as the platform itself. */
export async function createSites(plinth: Plinth, many: number): Promise<void> {
  await plinth.asSystem('test', 'acme', async (ctx) => {
    for (let at = 0; at < many; at += 1) await ctx.create(sites, { name: String(at) })
  })
}

const given = process.send && process.argv[2]
if (given) {
  const plinth = relayPlatform(JSON.parse(given) as RelayProcess)
  process.on('disconnect', () => process.exit())
  // Readiness is what begins the work beside requests.
  void plinth.fetch(new Request('http://test/api/v1/health/ready')).then(() => process.send?.('ready'))
}
