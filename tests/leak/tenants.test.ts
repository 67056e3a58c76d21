import { tenants } from '@plinth/tenants'
import {
  capturedMail,
  depot,
  describeFindings,
  layeredPlatform,
  leakFuzzer,
  testJournal,
  type LayeredPlatform,
} from '@plinth/testing'
import { afterAll, expect, test } from 'vitest'

/*
 * The routes of tenancy under the same fuzzer as those of a product: people, invitations and groups of tenant b, asked for with full
 * credentials of tenant a.
 */
const asked = Number(process.env['PLINTH_LEAK_REQUESTS'] ?? 20_000)
const seed = process.env['PLINTH_LEAK_SEED'] ?? '1'

const opened: LayeredPlatform[] = []
afterAll(async () => {
  for (const layered of opened) await layered.close()
})

test.each([
  ['both layers', 'both', asked / 2],
  ['row-level security alone', 'policies', asked / 8],
  ['the conditions in the queries alone', 'conditions', asked / 8],
] as const)('tenancy, %s', { timeout: 120_000 + asked * 10 }, async (_title, layers, requests) => {
  const layered = await layeredPlatform(layers, {
    resources: depot,
    features: [tenants({ resolveTxt: () => Promise.resolve([]) }), testJournal({ listen: () => undefined })],
    plinth: { mailer: capturedMail() },
    rolePrefix: 'leak_',
  })
  opened.push(layered)
  const { platform } = layered
  const report = await leakFuzzer({ platform, seed: `${seed} tenancy`, requests })
  console.info(
    `leak fuzzer, tenancy: ${report.requests} requests, ${report.routes} routes, ${report.served.size} of them answered 2xx, ` +
      `findings ${report.findings.length}; ${[...report.statuses].map(([status, count]) => `${status}×${count}`).join(' ')}`,
  )
  expect(describeFindings(platform, report)).toBe('')
  expect(report.unconfirmed).toEqual([])
  expect(platform.log.lines.filter((line) => line.level === 'error')).toEqual([])
})
