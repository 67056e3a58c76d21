import { getRequestListener } from '@hono/node-server'
import { audit } from '@plinth/audit'
import { defineJob, statement, type Feature, type Platform, type Route } from '@plinth/core'
import { toHono } from '@plinth/hono'
import { jobs } from '@plinth/jobs'
import {
  CANARY,
  capturedMail,
  depot,
  describeFindings,
  isMarked,
  layeredPlatform,
  leakFuzzer,
  overSocket,
  seededRandom,
  tenantTables,
  type LayeredPlatform,
  type Layers,
  type LeakActor,
  type LeakReport,
  type TestPlatformOptions,
} from '@plinth/testing'
import { afterAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { attackers, hostOf, identityOptions } from './attackers.ts'

/*
 * Tenant a against tenant b with real people in every role, keys and services, signed up and signed in over HTTP, at the routes of the
 * platform as well as at those of the product. `npm run fuzz` makes it as long as one likes.
 */
const asked = Number(process.env['PLINTH_FUZZ_REQUESTS'] ?? 2_000)
const isolations = (process.env['PLINTH_FUZZ_ISOLATION'] ?? 'shared,schema').split(',') as ('shared' | 'schema')[]
const seed = process.env['PLINTH_FUZZ_SEED'] ?? '1'
const patience = 180_000 + asked * 30

/** Asked for by whoever may; it never runs, for nothing may happen by itself. */
const tidy = defineJob({
  name: 'folder.tidy',
  input: z.object({ word: z.string().optional() }),
  requested: true,
  run: () => Promise.resolve(),
})
/** What is asked for is in the log, and in the next answer of it. */
const remembers = ({ path }: Route): boolean => path.startsWith('/api/v1/audit-logs')

/** An attempt to sign in to the victim's account is in the victim's log, and what belongs to no tenant in that of the platform. */
const meant = (words: string): boolean =>
  words.startsWith('"plinth"."audit_inbox": rows of neither tenant') ||
  (words.startsWith('"plinth"."audit_inbox": new or changed: ') &&
    words.includes('"outcome":"failed"') &&
    words.includes('"action":"auth.logIn"'))

interface Opened extends LayeredPlatform {
  readonly people: readonly LeakActor[]
}

const opened: LayeredPlatform[] = []
async function open(
  layers: Layers,
  isolation: 'shared' | 'schema',
  more: Partial<TestPlatformOptions> = {},
): Promise<Opened> {
  const mail = capturedMail()
  const identity = identityOptions(mail)
  const book = audit()
  const layered = await layeredPlatform(layers, {
    ...identity,
    resources: depot,
    rolePrefix: 'leak_',
    isolation,
    ...more,
    features: [...(identity.features ?? []), book, jobs(), ...(more.features ?? [])],
    plinth: { ...identity.plinth, jobs: [tidy] },
  })
  opened.push(layered)
  const { platform, driver } = layered
  // What happens by itself would be taken for something that a request did.
  for (const feature of platform.plinth.registry.features) if (feature.background) await feature.stop?.()
  // Rows are seeded by the fields of their resource, with marked numbers.
  await platform.superuser.script(`alter table plinth.background_jobs alter column second_factor set default false`)
  const people = await attackers(platform, mail)
  const { rewrite, target } = driver
  driver.rewrite = undefined
  for (const { actors, key } of [platform.a, platform.b]) {
    const word = key === 'b' ? CANARY : 'ours'
    // The victim's log is the longer one: of two logs that are read as one its entries are the newest.
    for (let number = 0; number < (key === 'b' ? 60 : 1); number += 1) {
      const body = { type: tidy.name, input: { word } }
      expect((await platform.request(actors.shared, 'POST', '/api/v1/jobs', body)).status).toBe(202)
    }
  }
  driver.rewrite = rewrite
  driver.target = target
  await book.seal()
  await platform.twoTenants()
  // What has waited for years, and nobody takes, is no health.
  await platform.superuser.query(`update plinth.background_jobs set status = 'scheduled', run_at = '2041-01-31'`)
  return { ...layered, people }
}
afterAll(async () => {
  for (const layered of opened) await layered.close()
})

/** What may be refused everything: whose session is over, and who has no place in a tenant. */
const refused = new Set(['suspended there', 'superadmin'])

function tell(title: string, report: LeakReport): void {
  const statuses = [...report.statuses].sort(([a], [b]) => a - b).map(([status, count]) => `${status}×${count}`)
  console.info(
    `real logins, ${title}: ${report.requests} requests in ${Math.round(report.seconds)} s by ${report.actors.size} actors, ` +
      `${report.routes} routes, ${report.served.size} of them answered 2xx, ${report.compared} pairs compared to the byte, ` +
      `${report.aborted} given up, findings ${report.findings.length}; seed ${report.seed}; ${statuses.join(' ')}`,
  )
}

function judge({ platform }: Opened, report: LeakReport): void {
  expect(describeFindings(platform, report)).toBe('')
  expect(report.unconfirmed).toEqual([])
  expect(platform.log.lines.filter((line) => line.level === 'error')).toEqual([])
}

describe.each(isolations)('tables of all tenants or a schema for each: %s', (isolation) => {
  test('people, keys and services find nothing of another tenant', { timeout: patience }, async () => {
    const layered = await open('both', isolation)
    const { platform, people } = layered
    const report = await leakFuzzer({
      platform,
      seed: `${seed} ${isolation}`,
      requests: asked,
      people,
      hostOf,
      remembers,
      meant,
    })
    tell(isolation, report)
    judge(layered, report)
    expect(report.requests).toBeGreaterThanOrEqual(asked)
    // Whoever is refused everywhere attacks nothing: nobody lost his standing on the way.
    for (const [name, { served }] of report.actors)
      if (!refused.has(name)) expect(served, name).toBeGreaterThan(name.startsWith('a-') ? -1 : 0)
    // Every row of the victim, in every table there is, is one that would be recognised.
    for (const { sql } of await tenantTables(platform.superuser)) {
      const rows = await platform.superuser.query(
        `select to_jsonb(t)::text as content from ${sql} t where tenant_id = $1::uuid`,
        [platform.b.id],
      )
      const bare = rows
        .map((row) => String(row['content']))
        .filter((row) => !isMarked(row) && !/-[0-9a-f]{12}"/.test(row))
      expect(bare, sql).toEqual([])
    }
  })

  test('over sockets: a pool of two, and callers that hang up in the middle', { timeout: patience }, async () => {
    const layered = await open('both', isolation, { pool: 2 })
    const { platform, people } = layered
    const served = await platform.listen(getRequestListener(toHono(platform.plinth).fetch))
    const random = seededRandom(`abort ${seed}`)
    const sender = overSocket(served.url, { connections: 16, abort: { share: 0.2, within: 12, random } })
    try {
      const report = await leakFuzzer({
        platform,
        seed: `${seed} ${isolation} sockets`,
        requests: Math.max(600, asked / 20),
        people,
        hostOf,
        remembers,
        meant,
        send: (request) => sender.send(request),
      })
      tell(`${isolation}, sockets`, report)
      judge(layered, report)
      expect(report.aborted).toBeGreaterThan(30)
    } finally {
      sender.close()
      await served.close()
    }
  })
})

test.each([
  ['row-level security alone', 'policies'],
  ['the conditions in the queries alone', 'conditions'],
] as const)('with %s', { timeout: patience }, async (title, layers) => {
  const layered = await open(layers, 'shared')
  const { platform, people } = layered
  const report = await leakFuzzer({
    platform,
    seed: `${seed} ${layers}`,
    requests: asked / 2,
    people,
    hostOf,
    remembers,
    meant,
  })
  tell(title, report)
  judge(layered, report)
  // Of 246 routes each is asked a few times: these, once more, with filters that hit and filters that do not.
  const only = ({ path }: Route): boolean => /^\/api\/v1\/(audit-logs|jobs|dead-letters)\b/.test(path)
  const parts = { platform, people, hostOf, remembers, meant, only }
  const work = await leakFuzzer({ ...parts, seed: `${seed} ${layers} work`, requests: asked / 2 })
  tell(`${title}, log and jobs`, work)
  judge(layered, work)
})

describe('planted: a route about oneself that believes the request', () => {
  /** The smallest of forgotten checks: an id, and no question whose. */
  function careless(
    read: (platform: Platform, id: string) => Promise<string>,
    answer: 'row' | 'only whether',
  ): Feature {
    let platform: Platform | undefined
    return {
      name: 'careless',
      start: (started) => void (platform = started),
      routes: () => [
        {
          method: 'GET',
          path: '/api/v1/careless/:id',
          operationId: 'careless',
          summary: 'Planted',
          tag: 'careless',
          origin: 'platform',
          public: false,
          personal: 'user',
          inTenant: false,
          errors: [],
          answers: [{ status: 200, description: 'Planted' }],
          async handle({ parameters }) {
            const found = await read(platform!, parameters['id']!)
            const body = answer === 'row' ? found : JSON.stringify({ there: found !== '' })
            return { status: 200, headers: { 'content-type': 'application/json' }, body }
          },
        },
      ],
    }
  }
  const session = (platform: Platform, id: string): Promise<string> =>
    platform.database.system(async (system) => {
      const [row] = await system.run(
        statement`select user_agent from plinth.sessions where id::text = ${id}::text and user_agent is not null`,
      )
      return row ? JSON.stringify(row) : ''
    })

  test.each([
    ['row', 'foreign bytes'],
    ['only whether', 'distinguishable'],
  ] as const)('answers with %s: %s', { timeout: patience }, async (answer, kind) => {
    const { platform, people } = await open('both', 'shared', { features: [careless(session, answer)] })
    const report = await leakFuzzer({
      platform,
      seed: 'planted',
      requests: 3_000,
      people,
      only: (route) => route.operationId === 'careless',
    })
    // Which session is asked for first is drawn from their ids, and one without words of its owner tells only that it is there.
    expect(new Set(report.findings.map((finding) => finding.kind))).toContain(kind)
  })
})
