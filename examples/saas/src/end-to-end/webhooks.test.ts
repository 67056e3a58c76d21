import { webhookReceiver, type WebhookReceiver } from '@plinth/testing'
import { verifyWebhook } from '@plinth/webhooks'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { asker, type Ask } from './api.ts'
import { dataFolder, removeFolders, startProcess, type LookoutProcess } from './lookout-process.ts'

let target: WebhookReceiver
let lookout: LookoutProcess
let ask: Ask
beforeAll(async () => {
  target = await webhookReceiver()
  lookout = await startProcess({ DATA_DIR: dataFolder(), WEBHOOKS_ALLOW_HOSTS: target.host })
  const { body } = await asker(lookout.origin, '')('POST', '/auth/login', { username: 'admin', password: 'admin123' })
  ask = asker(lookout.origin, String(body['access_token']))
}, 120_000)
afterAll(async () => {
  await lookout.stop()
  await target.close()
  removeFolders()
})

test('an agency has its own server told of its sites: what comes is signed, and what was sent is listed', async () => {
  const made = await ask('POST', '/webhooks', { url: `${target.url}/lookout`, events: ['site.*'] })
  expect(made.status).toBe(201)
  const { id, secret } = made.body as { id: string; secret: string }
  const site = await ask('POST', '/sites', { name: 'Bakery', url: 'https://bakery.example' })
  expect(site.status).toBe(201)
  await vi.waitFor(() => expect(target.received).toHaveLength(1), { timeout: 20_000, interval: 50 })
  const [one] = target.received
  expect(verifyWebhook(secret, one!.headers, one!.body)).toBe(one!.headers['webhook-id'])
  expect(JSON.parse(one!.body)).toMatchObject({ type: 'site.created', data: { id: site.body['id'], name: 'Bakery' } })
  await vi.waitFor(async () => {
    const { body } = await ask('GET', `/webhooks/${id}/deliveries`)
    expect(body['data']).toMatchObject([{ status: 'delivered', type: 'site.created', attempts: 1 }])
  })
  const listed = await ask('GET', '/webhooks')
  expect(listed.body['data']).toMatchObject([{ id, url: `${target.url}/lookout`, active: true }])
  expect(JSON.stringify(listed.body)).not.toContain('whsec_')
}, 60_000)

test('the metadata of the cloud, and what else is inside, is no URL of a webhook', async () => {
  for (const url of ['http://169.254.169.254/latest/meta-data', 'https://localhost/', 'http://hooks.example.com/'])
    expect(await ask('POST', '/webhooks', { url, events: ['*'] })).toMatchObject({
      status: 400,
      body: { code: 'url_not_allowed' },
    })
})
