import { audit } from '@plinth/audit'
import { defineJob, type Route } from '@plinth/core'
import { events } from '@plinth/events'
import { jobs } from '@plinth/jobs'
import { webhooks } from '@plinth/webhooks'
import {
  CANARY,
  depot,
  describeFindings,
  folders,
  layeredPlatform,
  leakFuzzer,
  policedTables,
  policyMutations,
  prepareForProbes,
  probePolicyMutant,
  probeTables,
  type LayeredPlatform,
  type Layers,
  type PolicyMutant,
  type TestReply,
  type TestTenant,
} from '@plinth/testing'
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'

/*
 * The log, jobs and events, and who may read of them: at every route of theirs tenant a with all rights, with few, and nobody; and each
 * policy of their tables taken away. PLINTH_LEAK_REQUESTS makes it longer.
 */
const APP = 'leak_app'
const asked = Number(process.env['PLINTH_LEAK_REQUESTS'] ?? 20_000) / 5
const seed = process.env['PLINTH_LEAK_SEED'] ?? '1'
const TABLES = [
  'audit_checkpoints',
  'audit_inbox',
  'audit_logs',
  'audit_subject_keys',
  'background_jobs',
  'kept_results',
  'webhook_deliveries',
  'webhook_secrets',
  'webhooks_out',
]

const folder = depot.find(({ table }) => table === folders)!
const tidy = defineJob({
  name: 'folder.tidy',
  input: z.object({ word: z.string().optional() }),
  requested: true,
  run: () => Promise.resolve(),
})

const hook = (word: string) => ({ url: `https://hooks.example.com/${word}`, events: ['*'], description: word })

const opened: LayeredPlatform[] = []
afterAll(async () => {
  for (const layered of opened) await layered.close()
})

async function open(layers: Layers): Promise<LayeredPlatform> {
  const book = audit()
  const layered = await layeredPlatform(layers, {
    resources: [folder],
    features: [book, jobs(), events({ store: ['*'] }), webhooks()],
    rolePrefix: 'leak_',
    plinth: { jobs: [tidy] },
  })
  opened.push(layered)
  const { platform, driver } = layered
  // What happens by itself would be taken for something that a request did.
  for (const feature of platform.plinth.registry.features) if (feature.background) await feature.stop?.()
  // Rows are seeded by the fields of their resource: with marked numbers, and without what is no field.
  await platform.superuser.script(`
    alter table plinth.background_jobs alter column second_factor set default false;
    alter table plinth.webhook_deliveries drop constraint webhook_deliveries_webhook_fk`)
  const { rewrite, target } = driver
  driver.rewrite = undefined
  for (const { slug, actors, key } of [platform.a, platform.b]) {
    const word = key === 'b' ? CANARY : 'ours'
    const from = { 'user-agent': `Agent ${word}` }
    const answers = [
      await platform.request(actors.shared, 'POST', '/api/v1/folders', { name: word }, from),
      await platform.request(actors.shared, 'POST', '/api/v1/jobs', { type: tidy.name, input: { word } }, from),
      await platform.request(actors.shared, 'POST', '/api/v1/webhooks', hook(word), from),
    ]
    expect(answers.map(({ status }) => status)).toEqual([201, 202, 201])
    expect(slug).toBeTruthy()
  }
  driver.rewrite = rewrite
  driver.target = target
  for (const { id, key } of [platform.a, platform.b])
    await platform.superuser.query(
      `insert into plinth.kept_results (tenant_id, key, result, created_at)
       values ($1::uuid, $2::text, to_jsonb($2::text), '2040-01-31')`,
      [id, key === 'b' ? `kept ${CANARY}` : 'kept ours'],
    )
  await book.seal()
  for (const { id, key } of [platform.a, platform.b])
    await platform.superuser.query(
      `insert into plinth.audit_checkpoints (tenant_id, checkpoint, looked_at) values ($1::uuid, $2::text, '2040-01-31')`,
      [id, key === 'b' ? `signed ${CANARY}` : 'signed ours'],
    )
  // Most of them, so that there are letters among the dead.
  await platform.twoTenants()
  await platform.superuser.query(`
    update plinth.webhook_deliveries d set webhook_id =
      (select w.id from plinth.webhooks_out w where w.tenant_id = d.tenant_id and w.url like 'https://hooks%')`)
  await platform.superuser.query(
    `update plinth.background_jobs set status = 'dead' where get_byte(uuid_send(id), 15) % 4 <> 0`,
  )
  return layered
}

const jobRoutes = ({ path }: Route): boolean => /^\/api\/v1\/(jobs|dead-letters)\b/.test(path)
const webhookRoutes = ({ path }: Route): boolean => path.startsWith('/api/v1/webhooks')
const bookRoutes = ({ path }: Route): boolean => /^\/api\/v1\/(audit-logs|events)\b/.test(path)

test.each([
  ['both layers', 'both', asked],
  ['row-level security alone', 'policies', asked / 4],
  ['the conditions in the queries alone', 'conditions', asked / 4],
] as const)(
  '%s: no route of theirs gives anything of another tenant',
  { timeout: 300_000 },
  async (title, layers, requests) => {
    const { platform } = await open(layers)
    for (const only of [jobRoutes, bookRoutes, webhookRoutes]) {
      const report = await leakFuzzer({
        platform,
        seed: `${seed} work`,
        requests,
        only,
        remembers: ({ path }) => path.startsWith('/api/v1/audit-logs'),
      })
      console.info(
        `leak fuzzer, log, jobs and events, ${title}: ${report.requests} requests (${Math.round(report.requests / report.seconds)}/s), ` +
          `${report.compared} pairs compared to the byte, findings ${report.findings.length}`,
      )
      expect(describeFindings(platform, report)).toBe('')
      expect(report.unconfirmed).toEqual([])
      const routes = platform.plinth.routes.filter(only).map(({ method, path }) => `${method} ${path}`)
      // What a job takes, and an entry of one's own among all ids, nobody draws by chance: below.
      const rare = [
        'POST /api/v1/jobs',
        'GET /api/v1/audit-logs/:id',
        'GET /api/v1/events/:id',
        'POST /api/v1/webhooks',
        'PUT /api/v1/webhooks/:id',
        'GET /api/v1/webhooks/:id/deliveries',
        'GET /api/v1/webhooks/:id/deliveries/:deliveryId',
        'POST /api/v1/webhooks/:id/deliveries/:deliveryId/redeliver',
      ]
      const unserved = routes.filter((route) => !report.served.has(route) && !rare.includes(route))
      if (layers === 'both') expect(unserved).toEqual([])
    }
    expect(platform.log.lines.filter(({ level }) => level === 'error')).toEqual([])
  },
)

test('nobody reads or does anything there, and who has few rights no more than these', async () => {
  const { platform } = opened[0]!
  const { a } = platform
  const [id] = await platform.superuser.query(
    `select id from plinth.background_jobs where tenant_id = $1::uuid and status = 'dead' order by id limit 1`,
    [a.id],
  )
  const allowed = new Map<string, string[]>()
  for (const route of platform.plinth.routes.filter(
    (one) => jobRoutes(one) || bookRoutes(one) || one.operationId === 'listPlatformAuditLogs',
  )) {
    const target = route.path.replace(':id', String(id!['id']))
    const body = route.body ? (route.operationId === 'createJob' ? { type: tidy.name } : {}) : undefined
    const anonymous = await platform.request(undefined, route.method, target, body)
    expect(anonymous.status, `${route.method} ${target}`).toBe(401)
    for (const name of ['reader', 'writer', 'own'] as const) {
      const { status } = await platform.request(a.actors[name], route.method, target, body)
      if (status < 300) allowed.set(name, [...(allowed.get(name) ?? []), route.operationId])
    }
  }
  const reads = ['listJob', 'readJob', 'streamJob', 'listDeadLetters']
  const book = [
    'exportAuditLogs',
    'listAuditLogs',
    'checkpointAuditLogs',
    'streamAuditLogs',
    'verifyAuditLogs',
    'listEvents',
    'listEventKinds',
  ]
  expect([...allowed.get('reader')!].sort()).toEqual([...reads, ...book].sort())
  expect(allowed.get('writer')).toEqual(['createJob', 'retryJob', 'cancelJob'])
  // What is of the whole tenant is nobody's own.
  expect(allowed.get('own')!.filter((operation) => book.includes(operation))).toEqual([])
})

test.each([
  ['an entry', 'audit-logs', 'audit_logs'],
  ['an event', 'events', 'events'],
])('%s is there for its own tenant, and for no other', async (_, path, table) => {
  const { platform } = opened[0]!
  const read = async (id: string): Promise<TestReply> =>
    platform.request(platform.a.actors.full, 'GET', `/api/v1/${path}/${id}`, undefined, {
      'x-request-id': 'the-same-one',
    })
  const first = async (tenant: 'a' | 'b'): Promise<string> => {
    const [row] = await platform.superuser.query(
      `select id from plinth.${table} where tenant_id = $1::uuid order by seq limit 1`,
      [platform[tenant].id],
    )
    return String(row!['id'])
  }
  expect((await read(await first('a'))).status).toBe(200)
  const [foreign, nobodys] = [await read(await first('b')), await read('c1c1c1c1-2027-4000-8000-000000000000')]
  expect(foreign).toMatchObject({ status: 404, body: nobodys.body, headers: nobodys.headers })
})

test('webhooks, and what was sent to them, are there for their own tenant and for no other', async () => {
  const { platform } = opened[0]!
  // Of their own: what is there was drawn by chance, and is gone by chance.
  const make = async ({ actors: { full } }: TestTenant): Promise<{ webhook: string; delivery: string }> => {
    const made = await platform.request(full, 'POST', '/api/v1/webhooks', hook('own'))
    const { id: webhook } = made.json as { id: string }
    const tested = await platform.request(full, 'POST', `/api/v1/webhooks/${webhook}/test`)
    return { webhook, delivery: (tested.json as { id: string }).id }
  }
  const [ours, theirs] = [await make(platform.a), await make(platform.b)]
  const [nobodys, none] = ['c1c1c1c1-2027-4000-8000-000000000000', 'c1c1c1c1-2027-4000-8000-000000000001']
  const routes = platform.plinth.routes.filter((one) => webhookRoutes(one) && one.path.includes(':id'))
  expect(routes.length).toBeGreaterThan(8)
  for (const { method, path, operationId } of routes) {
    const ask = (webhook: string, delivery: string): Promise<TestReply> => {
      const target = path.replace(':id', webhook).replace(':deliveryId', delivery)
      const body = method === 'PATCH' ? { active: true } : method === 'PUT' ? hook('x') : undefined
      return platform.request(platform.a.actors.full, method, target, body, { 'x-request-id': 'the-same-one' })
    }
    const foreign = [await ask(theirs.webhook, theirs.delivery)]
    if (path.includes(':deliveryId')) foreign.push(await ask(ours.webhook, theirs.delivery))
    const unknown = await ask(nobodys, none)
    for (const { status, body, headers } of foreign)
      expect({ status, body, headers }, operationId).toEqual({
        status: 404,
        body: unknown.body,
        headers: unknown.headers,
      })
    if (method === 'GET') expect((await ask(ours.webhook, ours.delivery)).status, operationId).toBe(200)
  }
})

test('a job of the same keys is another one in each tenant', async () => {
  const { platform } = opened[0]!
  const ask = async (tenant: 'a' | 'b'): Promise<string> => {
    const body = { type: tidy.name, idempotencyKey: 'the same', input: { word: tenant } }
    const actor = platform[tenant].actors.shared
    const reply = await platform.request(actor, 'POST', '/api/v1/jobs', body, { 'idempotency-key': 'the-same' })
    expect(reply.status).toBe(202)
    expect(reply.body).toContain(`{"word": "${tenant}"}`)
    return (reply.json as { readonly id: string }).id
  }
  const [theirs, ours] = [await ask('b'), await ask('a')]
  expect(ours).not.toBe(theirs)
  expect([await ask('b'), await ask('a')]).toEqual([theirs, ours])
})

test(
  'each policy of each of their tables: taken away, SQL under the runtime login gets through',
  { timeout: 120_000 },
  async () => {
    const policies = opened[1]!
    const owner = await open('owner')
    for (const layered of [policies, owner]) {
      await prepareForProbes(layered, APP)
      // Else the triggers of the book would refuse what its policies let through.
      await layered.platform.superuser.script('alter table plinth.audit_logs disable trigger user')
    }
    const mutations = (await policyMutations(policies.platform.superuser, APP)).filter(({ table }) =>
      TABLES.some((name) => table === `"plinth"."${name}"`),
    )
    for (const { platform, driver } of [policies, owner]) {
      const tables = (await policedTables(platform.superuser)).filter(({ sql }) =>
        mutations.some(({ table }) => table === sql),
      )
      expect(await probeTables(driver.target, tables, platform.a, platform.b), 'with every policy in place').toEqual([])
    }
    const mutants: PolicyMutant[] = []
    // What may be written, and in whose name, is asked in packages/features/{audit/tests/policies,jobs/tests/rights}.test.ts.
    for (const mutation of mutations.filter(({ what }) => !/plinth_recorded|background_jobs_/.test(what)))
      mutants.push(await probePolicyMutant(mutation.layers === 'owner' ? owner : policies, mutation))
    expect(mutants.length).toBe(4 * TABLES.length)
    expect(mutants.filter(({ noticed }) => noticed === undefined)).toEqual([])
    expect(mutants.filter(({ refused }) => !refused)).toEqual([])
  },
)
