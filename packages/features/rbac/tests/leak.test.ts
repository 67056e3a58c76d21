import { rbac } from '@plinth/rbac'
import { depot, describeFindings, folders, layeredPlatform, leakFuzzer, type LayeredPlatform } from '@plinth/testing'
import { afterAll, describe, expect, test } from 'vitest'

/*
 * The attacker of the leak fuzzer on the routes of roles and permissions, with each of the two layers alone. PLINTH_LEAK_REQUESTS makes
 * it longer.
 */
const requests = Number(process.env['PLINTH_LEAK_REQUESTS'] ?? 20_000) / 4
const opened: LayeredPlatform[] = []
const folder = depot.find((resource) => resource.table === folders)!
afterAll(async () => {
  for (const layered of opened) await layered.close()
})

describe.each(['both', 'policies', 'conditions'] as const)('%s', (layers) => {
  test('nothing of another tenant is found', { timeout: 240_000 + requests * 10 }, async () => {
    const layered = await layeredPlatform(layers, { resources: [folder], features: [rbac()], rolePrefix: 'leak_' })
    opened.push(layered)
    const { platform } = layered
    const report = await leakFuzzer({ platform, seed: `roles ${layers}`, requests })
    console.info(
      `leak fuzzer, roles, ${layers}: ${report.requests} requests, ${[...report.served].filter((route) => /role|permission|explain/.test(route)).join('; ')}`,
    )
    expect(describeFindings(platform, report)).toBe('')
    expect(report.unconfirmed).toEqual([])
    expect(platform.log.lines.filter((line) => line.level === 'error')).toEqual([])
  })
})
