import { afterAll, beforeAll, expect, test } from 'vitest'
import { verifyWebhook } from '../src/index.ts'
import { webhookReceiver, type WebhookReceiver } from '@plinth/testing'
import { sweepWebhooks, until, webhookPlatform } from './webhook-platform.ts'

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

test('what is wrong with our own keys is held against no receiver: it waits, and the log says why', async () => {
  const platform = await webhookPlatform({ allow: [target.host] })
  target.received.length = 0
  const { id } = await platform.make(`${target.url}/sealed`, ['site.created'])
  await platform.superuser.query(`update plinth.webhook_secrets set secret = 's1.gone.' || repeat('A', 60)`)
  await platform.makeSite('one')
  await until(() => expect(platform.log.of('webhook_sender_interrupted').length).toBeGreaterThan(0))
  const [row] = await platform.rows()
  expect(row).toMatchObject({ status: 'pending', attempts: 0, log: '[]' })
  expect((await platform.ask('GET', `webhooks/${id}`)).json).toMatchObject({ failingSince: null })
  expect(target.received).toEqual([])
  await platform.close()
})

test('a sweep goes on until nothing old is left', async () => {
  const platform = await webhookPlatform()
  const { id } = await platform.make('https://hooks.example.com/old', ['site.deleted'])
  await platform.superuser.query(
    `insert into plinth.webhook_deliveries (tenant_id, id, webhook_id, event_id, type, key, body, status, created_at, request_id)
     select $1::uuid, gen_random_uuid(), $2::uuid, gen_random_uuid(), 'site.deleted', 'k', '{}', 'delivered', '2020-01-01', 'r'
     from generate_series(1, 11000)`,
    [platform.a.id, id],
  )
  await sweepWebhooks(platform, platform.clock.now())
  expect(await platform.rows()).toEqual([])
  await platform.close()
})
