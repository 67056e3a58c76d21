import { createPlinth, type Database, type Feature, type Plinth, type PlinthOptions, type Resource } from '@plinth/core'
import type { Driver, Isolation } from '@plinth/postgres/driver'
import { createHash } from 'node:crypto'
import { testClock, type TestClock } from '../clock/test-clock.ts'
import { inProcess } from '../http/in-process.ts'
import { fetchListener, listen, type HttpListener, type Listening } from '../http/listen.ts'
import type { Send, WireReply } from '../http/wire.ts'
import { capturedLog, type CapturedLog } from '../log/captured-log.ts'
import { launchServer, type TestServer } from '../server/launch-server.ts'
import { CANARY } from '../tenants/marks.ts'
import { seedRows, type SeededRows, type SeedOptions } from '../tenants/seed-rows.ts'
import { actorFeatures, makeActors, type TestActor, type TestTenant } from './actors.ts'
import { schemaKey } from './schema-key.ts'
import { embeddedStorage, serverStorage } from './platform-storage.ts'

export interface TestPlatformOptions {
  readonly resources: readonly Resource[]
  readonly features?: readonly Feature[]
  /** A clone of a template on the server of this run, or PGlite in memory. Default `postgres`. */
  readonly kind?: 'postgres' | 'pglite'
  /** Superuser URL of a server. Default: that of the vitest global set-up, else one that is launched for this process. */
  readonly serverUrl?: string
  /** More actors for each tenant: name → permissions. */
  readonly actors?: Readonly<Record<string, readonly string[]>>
  /** Connections of the runtime login. Default 4. */
  readonly pool?: number
  /** Roles are cluster-wide: tests that change them take a prefix of their own. Default `plinth_`. */
  readonly rolePrefix?: string
  /** How tenants are kept apart beside row-level security. Default `shared`. */
  readonly isolation?: Isolation
  /** Puts something between the platform and its runtime connections. */
  readonly wrap?: (driver: Driver) => Driver
  /** Everything else that `createPlinth` takes. Requests are not limited unless `rateLimits` says so. */
  readonly plinth?: Partial<Omit<PlinthOptions, 'database' | 'resources' | 'features'>>
}

/** A platform of a test's own: migrated, with two tenants and people in them. */
export interface TestPlatform {
  readonly plinth: Plinth
  readonly database: Database
  readonly isolation: Isolation
  readonly a: TestTenant
  readonly b: TestTenant
  readonly clock: TestClock
  readonly log: CapturedLog
  /** Past every policy. */
  readonly superuser: Driver
  /** The superuser's URL; undefined on PGlite. */
  readonly url: string | undefined
  /** Sends a request as it is. */
  readonly send: Send
  /** Sends a request of an actor (undefined: nobody); objects become JSON. */
  request(
    actor: TestActor | undefined,
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<TestReply>
  /** Serves on a free port: by a plain bridge, or by the listener of an adapter. */
  listen(listener?: HttpListener): Promise<Listening>
  /** Writes marked rows into both tenants (once; later calls give the same rows). */
  twoTenants(options?: SeedOptions): Promise<{ readonly a: SeededRows; readonly b: SeededRows }>
  readonly close: () => Promise<void>
}

export interface TestReply extends WireReply {
  /** The parsed body; undefined when it is empty or no JSON. */
  readonly json: unknown
}

const SLUGS = { a: 'acme-agency', b: 'beta-hosting' } as const
/** Not secret: these keys protect nothing but tests. */
const SECRET_KEYS = `test:${createHash('sha256').update('plinth test keys').digest('base64')}`

/**
 * A migrated database (cloned in 0.1 s), a platform on it, and the tenants a and b, each with the actors `full`, `reader`,
 * `writer`, `own`, `group` and `shared`. Call `close` in `afterAll`.
 */
export async function testPlatform(options: TestPlatformOptions): Promise<TestPlatform> {
  const { resources, kind = 'postgres', rolePrefix = 'plinth_', pool = 4, isolation = 'shared' } = options
  const clock = testClock()
  const log = capturedLog({ least: 'warn' })
  const actors = { a: makeActors('a', options.actors), b: makeActors('b', options.actors) }
  // Anew for each platform: a feature that reads credentials belongs to one registry.
  const features = (): readonly Feature[] => [
    ...(options.features ?? []),
    ...actorFeatures([
      { slug: SLUGS.a, actors: actors.a },
      { slug: SLUGS.b, actors: actors.b },
    ]),
  ]
  const create = (database: Database): Plinth =>
    createPlinth({
      clock,
      log,
      notFound: 'plinth',
      env: { ENVIRONMENT: 'test', SECRET_KEYS },
      // Tests ask more than any person.
      rateLimits: { requests: false },
      ...options.plinth,
      // Many at once are a test and no flood, and the machine has other work.
      limits: { congestion: 60_000, ...options.plinth?.limits },
      database,
      resources,
      features: features(),
    })
  const open = kind === 'postgres' ? serverStorage : embeddedStorage
  const stored = await open({
    serverUrl: options.serverUrl ?? (kind === 'postgres' ? await serverOfThisRun() : undefined),
    rolePrefix,
    isolation,
    pool,
    wrap: options.wrap,
    key: schemaKey(resources, features(), [kind, rolePrefix, isolation, CANARY, ...Object.values(SLUGS)]),
    async prepare(database) {
      const plinth = create(database)
      await plinth.migrate()
      await plinth.foundTenant({ slug: SLUGS.a, name: 'Acme' })
      await plinth.foundTenant({ slug: SLUGS.b, name: `Beta ${CANARY}` })
      // The same objects belong to the test's own platform next.
      for (const feature of plinth.registry.features) if (feature.background) await feature.stop?.()
    },
  })
  const plinth = create(stored.database)
  const tenant = async (key: 'a' | 'b'): Promise<TestTenant> => {
    const found = await stored.database.findTenant(SLUGS[key])
    if (!found) throw new Error(`the template has no tenant ${SLUGS[key]}`)
    const people = Object.values(actors[key]).filter((actor) => actor.userId !== null)
    return {
      key,
      id: found.id,
      slug: found.slug,
      actors: actors[key],
      userIds: people.map((actor) => actor.userId!),
      groupIds: people.flatMap((actor) => actor.groupIds),
    }
  }
  const [a, b] = [await tenant('a'), await tenant('b')]
  const send = inProcess(plinth.fetch)
  let seeded: ReturnType<TestPlatform['twoTenants']> | undefined
  return {
    plinth,
    database: stored.database,
    isolation,
    a,
    b,
    clock,
    log,
    superuser: stored.superuser,
    url: stored.url,
    send,
    request: (actor, method, path, body, headers) => ask(send, actor, method, path, body, headers),
    listen: (listener) => listen(listener ?? fetchListener(plinth.fetch)),
    twoTenants(seedOptions) {
      seeded ??= seedRows(stored.superuser, plinth.registry, a, b, { isolation, ...seedOptions }).then(
        ({ attacker, victim }) => ({
          a: attacker,
          b: victim,
        }),
      )
      return seeded
    },
    async close() {
      await plinth.close()
      await stored.close()
    },
  }
}

let ownServer: Promise<TestServer> | undefined

/** The server of vitest's global set-up; where there is none, one for this process, which ends with it. */
async function serverOfThisRun(): Promise<string> {
  const { inject } = await import('vitest')
  // The key is declared beside the set-up, which a user of this package need not have.
  const shared = (inject as (key: string) => unknown)('postgresUrl')
  if (typeof shared === 'string') return shared
  ownServer ??= launchServer()
  return (await ownServer).url
}

async function ask(
  send: Send,
  actor: TestActor | undefined,
  method: string,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<TestReply> {
  const raw = typeof body === 'string' || body instanceof Uint8Array
  const all: Record<string, string> = {
    ...(actor && { authorization: `Bearer ${actor.token}` }),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...headers,
  }
  const reply = await send({
    method,
    target: path,
    headers: Object.entries(all),
    body: body === undefined || raw ? body : JSON.stringify(body),
  })
  let json: unknown
  try {
    json = JSON.parse(reply.body)
  } catch {
    json = undefined
  }
  return { ...reply, json }
}
