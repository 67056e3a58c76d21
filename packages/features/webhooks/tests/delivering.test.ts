import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { verifyWebhook } from '../src/index.ts'
import { webhookReceiver, type WebhookReceiver } from '@plinth/testing'
import { until, webhookPlatform, type MadeWebhook, type WebhookPlatform } from './webhook-platform.ts'

let target: WebhookReceiver
let platform: WebhookPlatform
let made: MadeWebhook
beforeAll(async () => {
  target = await webhookReceiver()
  platform = await webhookPlatform({ allow: [target.host] })
  made = await platform.make(`${target.url}/hook?x=1`)
})
afterAll(async () => {
  await platform.close()
  await target.close()
})
beforeEach(() => {
  target.received.length = 0
  target.answer = (response) => void response.writeHead(204).end()
})

const arrived = (count: number): Promise<void> =>
  until(() => expect(target.received.length).toBeGreaterThanOrEqual(count))

describe('what happens', () => {
  test('is sent once, signed, under the id of its event, and kept as delivered', async () => {
    const id = await platform.makeSite('one', { views: 7 })
    await arrived(1)
    await platform.settled()
    expect(target.received).toHaveLength(1)
    const [one] = target.received
    expect(one!.path).toBe('/hook?x=1')
    expect(one!.headers).toMatchObject({ 'content-type': 'application/json', 'user-agent': 'Plinth-Webhooks/1' })
    const sent = JSON.parse(one!.body) as Record<string, unknown>
    expect(sent).toMatchObject({
      id: one!.headers['webhook-id'],
      type: 'site.created',
      version: 1,
      tenantId: platform.a.id,
      data: { id, name: 'one', views: 7, createdAt: expect.stringMatching(/^20[\d-]+T[\d:.]+Z$/) as string },
    })
    const [row] = await platform.rows(`type = 'site.created'`)
    expect(row).toMatchObject({ status: 'delivered', attempts: 1, event_id: sent['id'], body: one!.body })
    expect(one!.headers['x-request-id']).toBe(row!['request_id'])
    const options = { now: platform.clock.now() }
    expect(verifyWebhook(made.secret, one!.headers, one!.body, options)).toBe(sent['id'])
  })

  test('carries no secret, hidden, restricted or personal value', async () => {
    await platform.makeSite('canary', { contact: 'canary@example.com', token: 'canary-t', price: 'canary-p' })
    await arrived(1)
    expect(target.received[0]!.body).not.toMatch(/canary@|canary-/)
    expect(target.received[0]!.body).toContain('"contact":"[masked]"')
  })

  test('is believed by a foreign library, whatever it holds', async () => {
    const names = ['é — “quotes” \u2028 🦊', '1e2', '{"a":1}', 'back\\slash "x"', '  spaces  ']
    for (const name of names) await platform.makeSite(name)
    await arrived(names.length)
    // The foreign library knows one clock, the real one.
    vi.useFakeTimers({ now: platform.clock.now(), toFake: ['Date'] })
    const foreign = new Webhook(made.secret)
    for (const one of target.received) foreign.verify(one.body, one.headers)
    vi.useRealTimers()
    expect(
      target.received.map(({ body }) => (JSON.parse(body) as { data: { name: string } }).data.name).sort(),
    ).toEqual([...names].sort())
  })

  test('is sent for one row in the order in which it happened', async () => {
    const id = await platform.makeSite('ordered')
    for (let views = 1; views <= 10; views += 1) await platform.ask('PATCH', `sites/${id}`, { views })
    await arrived(11)
    const versions = target.received.map(({ body }) => (JSON.parse(body) as { data: { version: number } }).data.version)
    expect(versions).toEqual(Array.from({ length: 11 }, (_, at) => at + 1))
  })

  test('of another tenant is not sent', async () => {
    await platform.request(platform.b.actors.full, 'POST', '/api/v1/sites', { name: 'of b' })
    await platform.makeSite('of a')
    await arrived(1)
    await platform.settled()
    expect(target.received.map(({ body }) => (JSON.parse(body) as { data: { name: string } }).data.name)).toEqual([
      'of a',
    ])
  })

  test('told again by the relay it is not sent again', async () => {
    await platform.makeSite('twice')
    await arrived(1)
    await platform.superuser.query(
      `update plinth.events set delivered_at = null, handled = '{}' where type = 'site.created'`,
    )
    await platform.settled()
    expect(target.received.filter(({ body }) => body.includes('"twice"'))).toHaveLength(1)
  })
})

test('only what a webhook hears is sent to it, and nothing to one that is not active', async () => {
  const few = await platform.make(`${target.url}/few`, ['site.deleted', 'webhook.*'])
  const off = await platform.make(`${target.url}/off`, ['*'], { active: false })
  const id = await platform.makeSite('heard')
  await platform.ask('DELETE', `sites/${id}`)
  await arrived(3)
  await platform.settled()
  const types = (path: string): readonly unknown[] =>
    target.received.filter((one) => one.path === path).map(({ body }) => (JSON.parse(body) as { type: string }).type)
  // Of itself it is not told.
  expect(types('/few')).toEqual(['webhook.created', 'site.deleted'])
  expect(types('/off')).toEqual([])
  for (const { id: each } of [few, off]) expect((await platform.ask('DELETE', `webhooks/${each}`)).status).toBe(204)
  expect(await platform.rows(`webhook_id = '${few.id}'`)).toEqual([])
})
