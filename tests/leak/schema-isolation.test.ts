import {
  depot,
  describeFindings,
  layeredPlatform,
  leakFuzzer,
  testJournal,
  type LayeredPlatform,
  type Layers,
  type TestPlatformOptions,
} from '@plinth/testing'
import { tenantSchema } from '@plinth/postgres/driver'
import { afterAll, describe, expect, test } from 'vitest'

/*
 * `isolation: 'schema'`: the schema is a third layer, beside row-level security and the query's condition. Fewer requests than
 * in leak.test.ts: the routes and the conditions are the same ones, what is new is the path. PLINTH_LEAK_REQUESTS makes it longer.
 */
const asked = Number(process.env['PLINTH_LEAK_REQUESTS'] ?? 20_000) / 5
const seed = process.env['PLINTH_LEAK_SEED'] ?? '1'
const patience = 120_000 + asked * 20

/**
 * Health tells how long the database took, of another length each time. The older clients' `/list` differs between two calls with
 * shared tables too, where leak.test.ts sees it. Neither has to do with where the tables lie.
 */
const only = (route: { readonly path: string }): boolean => !/\/(?:health|list)$/.test(route.path)

const opened: LayeredPlatform[] = []
async function open(layers: Layers, more: Partial<TestPlatformOptions> = {}): Promise<LayeredPlatform> {
  const features = [testJournal({ listen: () => undefined })]
  const layered = await layeredPlatform(layers, {
    resources: depot,
    features,
    rolePrefix: 'leak_',
    isolation: 'schema',
    ...more,
  })
  opened.push(layered)
  return layered
}
afterAll(async () => {
  for (const layered of opened) await layered.close()
})

describe.each([
  ['PostgreSQL, all layers', 'both', 'postgres', asked],
  ['PostgreSQL, schema and row-level security', 'policies', 'postgres', asked / 2],
  ['PostgreSQL, schema and the conditions in the queries', 'conditions', 'postgres', asked / 2],
  ['PGlite, all layers', 'both', 'pglite', 1_000],
  ['PGlite, schema and row-level security', 'policies', 'pglite', 1_000],
] as const)('%s', (title, layers, kind, requests) => {
  test(`${requests} requests of another tenant find nothing`, { timeout: patience }, async () => {
    const { platform } = await open(layers, { kind })
    const report = await leakFuzzer({ platform, seed: `${seed} schema`, requests, only })
    console.info(
      `leak fuzzer, a schema for each tenant, ${title}: ${report.requests} requests (${Math.round(report.requests / report.seconds)}/s), findings ${report.findings.length}`,
    )
    expect(describeFindings(platform, report)).toBe('')
    expect(report.unconfirmed).toEqual([])
    expect(report.served.size).toBeGreaterThan(10)
    expect(platform.log.lines.filter((line) => line.level === 'error')).toEqual([])
  })
})

describe('the search_path of somebody else', { timeout: patience }, () => {
  const list = '/api/v1/crates'
  interface Listed {
    readonly data: readonly { readonly id: string }[]
  }

  test('not set at all: no table, no rows, and that is ours to mend', async () => {
    const { platform, driver } = await open('both')
    await platform.twoTenants()
    driver.repath = () => undefined
    const reply = await platform.request(platform.a.actors.full, 'GET', list)
    expect(reply).toMatchObject({ status: 503, json: { code: 'not_ready' } })
    const made = await platform.request(platform.a.actors.full, 'POST', list, {})
    expect(made.status).not.toBe(201)
    driver.repath = undefined
    expect((await platform.request(platform.a.actors.full, 'GET', list)).status).toBe(200)
  })

  test.each(['both', 'policies', 'conditions'] as const)('stale, %s: the other layers give no row', async (layers) => {
    const { platform, driver } = await open(layers)
    const rows = await platform.twoTenants()
    expect(rows.b.get('crate')?.length).toBeGreaterThan(0)
    driver.repath = () => `${tenantSchema(platform.b.id)}, pg_temp`
    const reply = await platform.request(platform.a.actors.full, 'GET', list)
    expect(reply.status).toBe(200)
    expect((reply.json as Listed).data).toEqual([])
  })

  test('stale, with nothing else in the way: the fuzzer turns red', async () => {
    const { platform, driver } = await open('owner')
    const { findings } = await leakFuzzer({ platform, seed: 'schema alone', requests: 200 })
    expect(findings).toEqual([])
    // The owner layer has policies; FORCE taken away, he is not bound by them.
    const schema = tenantSchema(platform.b.id)
    const tables = await platform.superuser.query(
      `select relname::text as name from pg_class where relnamespace = $1::text::regnamespace and relkind = 'r'`,
      [schema],
    )
    for (const { name } of tables)
      await platform.superuser.query(`alter table ${schema}."${String(name)}" no force row level security`)
    driver.repath = () => `${schema}, pg_temp`
    const report = await leakFuzzer({ platform, seed: 'stale', requests: 150 })
    expect(report.findings.length).toBeGreaterThan(0)
  })
})
