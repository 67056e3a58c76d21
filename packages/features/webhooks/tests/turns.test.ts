import { webhookReceiver, type WebhookReceiver } from '@plinth/testing'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { until, webhookPlatform, type WebhookPlatform, type WebhookPlatformOptions } from './webhook-platform.ts'

let hanging: WebhookReceiver
let works: WebhookReceiver
let platform: WebhookPlatform
beforeAll(async () => {
  ;[hanging, works] = await Promise.all([webhookReceiver(), webhookReceiver()])
})
beforeEach(() => {
  hanging.received.length = 0
  works.received.length = 0
  hanging.answer = () => undefined
})
afterEach(() => platform.close())
afterAll(() => Promise.all([hanging.close(), works.close()]))

const open = async (webhooks: WebhookPlatformOptions['webhooks']): Promise<void> => {
  platform = await webhookPlatform({ allow: [hanging.host, works.host], webhooks: { timeout: '2s', ...webhooks } })
}
const ofB = (path: string, body: unknown) => platform.request(platform.b.actors.full, 'POST', `/api/v1/${path}`, body)
const underWay = async (): Promise<unknown> =>
  (
    await platform.superuser.query('select count(*)::int as n from plinth.webhook_deliveries where lease is not null')
  )[0]!['n']

test('one that hangs holds up no other', async () => {
  await open({ perWebhook: 3, timeout: '100s' })
  await platform.make(`${hanging.url}/hangs`, ['site.created'])
  await platform.make(`${works.url}/works`, ['site.created'])
  for (let at = 0; at < 12; at += 1) await platform.makeSite(`site ${at}`)
  await until(() => expect(works.received).toHaveLength(12))
  expect(hanging.received.length).toBeLessThanOrEqual(3)
}, 60_000)

test('one that fails has one request under way', async () => {
  await open({ perWebhook: 3, timeout: '100s' })
  await platform.make(`${hanging.url}/fails`, ['site.created'])
  await platform.superuser.query(`update plinth.webhooks_out set failing_since = '2020-01-01'`)
  for (let at = 0; at < 5; at += 1) await platform.makeSite(`site ${at}`)
  await until(async () => expect(await platform.rows()).toHaveLength(5))
  await until(() => expect(hanging.received).toHaveLength(1))
  await new Promise((resolve) => setTimeout(resolve, 150))
  expect(hanging.received).toHaveLength(1)
  expect(await underWay()).toBe(1)
}, 60_000)

test('those that fail take half of the places at most, however many they are', async () => {
  await open({ concurrency: 2, perWebhook: 1, timeout: '100s' })
  for (let at = 0; at < 8; at += 1) await platform.make(`${hanging.url}/${at}`, ['site.created'])
  await ofB('webhooks', { url: `${hanging.url}/b`, events: ['site.created'] })
  await platform.superuser.query(`update plinth.webhooks_out set failing_since = '2020-01-01'`)
  await platform.makeSite('one')
  await until(() => expect(hanging.received).toHaveLength(1))
  await ofB('webhooks', { url: `${works.url}/b`, events: ['site.created'] })
  await ofB('sites', { name: 'of b' })
  await until(() => expect(works.received).toHaveLength(1))
  expect(hanging.received).toHaveLength(1)
}, 60_000)

test('one tenant takes a quarter of the places at most', async () => {
  await open({ concurrency: 8, perWebhook: 4, timeout: '100s' })
  for (let at = 0; at < 3; at += 1) await platform.make(`${hanging.url}/${at}`, ['site.created'])
  for (let at = 0; at < 6; at += 1) await platform.makeSite(`site ${at}`)
  await until(() => expect(hanging.received).toHaveLength(2))
  expect((await ofB('webhooks', { url: `${works.url}/b`, events: ['site.created'] })).status).toBe(201)
  await ofB('sites', { name: 'of b' })
  await until(() => expect(works.received).toHaveLength(1))
  expect(hanging.received).toHaveLength(2)
}, 60_000)

test('a tenant with a backlog is not always first: one that has nothing under way is', async () => {
  await open({ concurrency: 4, perWebhook: 1 })
  hanging.answer = (response) => void setTimeout(() => response.writeHead(204).end(), 100)
  for (let at = 0; at < 10; at += 1) await platform.make(`${hanging.url}/${at}`, ['site.created'])
  await ofB('webhooks', { url: `${works.url}/b`, events: ['site.created'] })
  await platform.superuser.query(`update plinth.webhooks_out set paused_until = 'infinity'`)
  for (let at = 0; at < 10; at += 1) await platform.makeSite(`site ${at}`)
  await until(async () => expect(await platform.rows()).toHaveLength(100))
  await ofB('sites', { name: 'of b' })
  await until(async () => expect(await platform.rows()).toHaveLength(101))
  await platform.superuser.query(`update plinth.webhooks_out set paused_until = null`)
  await until(() => expect(works.received).toHaveLength(1))
  // Those that were taken with it.
  expect(hanging.received.length).toBeLessThan(10)
}, 60_000)

test('a test does not wait behind a backlog', async () => {
  await open({ timeout: '1s' })
  const { id } = await platform.make(`${hanging.url}/slow`, ['site.created'])
  for (let at = 0; at < 30; at += 1) await platform.makeSite(`site ${at}`)
  await until(async () => expect(await platform.rows()).toHaveLength(30))
  await platform.superuser.query(`update plinth.webhooks_out set failing_since = now(), paused_until = 'infinity'`)
  expect((await platform.ask('POST', `webhooks/${id}/test`)).status).toBe(202)
  await until(() => expect(hanging.received.some(({ body }) => body.includes('webhook.test'))).toBe(true))
}, 60_000)

test('a receiver that is away is asked less and less often, and one failure among others is none', async () => {
  await open({ perWebhook: 5 })
  hanging.answer = (response) => void response.writeHead(500).end()
  await platform.make(`${hanging.url}/broken`, ['site.created'])
  await platform.superuser.query(`update plinth.webhooks_out set failing_since = $1::timestamptz`, [
    new Date(platform.clock.now().getTime() - 10_000).toISOString(),
  ])
  for (let at = 0; at < 20; at += 1) await platform.makeSite(`site ${at}`)
  await until(async () => expect(await platform.rows()).toHaveLength(20))
  // Half of the time for which it has failed.
  for (const [at, rest] of [5_000, 7_500, 11_250].entries()) {
    await until(() => expect(hanging.received).toHaveLength(at + 1))
    await until(async () => expect(await underWay()).toBe(0))
    platform.clock.advance(rest - 1)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(hanging.received).toHaveLength(at + 1)
    platform.clock.advance(1)
  }
  await until(() => expect(hanging.received).toHaveLength(4))
  hanging.answer = (response, { body }) => void response.writeHead(body.includes('"odd"') ? 500 : 204).end()
  platform.clock.advance(60_000)
  await until(async () => expect(await platform.rows(`status = 'pending'`)).toEqual([]))
  hanging.received.length = 0
  await platform.makeSite('odd')
  for (let at = 0; at < 20; at += 1) await platform.makeSite(`even ${at}`)
  await until(() => expect(hanging.received).toHaveLength(21))
}, 60_000)
