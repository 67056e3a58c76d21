import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Send } from '../http/wire.ts'
import { testPlatform, type TestPlatform } from '../platform/test-platform.ts'
import { depot } from '../resources/depot.ts'
import { CANARY } from '../tenants/marks.ts'
import { describeFindings } from './describe-findings.ts'
import { leakFuzzer } from './leak-fuzzer.ts'

/** Leaks planted before the answer: what the fuzzer must see, whatever the database does. */
let platform: TestPlatform
beforeAll(async () => {
  platform = await testPlatform({ resources: depot })
})
afterAll(() => platform.close())

const fuzz = (send: Send, requests = 1_200): ReturnType<typeof leakFuzzer> =>
  leakFuzzer({ platform, seed: 'planted', requests, send })
let turn = 0

test('nothing planted, nothing found; the same seed sends the same requests', async () => {
  const sent: string[][] = [[], []]
  for (const log of sent) {
    const report = await fuzz((request) => {
      // Without ids that the server makes and signatures over them.
      log.push(`${request.method} ${request.target.replace(/cursor=[^&]*/, 'cursor')}`)
      return platform.send(request)
    })
    expect(describeFindings(platform, report)).toBe('')
    expect(report.compared).toBeGreaterThan(100)
  }
  // Each once: what another worker changed in between is asked again in quiet, and that is a matter of timing.
  expect([...new Set(sent[0])].sort()).toEqual([...new Set(sent[1])].sort())
})

test('a word of the victim in a header of one answer in a hundred', async () => {
  const report = await fuzz(async (request) => {
    const reply = await platform.send(request)
    return turn++ % 100 === 7 ? { ...reply, headers: { ...reply.headers, 'x-debug': `row ${CANARY}abc` } } : reply
  })
  expect(report.findings[0]).toMatchObject({ kind: 'foreign bytes' })
  expect(describeFindings(platform, report)).toMatch(
    /foreign bytes: the answer holds .*q7071829q[^]*curl -i .*Bearer \$TOKEN_/,
  )
})

test(
  'an answer that is one byte longer for an id of the victim, made as small as it gets',
  { timeout: 120_000 },
  async () => {
    const foreign = /(?:crates|folders)\/b1b1b1b1/
    const report = await fuzz(async (request) => {
      const reply = await platform.send(request)
      return foreign.test(request.target) && reply.status === 404 ? { ...reply, body: `${reply.body} ` } : reply
    })
    const [first] = report.findings
    expect(first).toMatchObject({ kind: 'distinguishable' })
    // All that is left of the request is what the finding needs.
    expect(first!.probe!.request.target).not.toContain('?')
    expect(
      first!.probe!.request.headers.filter(([name]) => name !== 'authorization' && name !== 'content-type'),
    ).toEqual([])
  },
)

test('a row of the victim that a request changes, and the request that did it', { timeout: 120_000 }, async () => {
  const report = await leakFuzzer({
    platform,
    seed: 'planted',
    requests: 600,
    only: (route) => route.path.startsWith('/api/v1/vaults'),
    async send(request) {
      if (request.method === 'DELETE') {
        await platform.superuser.query('update public.vaults set version = version + 1 where tenant_id = $1::uuid', [
          platform.b.id,
        ])
      }
      return platform.send(request)
    },
  })
  expect(report.findings[0]).toMatchObject({ kind: 'changed rows' })
  expect(report.findings[0]!.probe?.request.method).toBe('DELETE')
})

test('a server error, and a server that answers 404 to everything', async () => {
  const failing = await fuzz(async (request) => {
    const reply = await platform.send(request)
    return request.headers.some(([name]) => name === 'x-tenant-id') ? { ...reply, status: 500 } : reply
  }, 600)
  expect(failing.findings[0]).toMatchObject({ kind: 'server error' })
  const deaf = await fuzz(async (request) => ({ ...(await platform.send({ ...request, target: '/nothing' })) }), 300)
  expect(deaf.findings[0]).toMatchObject({ kind: 'vacuous' })
})
