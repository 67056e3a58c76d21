import { createHash } from 'node:crypto'
import { getRequestListener } from '@hono/node-server'
import { auth } from '@plinth/auth'
import { jobs } from '@plinth/jobs'
import type { Route } from '@plinth/core'
import { toHono } from '@plinth/hono'
import {
  capturedMail,
  depot,
  describeFindings,
  layeredPlatform,
  leakFuzzer,
  overSocket,
  seededRandom,
  testJournal,
  type LayeredPlatform,
  type Layers,
  type LeakReport,
  type TestPlatformOptions,
} from '@plinth/testing'
import { afterAll, describe, expect, test } from 'vitest'
import { lookoutDeclaration } from '../../examples/saas/src/declaration.ts'
import { ES256, PUBLIC_URL } from '../identity/open-identity.ts'

/*
 * Tenant a, with full credentials, against tenant b. PLINTH_LEAK_REQUESTS and PLINTH_LEAK_SEED make it longer and another
 * one: `PLINTH_LEAK_REQUESTS=1000000 npm test -- leak/leak`.
 */
const asked = Number(process.env['PLINTH_LEAK_REQUESTS'] ?? 20_000)
const seed = process.env['PLINTH_LEAK_SEED'] ?? '1'
const patience = 120_000 + asked * 10

function options(more: Partial<TestPlatformOptions> = {}): TestPlatformOptions {
  // Roles of its own: the tests make logins that no product may have, and roles belong to the whole cluster.
  return { resources: depot, features: [testJournal({ listen: () => undefined })], rolePrefix: 'leak_', ...more }
}

const opened: LayeredPlatform[] = []
async function open(layers: Layers, more: Partial<TestPlatformOptions> = {}): Promise<LayeredPlatform> {
  const layered = await layeredPlatform(layers, options(more))
  opened.push(layered)
  return layered
}
afterAll(async () => {
  for (const layered of opened) await layered.close()
})

function tell(title: string, report: LeakReport): void {
  const rate = Math.round(report.requests / report.seconds)
  const statuses = [...report.statuses].sort(([a], [b]) => a - b).map(([status, count]) => `${status}×${count}`)
  console.info(
    `leak fuzzer, ${title}: ${report.requests} requests (${rate}/s), ${report.routes} routes, ${report.served.size} of them answered 2xx, ` +
      `${report.compared} pairs compared to the byte, ${report.aborted} given up, findings ${report.findings.length}; seed ${report.seed}; ${statuses.join(' ')}`,
  )
}

describe.each([
  ['both layers', 'both', asked],
  ['row-level security alone', 'policies', asked / 4],
  ['the conditions in the queries alone', 'conditions', asked / 4],
] as const)('PostgreSQL, %s', (title, layers, requests) => {
  test(`${requests} requests of another tenant find nothing`, { timeout: patience }, async () => {
    const { platform } = await open(layers)
    const report = await leakFuzzer({ platform, seed, requests })
    tell(title, report)
    expect(describeFindings(platform, report)).toBe('')
    expect(report.requests).toBeGreaterThanOrEqual(requests)
    // In a calm batch nothing else changes rows, so there even a difference that did not come again would be one too many.
    expect(report.unconfirmed).toEqual([])
    if (requests >= 20_000)
      expect(unserved(platform.plinth.routes, report), 'routes that never answered 2xx were not tested').toEqual([])
    expect(platform.log.lines.filter((line) => line.level === 'error')).toEqual([])
  })
})

test(
  'PostgreSQL over sockets: a pool of two, and callers that hang up in the middle',
  { timeout: patience },
  async () => {
    const { platform } = await open('both', { pool: 2 })
    const { fetch } = toHono(platform.plinth)
    const served = await platform.listen(getRequestListener(fetch))
    const random = seededRandom(`abort ${seed}`)
    const sender = overSocket(served.url, { connections: 16, abort: { share: 0.2, within: 12, random } })
    try {
      const report = await leakFuzzer({
        platform,
        seed: `${seed} sockets`,
        requests: Math.max(2_000, asked / 10),
        send: (request) => sender.send(request),
      })
      tell('sockets', report)
      expect(describeFindings(platform, report)).toBe('')
      expect(report.unconfirmed).toEqual([])
      expect(report.aborted).toBeGreaterThan(100)
    } finally {
      sender.close()
      await served.close()
    }
  },
)

describe.each([
  ['both layers', 'both'],
  ['row-level security alone', 'policies'],
] as const)('PGlite, %s', (title, layers) => {
  test('2,000 requests of another tenant find nothing', { timeout: 120_000 }, async () => {
    const { platform } = await open(layers, { kind: 'pglite' })
    const report = await leakFuzzer({ platform, seed: `${seed} pglite`, requests: 2_000 })
    tell(`PGlite, ${title}`, report)
    expect(describeFindings(platform, report)).toBe('')
    expect(report.unconfirmed).toEqual([])
  })
})

test('Lookout, the example product', { timeout: patience }, async () => {
  const { resources, jobs: later } = lookoutDeclaration({ allowPrivate: false })
  const { platform } = await open('both', {
    resources,
    // Its agents refer to service accounts, and their commands are jobs.
    features: [testJournal({ listen: () => undefined }), auth({ jwt: { keys: [ES256] } }), jobs()],
    plinth: {
      jobs: later,
      mailer: capturedMail(),
      env: {
        ENVIRONMENT: 'test',
        PUBLIC_URL,
        SECRET_KEYS: `test:${createHash('sha256').update('keys of the leak tests').digest('base64')}`,
      },
    },
  })
  // What happens by itself would be taken for something that a request did.
  for (const feature of platform.plinth.registry.features) if (feature.background) await feature.stop?.()
  // Rows are seeded by the fields of their resource, with marked numbers.
  await platform.superuser.script(`
    alter table plinth.background_jobs alter column second_factor set default false`)
  // `check` would go out and look at pages of the internet; identity is attacked by those who are really signed in.
  const own = new Set(resources.map(({ table }): unknown => table))
  const only = (route: Route): boolean =>
    'resource' in route && own.has(route.resource.table) && !route.path.endsWith('/check')
  // A hundred routes, some of which need a row in a rare state: only a long run meets them all.
  const requests = Math.max(14_000, asked / 5)
  const report = await leakFuzzer({ platform, seed: `${seed} lookout`, requests, only })
  tell('Lookout', report)
  expect(describeFindings(platform, report)).toBe('')
  // Of two equal commands the second finds the first in the queue, or the queue full of it. With every row in its place, both are answered
  // alike: else it were a finding.
  const byTheQueue = /^POST \S+\/command(?:\?\S*)? \(probe \d+\): /
  expect(report.unconfirmed.filter((words) => !byTheQueue.test(words))).toEqual([])
  expect([...report.served]).toContain('POST /api/v1/agents/:id/command')
  if (requests >= 40_000) expect(unserved(platform.plinth.routes.filter(only), report)).toEqual([])
})

/** Routes that never succeed say so by having no answer: what nobody may do. */
function unserved(routes: readonly Route[], report: LeakReport): string[] {
  // Metrics are the operator's, whom these tenants do not have.
  const promising = routes.filter((route) => route.answers.length > 0 && !route.path.endsWith('/metrics'))
  return promising.map((route) => `${route.method} ${route.path}`).filter((route) => !report.served.has(route))
}
