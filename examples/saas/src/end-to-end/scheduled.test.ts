import { createHash, generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { audit } from '@plinth/audit'
import { auth } from '@plinth/auth'
import { events } from '@plinth/events'
import { jobs } from '@plinth/jobs'
import { rbac } from '@plinth/rbac'
import { tenants } from '@plinth/tenants'
import { capturedMail, testPlatform, type TestPlatform } from '@plinth/testing'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { agentServices } from '../agent/agent-services.ts'
import { lookoutDeclaration } from '../declaration.ts'
import { lookoutRoles } from '../roles.ts'

/* Pages are checked when they are due, by the agency’s agents; an outage is one incident. In order; each test goes on. */

vi.setConfig({ testTimeout: 60_000 })

let status = 200
let asked = 0
const site = createServer((_request, answer) => {
  asked += 1
  answer.writeHead(status).end()
})
let platform: TestPlatform
let siteId = ''
let monitorId = ''
let agentId = ''
let serviceAccountId = ''

type Body = Readonly<Record<string, unknown>>
const as = async (headers: Readonly<Record<string, string>>, method: string, path: string, body?: object) => {
  const reply = await platform.request(undefined, method, `/api/v1${path}`, body, headers)
  return { status: reply.status, body: (reply.json ?? {}) as Body }
}
/** A key, since sessions end while the clock runs. */
let owner: Readonly<Record<string, string>> = {}
let readerKey: Readonly<Record<string, string>> = {}
const ask = (method: string, path: string, body?: object) => as(owner, method, path, body)
const made = async (path: string, body: object): Promise<string> => {
  const reply = await ask('POST', path, body)
  expect(reply, path).toMatchObject({ status: 201 })
  return String(reply.body['id'])
}
const rows = async (path: string): Promise<readonly Body[]> => (await ask('GET', path)).body['data'] as readonly Body[]
const keyFor = async (headers: Readonly<Record<string, string>>, role: string) => {
  const { body } = await as(headers, 'POST', '/auth/api-keys', { name: role, role })
  return { 'x-api-key': String(body['key']) }
}

beforeAll(async () => {
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve))
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const { resources, way: _, ...declared } = lookoutDeclaration({ allowPrivate: true, timeout: 5_000 })
  platform = await testPlatform({
    resources,
    features: [
      audit(),
      auth({ jwt: { keys: [key] } }),
      events(),
      jobs({ pollMs: 20 }),
      rbac({ roles: lookoutRoles }),
      tenants(),
      agentServices,
    ],
    pool: 10,
    plinth: {
      mailer: capturedMail(),
      env: {
        ENVIRONMENT: 'test',
        PUBLIC_URL: 'https://lookout.example.com',
        SECRET_KEYS: `test:${createHash('sha256').update('keys of the scheduled checks').digest('base64')}`,
      },
      ...declared,
    },
  })
  const founder = await as({}, 'POST', '/auth/register', {
    email: 'ada@agency.example',
    password: 'kestrel over seven quays',
    organizationName: 'Agency',
  })
  const bearer = { authorization: `Bearer ${String(founder.body['access_token'])}` }
  owner = await keyFor(bearer, 'owner')
  readerKey = await keyFor(bearer, 'read_only')
  const { body } = await as(bearer, 'POST', '/service-accounts', { name: 'Watcher', roles: ['watcher'] })
  serviceAccountId = String(body['id'])
  const url = `http://127.0.0.1:${(site.address() as AddressInfo).port}`
  siteId = await made('/sites', { name: 'Client', url })
  monitorId = await made('/monitors', { siteId, name: 'Page', params: { intervalSeconds: 60 } })
  // The schedule begins with its next minute: this one is noted first.
  const noted = () => platform.superuser.query('select job from plinth.job_schedules')
  await vi.waitUntil(async () => (await noted()).length === 1, { timeout: 10_000 })
}, 120_000)
afterAll(async () => {
  await platform.close()
  await new Promise((resolve) => site.close(resolve))
})

/** So much later: what was due then was looked for, and what came of it has ended. */
async function pass(minutes: number): Promise<void> {
  const looked = async () => (await rows('/jobs?type=monitor.due&status=completed&pageSize=100')).length
  const before = await looked()
  platform.clock.advance(minutes * 60_000)
  await vi.waitFor(async () => expect(await looked()).toBeGreaterThan(before), { timeout: 20_000 })
  await vi.waitFor(
    async () => {
      const open = `select type, status from plinth.background_jobs where status in ('waiting', 'queued', 'running')`
      expect(await platform.superuser.query(open)).toEqual([])
    },
    { timeout: 20_000 },
  )
}
const account = (change: object) => ask('PATCH', `/service-accounts/${serviceAccountId}`, change)
const incidents = (): Promise<readonly Body[]> => rows('/incidents')
const becomes = (path: string, wanted: string): Promise<void> =>
  vi.waitFor(async () => expect((await ask('GET', path)).body['status']).toBe(wanted), { timeout: 20_000 })

test('without an agent nobody checks by the clock', async () => {
  await pass(2)
  expect(asked).toBe(0)
  expect((await ask('GET', `/monitors/${monitorId}`)).body).toMatchObject({ lastStatus: null })
})

test('an agent checks as its service account; a page that is up has no incident', async () => {
  agentId = await made('/agents', { name: 'Watcher', serviceAccountId })
  await pass(2)
  expect(asked).toBe(1)
  expect((await ask('GET', `/monitors/${monitorId}`)).body).toMatchObject({ lastStatus: 'up' })
  expect(await incidents()).toEqual([])
  const by = { principalKind: 'service', principalId: serviceAccountId, status: 'completed' }
  expect(await rows('/jobs?type=monitor.check')).toMatchObject([by])
})

test('one that is down has one, however often it is found down, and the log knows whose work it is', async () => {
  status = 503
  await pass(2)
  const open = [{ monitorId, status: 'open', reason: 'The server answered 503; 200 was expected', resolvedAt: null }]
  expect(await incidents()).toMatchObject(open)
  await pass(2)
  expect(asked).toBe(3)
  expect(await incidents()).toMatchObject(open)
  expect(await incidents()).toHaveLength(1)
  const entries = await rows('/audit-logs?action=incident.created')
  expect(entries).toMatchObject([{ actorKind: 'service', actorId: serviceAccountId }])
})

test('and it is resolved when the page is up again', async () => {
  status = 200
  await pass(2)
  expect(await incidents()).toMatchObject([{ status: 'resolved', resolvedAt: expect.any(String) }])
})

test('an agent whose account is disabled checks nothing, and the log says so', async () => {
  const disable = (disabled: boolean) => account({ disabled })
  expect((await disable(true)).status).toBe(200)
  const mine = await made('/monitors', { siteId, agentId, name: 'Mine' })
  const before = asked
  await pass(2)
  expect(asked).toBe(before)
  const said = platform.log.of('agent_disabled')
  expect(said.map(({ fields }) => fields)).toContainEqual(expect.objectContaining({ agent: agentId, due: 1 }))
  expect((await disable(false)).status).toBe(200)
  await pass(1)
  expect(asked).toBe(before + 2)
  expect((await ask('DELETE', `/monitors/${mine}`)).status).toBe(204)
})

test('what its account may no more, it does no more, and its timeline says so', async () => {
  const roles = (names: readonly string[]) => account({ roles: names })
  expect((await roles([])).status).toBe(200)
  const before = asked
  await pass(2)
  platform.clock.advance(10_000) // The second attempt.
  await vi.waitFor(async () => expect(await rows('/dead-letters')).toHaveLength(1), { timeout: 20_000 })
  expect(asked).toBe(before)
  expect(await rows('/dead-letters')).toMatchObject([
    { type: 'monitor.check', error: expect.stringContaining('monitor:read') },
  ])
  await vi.waitFor(
    async () =>
      expect(await rows(`/timeline?agentId=${agentId}`)).toMatchObject([
        { outcome: 'failed', text: 'check by the clock: failed' },
      ]),
    { timeout: 20_000 },
  )
  expect((await roles(['watcher'])).status).toBe(200)
  await pass(60)
  expect(asked).toBe(before + 1)
})

test('a command is done as the agent, which is busy until then; whoever looks at it reads what came of it', async () => {
  const command = await ask('POST', `/agents/${agentId}/command`, { task: 'check', siteId })
  expect(command).toEqual({ status: 200, body: { status: 'busy', waiting: 1, running: 0, dead: 0 } })
  await becomes(`/agents/${agentId}`, 'idle')
  expect((await ask('GET', `/agents/${agentId}/status`)).body).toEqual({
    status: 'idle',
    waiting: 0,
    running: 0,
    dead: 0,
  })
  const job = { principalKind: 'service', principalId: serviceAccountId, result: { checked: 1, down: 0 } }
  expect(await rows('/jobs?type=agent.task')).toMatchObject([job])
  await vi.waitFor(
    async () =>
      expect(await rows(`/timeline?agentId=${agentId}&outcome=done`)).toMatchObject([
        { text: 'check: 1 checked, 0 down' },
      ]),
    { timeout: 20_000 },
  )
})

test('twelve commands at once are done one after the other, and make it idle once', async () => {
  const before = Number((await ask('GET', `/agents/${agentId}`)).body['version'])
  const replies = await Promise.all(
    Array.from({ length: 12 }, () => ask('POST', `/agents/${agentId}/command`, { task: 'recheck' })),
  )
  expect(new Set(replies.map((reply) => reply.status))).toEqual(new Set([200]))
  await becomes(`/agents/${agentId}`, 'idle')
  const done = await rows('/jobs?type=agent.task&status=completed&pageSize=100')
  expect(done).toHaveLength(13)
  // Each change is one way there or back.
  const changes = Number((await ask('GET', `/agents/${agentId}`)).body['version']) - before
  expect(changes % 2).toBe(0)
})

test('a command that dies makes it an error, until it is discarded; nothing more is taken meanwhile', async () => {
  expect((await account({ disabled: true })).status).toBe(200)
  await ask('POST', `/agents/${agentId}/command`, { task: 'check' })
  await becomes(`/agents/${agentId}`, 'error')
  expect(await ask('POST', `/agents/${agentId}/command`, { task: 'check' })).toMatchObject({ status: 409 })
  const [letter] = await rows('/dead-letters?type=agent.task')
  expect((await ask('POST', `/dead-letters/${String(letter?.['id'])}/discard`)).status).toBe(200)
  await becomes(`/agents/${agentId}`, 'idle')
  expect((await account({ disabled: false })).status).toBe(200)
})

test('whoever may not is refused, and nothing tells what is in a queue', async () => {
  expect(await as(readerKey, 'POST', `/agents/${agentId}/command`, { task: 'check' })).toMatchObject({ status: 403 })
  expect(await as(readerKey, 'GET', `/agents/${agentId}/status`)).toMatchObject({ status: 200 })
  const nobodys = '01941f29-7c00-7aaa-8bbb-0123456789ab'
  expect(await ask('POST', `/agents/${nobodys}/command`, { task: 'check' })).toMatchObject({ status: 404 })
  expect(await ask('GET', `/agents/${nobodys}/status`)).toMatchObject({ status: 404 })
  const described = await platform.request(undefined, 'GET', '/openapi.json')
  expect(described.status).toBe(200)
  expect(described.body).toContain('serviceAccountId')
  expect(described.body + JSON.stringify(await ask('GET', '/agents'))).not.toMatch(/task_?queue/i)
})

test('an environment has a queue as well, whose work is done by whoever asks', async () => {
  const url = `http://127.0.0.1:${(site.address() as AddressInfo).port}`
  const environmentId = await made('/environments', { siteId, name: 'Staging', stage: 'staging', url })
  await made('/monitors', { siteId, environmentId, name: 'Staging page' })
  const command = await ask('POST', `/environments/${environmentId}/command`, { task: 'check' })
  expect(command).toMatchObject({ status: 200, body: { status: 'busy' } })
  await becomes(`/environments/${environmentId}`, 'idle')
  expect(await rows('/jobs?type=environment.task')).toMatchObject([
    { principalKind: 'apiKey', status: 'completed', result: { checked: 1, down: 0 } },
  ])
})

test('a report is asked for as a job, listed, cancelled, and run after all', async () => {
  const asking = { type: 'report.build', input: { siteId }, delay: '1h' }
  const reply = await ask('POST', '/jobs', asking)
  expect(reply).toMatchObject({ status: 202, body: { type: 'report.build', status: 'scheduled' } })
  const one = `/jobs/${String(reply.body['id'])}`
  expect(await rows('/jobs?type=report.build')).toMatchObject([{ id: reply.body['id'] }])
  expect(await as(readerKey, 'POST', '/jobs', asking)).toMatchObject({ status: 403 })
  expect(await ask('POST', '/jobs', { type: 'monitor.due' })).toMatchObject({ status: 400 })
  expect(await ask('POST', `${one}/cancel`)).toMatchObject({ status: 200, body: { status: 'cancelled' } })
  expect(await ask('POST', `${one}/retry`)).toMatchObject({ status: 200, body: { status: 'waiting' } })
  await becomes(one, 'completed')
  expect((await ask('GET', one)).body).toMatchObject({ result: { pages: 2, down: 0, outages: 1, open: 0 } })
})
