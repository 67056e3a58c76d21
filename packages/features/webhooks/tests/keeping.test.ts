import { afterAll, beforeAll, expect, test } from 'vitest'
import { verifyWebhook } from '../src/index.ts'
import { webhookReceiver, type WebhookReceiver } from '@plinth/testing'
import { until, webhookPlatform } from './webhook-platform.ts'

let target: WebhookReceiver
beforeAll(async () => {
  target = await webhookReceiver()
})
afterAll(() => target.close())

test('on the embedded database everything is as on a server', async () => {
  const platform = await webhookPlatform({ kind: 'pglite', allow: [target.host] })
  target.received.length = 0
  const made = await platform.make(`${target.url}/embedded`, ['site.*'])
  const id = await platform.makeSite('one')
  await platform.ask('PATCH', `sites/${id}`, { name: 'two' })
  await until(() => expect(target.received).toHaveLength(2))
  for (const one of target.received) verifyWebhook(made.secret, one.headers, one.body, { now: platform.clock.now() })
  expect(await platform.ask('GET', `webhooks/${made.id}/deliveries?count=exact`)).toMatchObject({
    status: 200,
    json: { page: { total: 2 } },
  })
  await platform.close()
}, 60_000)

test('secrets are sealed anew, and sign still', async () => {
  const platform = await webhookPlatform({ allow: [target.host] })
  target.received.length = 0
  const made = await platform.make(`${target.url}/resealed`, ['site.*'])
  await platform.make(`${target.url}/other`, ['site.deleted'])
  const sealed = async (): Promise<readonly unknown[]> =>
    (await platform.superuser.query('select secret from plinth.webhook_secrets order by id')).map(
      (row) => row['secret'],
    )
  const before = await sealed()
  expect((await platform.plinth.reseal())['webhooks']).toBe(2)
  const after = await sealed()
  expect(after.filter((one) => before.includes(one))).toEqual([])
  await platform.makeSite('one')
  await until(() => expect(target.received).toHaveLength(1))
  const [one] = target.received
  verifyWebhook(made.secret, one!.headers, one!.body, { now: platform.clock.now() })
  await platform.close()
})

test('one that arrived without a secret says so, until it is rotated', async () => {
  const platform = await webhookPlatform({ allow: [target.host] })
  target.received.length = 0
  const { id } = await platform.make(`${target.url}/bare`, ['site.*'])
  await platform.superuser.query('delete from plinth.webhook_secrets')
  await platform.makeSite('unsigned')
  await until(async () => {
    const [row] = await platform.rows()
    expect(String(row?.['log'])).toContain('It has no secret to sign with: rotate it')
  })
  expect(target.received).toEqual([])
  const { secret } = (await platform.ask('POST', `webhooks/${id}/rotate-secret`)).json as { secret: string }
  platform.clock.advance(5_000)
  await until(() => expect(target.received).toHaveLength(1))
  const [one] = target.received
  verifyWebhook(secret, one!.headers, one!.body, { now: platform.clock.now() })
  await platform.close()
})
