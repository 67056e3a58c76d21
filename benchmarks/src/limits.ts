/*
 * What counting a request costs: the same requests in process with limits off, counted in leases, and counted one by one in the
 * store. CPU of this process alone; what PostgreSQL does for a statement comes on top. Run: pnpm --filter @plinth/benchmarks limits
 */
import { randomBytes } from 'node:crypto'
import {
  createPlinth,
  defineResource,
  resourceTable,
  serviceTokens,
  type Plinth,
  type RateLimitOptions,
} from '@plinth/core'
import { postgres } from '@plinth/postgres'
import { createDatabase, launchServer, loginUrl } from '@plinth/testing'
import { text } from 'drizzle-orm/pg-core'
import { tokenOf } from './database/tenants.ts'
import { wideRates } from './platform/bench-platform.ts'
import { spread } from './report/statistics.ts'

const ROUNDS = 7
const REQUESTS = 3_000
/** So many at a time, as a busy server has them. */
const AT_ONCE = 16

const leased = wideRates
/** Less than one a second is never taken ahead: each request is one statement for the address, and two for who asks. */
const slow = { capacity: 10_000_000, windowSeconds: 31_536_000 }
const ways: Readonly<Record<string, RateLimitOptions>> = {
  'limits off': { requests: false },
  leased: { requests: leased },
  'one by one': { requests: { ip: slow, anonymous: slow, principal: slow, tenant: slow } },
}

/** A tenant and an address for each way, or they would share buckets. */
const slugs = Object.keys(ways).map((_, at) => `limited-${at}`)

const things = resourceTable('limited_things', { name: text().notNull() })
const env = {
  ENVIRONMENT: 'production',
  LOG_LEVEL: 'error',
  SECRET_KEYS: `bench:${randomBytes(32).toString('base64')}`,
}

function open(url: string, rateLimits: RateLimitOptions, ownerUrl?: string): Plinth {
  return createPlinth({
    database: postgres(url, ownerUrl === undefined ? {} : { ownerUrl }),
    resources: [defineResource({ table: things })],
    features: [
      serviceTokens(slugs.map((slug) => ({ name: slug, token: tokenOf(slug), tenant: slug, permissions: ['*'] }))),
    ],
    rateLimits,
    env,
  })
}

const routes = {
  'a public page, no database (/api/v1)': '/api/v1',
  'a list of rows': '/api/v1/limited-things',
} as const

async function round(
  plinth: Plinth,
  at: number,
  path: string,
): Promise<{ readonly cpu: number; readonly wall: number }> {
  let left = REQUESTS
  const headers = { authorization: `Bearer ${tokenOf(slugs[at]!)}` }
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const answer = await plinth.fetch(new Request(`http://bench${path}`, { headers }), { address: `203.0.113.${at}` })
      if (answer.status !== 200) throw new Error(`answered ${answer.status}`)
      await answer.text()
    }
  }
  const before = process.cpuUsage()
  const startedAt = performance.now()
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  const { user, system } = process.cpuUsage(before)
  return { cpu: (user + system) / REQUESTS, wall: ((performance.now() - startedAt) * 1_000) / REQUESTS }
}

const server = await launchServer()
const database = await createDatabase(server.url)
const url = loginUrl(database.url, 'plinth_app')
const first = open(url, {}, database.url)
await first.migrate()
for (const slug of slugs) await first.foundTenant({ slug, name: slug })
await first.close()

for (const [route, path] of Object.entries(routes)) {
  console.info(`\n${route}, µs for a request (median of ${ROUNDS} rounds of ${REQUESTS}, ${AT_ONCE} at once)`)
  const platforms = Object.entries(ways).map(([name, options], at) => ({
    name,
    at,
    plinth: open(url, options),
    cpu: [] as number[],
    wall: [] as number[],
  }))
  for (const { plinth, at } of platforms) await round(plinth, at, path)
  // Round about, so that a machine that gets busy is busy for all of them.
  for (let turn = 0; turn < ROUNDS; turn += 1) {
    for (const platform of platforms) {
      const { cpu, wall } = await round(platform.plinth, platform.at, path)
      platform.cpu.push(cpu)
      platform.wall.push(wall)
    }
  }
  for (const { name, plinth, cpu, wall } of platforms) {
    const [of, took] = [spread(cpu), spread(wall)]
    console.info(
      `${name.padEnd(12)} CPU ${of.median.toFixed(1).padStart(7)}   wall ${took.median.toFixed(1).padStart(7)}`,
    )
    await plinth.close()
  }
}
await database.drop()
await server.stop()
