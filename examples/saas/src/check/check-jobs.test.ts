import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { jobs } from '@plinth/jobs'
import { testPlatform, type TestPlatform } from '@plinth/testing'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { environmentResource } from '../resources/environment.ts'
import { incidentResource } from '../resources/incident.ts'
import { monitorResource } from '../resources/monitor.ts'
import { siteResource } from '../resources/site.ts'
import { environmentTemplateResource, monitorTemplateResource } from '../resources/templates.ts'
import { checkJobs } from './check-jobs.ts'

/* Pages are checked when they are due, by nobody’s request; an outage is one incident. */

let status = 200
let asked = 0
const site = createServer((_request, answer) => {
  asked += 1
  answer.writeHead(status).end()
})
const options = { allowPrivate: true, timeout: 5_000 }
let platform: TestPlatform
let monitorId = ''

const ask = async (method: string, path: string, body?: object): Promise<Record<string, unknown>> =>
  (await platform.request(platform.a.actors.full, method, `/api/v1${path}`, body)).json as Record<string, unknown>
const incidents = async (): Promise<unknown> => (await ask('GET', '/incidents'))['data']

beforeAll(async () => {
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve))
  platform = await testPlatform({
    resources: [
      siteResource(options),
      environmentTemplateResource(),
      environmentResource(options),
      monitorTemplateResource(),
      monitorResource(options),
      incidentResource(),
    ],
    features: [jobs({ pollMs: 20 })],
    plinth: { jobs: checkJobs(options) },
  })
  const url = `http://127.0.0.1:${(site.address() as AddressInfo).port}`
  const made = await ask('POST', '/sites', { name: 'Client', url })
  monitorId = String(
    (await ask('POST', '/monitors', { siteId: made['id'], name: 'Page', params: { intervalSeconds: 60 } }))['id'],
  )
  // The schedule begins with its next minute: this one is noted first.
  const noted = () => platform.superuser.query('select job from plinth.job_schedules')
  await vi.waitUntil(async () => (await noted()).length === 1, { timeout: 10_000 })
})
afterAll(async () => {
  await platform.close()
  await new Promise((resolve) => site.close(resolve))
})

/** Two minutes later: what was due was checked so often. */
async function checked(times: number): Promise<void> {
  platform.clock.advance(120_000)
  await vi.waitFor(() => expect(asked).toBe(times), { timeout: 10_000 })
  await vi.waitFor(
    async () => expect((await ask('GET', '/jobs?type=monitor.check&status=completed'))['data']).toHaveLength(times),
    { timeout: 10_000 },
  )
}

test('a page that is up has no incident', async () => {
  await checked(1)
  expect(await ask('GET', `/monitors/${monitorId}`)).toMatchObject({ lastStatus: 'up' })
  expect(await incidents()).toEqual([])
})

test('one that is down has one, however often it is found down', async () => {
  status = 503
  await checked(2)
  const open = [{ monitorId, status: 'open', reason: 'The server answered 503; 200 was expected', resolvedAt: null }]
  expect(await incidents()).toMatchObject(open)
  await checked(3)
  expect(await incidents()).toMatchObject(open)
  expect(await incidents()).toHaveLength(1)
})

test('and it is resolved when the page is up again', async () => {
  status = 200
  await checked(4)
  expect(await incidents()).toMatchObject([{ status: 'resolved', resolvedAt: expect.any(String) }])
})
