import { depot, testPlatform, capturedLog, type TestPlatform } from '@plinth/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'

let platform: TestPlatform
const log = capturedLog({ least: 'debug' })
beforeAll(async () => {
  platform = await testPlatform({ resources: depot, plinth: { log } })
})
afterAll(() => platform.close())

test('a right that was used is a debug line, a refusal a warning that says what was missing', async () => {
  const { full, reader, own } = platform.a.actors
  log.clear()
  const { json } = await platform.request(full, 'POST', '/api/v1/folders', { name: 'ours' })
  const id = String((json as { id: string }).id)
  await platform.request(reader, 'DELETE', `/api/v1/folders/${id}`)
  await platform.request(own, 'PATCH', `/api/v1/folders/${id}`, { name: 'mine' })
  const decisions = log.lines.filter((line) => line.event.startsWith('permission_'))
  expect(decisions.map(({ level, event }) => `${level} ${event}`)).toEqual([
    'debug permission_granted',
    'warn permission_denied',
    'debug permission_granted',
  ])
  // Each request says once where it is and as whom.
  expect(log.of('tenant_context_established')).toHaveLength(3)
  expect(log.of('tenant_context_established')[0]).toMatchObject({
    level: 'debug',
    fields: { tenant: platform.a.slug, principal: 'service:a-full' },
  })
  expect(decisions[0]?.fields).toMatchObject({ permission: 'folder:create', tenant: platform.a.slug })
  expect(decisions[1]?.fields).toMatchObject({ detail: 'This needs the permission folder:delete.' })
  expect(decisions[1]?.fields['principal']).toBe('service:a-reader')
})
