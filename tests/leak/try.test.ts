import { test } from 'vitest'
import { testPlatform, depot, testJournal, leakFuzzer, describeFindings } from '@plinth/testing'

test('try', async () => {
  const t0 = performance.now()
  const platform = await testPlatform({ resources: depot, features: [testJournal({ listen: () => undefined })], rolePrefix: 'leak_' })
  console.log('platform', performance.now() - t0)
  const r = await platform.request(platform.a.actors.full, 'GET', '/api/v1/crates')
  console.log(r.status, r.body)
  const report = await leakFuzzer({ platform, seed: 1, requests: 20000 })
  console.log(report.requests, report.seconds, report.compared, report.unconfirmed, report.statuses, report.routes, report.served.size)
  console.log(describeFindings(platform, report))
  console.log(platform.log.text().slice(0, 3000))
  await platform.close()
}, 120_000)
