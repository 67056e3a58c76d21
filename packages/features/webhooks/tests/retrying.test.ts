import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { ServerResponse } from 'node:http'
import { webhookReceiver, type WebhookReceiver } from '@plinth/testing'
import { until, sweepWebhooks, webhookPlatform, type MadeWebhook, type WebhookPlatform } from './webhook-platform.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

let target: WebhookReceiver
let platform: WebhookPlatform
let made: MadeWebhook
beforeAll(async () => {
  target = await webhookReceiver()
  platform = await webhookPlatform({ allow: [target.host], webhooks: { timeout: '1s', perWebhook: 3 } })
}, 60_000)
afterAll(async () => {
  await platform.close()
  await target.close()
})
beforeEach(async () => {
  await platform.superuser.query('delete from plinth.webhooks_out')
  target.received.length = 0
  made = await platform.make(`${target.url}/hook`, ['site.created'])
})

const status =
  (code: number, headers: Record<string, string> = {}) =>
  (response: ServerResponse) =>
    void response.writeHead(code, headers).end('what an inside host would say')
const one = async (): Promise<Readonly<Record<string, unknown>>> => (await platform.rows(`type like 'site.%'`))[0]!
const tried = (times: number): Promise<unknown> =>
  until(async () => expect(JSON.parse(String((await one())['log']))).toHaveLength(times))
const webhook = async () => (await platform.ask('GET', `webhooks/${made.id}`)).json as Record<string, unknown>

describe('what fails', () => {
  test('is tried again after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h, under the same id; then it is failed, and told', async () => {
    target.answer = status(500)
    await platform.makeSite('tried')
    const pauses = [5_000, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR]
    for (const [at, pause] of pauses.entries()) {
      await tried(at + 1)
      const row = await one()
      expect(row).toMatchObject({ status: 'pending', attempts: at + 1 })
      expect(new Date(String(row['next_at'])).getTime() - platform.clock.now().getTime()).toBe(pause)
      platform.clock.advance(pause - 1)
      await new Promise((resolve) => setTimeout(resolve, 60))
      expect(target.received).toHaveLength(at + 1)
      platform.clock.advance(1)
    }
    await tried(10)
    await until(async () => expect(await one()).toMatchObject({ status: 'failed', attempts: 10, next_at: null }))
    expect(new Set(target.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    expect(new Set(target.received.map(({ body }) => body)).size).toBe(1)
    expect(new Set(target.received.map(({ headers }) => headers['webhook-timestamp'])).size).toBe(10)
    const [event] = await platform.superuser.query(
      `select data from plinth.events where type = 'webhook.delivery_failed' order by seq desc limit 1`,
    )
    // Heard by the feature itself, and so stored.
    expect(JSON.parse(String(event!['data']))).toMatchObject({ id: made.id, eventType: 'site.created' })
    expect(String((await one())['log'])).not.toContain('inside host')
  }, 60_000)

  test('for five days, nothing arriving between, switches the webhook off; switched on again it begins anew', async () => {
    target.answer = status(500)
    await platform.makeSite('first')
    await tried(1)
    const { active, failingSince } = await webhook()
    expect([active, new Date(String(failingSince))]).toEqual([true, platform.clock.now()])
    platform.clock.advance(5 * 24 * HOUR + 1)
    await platform.superuser.query('update plinth.webhook_deliveries set attempts = 9, next_at = $1::timestamptz', [
      platform.clock.now().toISOString(),
    ])
    await until(async () =>
      expect(await webhook()).toMatchObject({
        active: false,
        disabledReason: 'failing',
        disabledAt: expect.any(String) as string,
      }),
    )
    await platform.makeSite('unheard')
    await platform.settled()
    expect(await platform.rows(`type = 'site.created'`)).toHaveLength(1)
    const again = await platform.ask('PATCH', `webhooks/${made.id}`, { active: true })
    expect(again.json).toMatchObject({ active: true, failingSince: null, disabledReason: null, disabledAt: null })
  })

  test('and then arrives, ends what is held against the webhook', async () => {
    target.answer = status(503)
    await platform.makeSite('hiccup')
    await tried(1)
    const before = await webhook()
    expect(before['failingSince']).not.toBeNull()
    target.answer = status(200)
    platform.clock.advance(5_000)
    await tried(2)
    expect(await webhook()).toMatchObject({ failingSince: null, version: Number(before['version']) + 1 })
    expect(await one()).toMatchObject({ status: 'delivered', attempts: 2 })
  })
})

describe('an answer of', () => {
  test('410 switches the webhook off, and nothing more is tried', async () => {
    target.answer = status(410)
    await platform.makeSite('gone')
    await until(async () => expect(await webhook()).toMatchObject({ active: false, disabledReason: 'gone' }))
    expect(await one()).toMatchObject({ status: 'failed', attempts: 1 })
    platform.clock.advance(HOUR)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(target.received).toHaveLength(1)
  })

  test.each([
    [429, { 'retry-after': '600' }, 600_000],
    [429, {}, 60_000],
    [503, { 'retry-after': '90' }, 90_000],
    [429, { 'retry-after': '99999999' }, 3_600_000],
    [429, { 'retry-after': 'soon' }, 60_000],
  ] as const)('%d with %j gives it a rest, from everything', async (code, headers, rest) => {
    target.answer = status(code, headers)
    await platform.makeSite('slow down')
    await tried(1)
    expect(new Date(String((await one())['next_at'])).getTime() - platform.clock.now().getTime()).toBe(rest)
    await platform.makeSite('another')
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect(target.received).toHaveLength(1)
    target.answer = status(200)
    platform.clock.advance(rest)
    await platform.settled()
    await until(() => expect(target.received).toHaveLength(3))
  })

  test.each([301, 302, 307, 308])('%d is not followed', async (code) => {
    target.answer = status(code, { location: `${target.url}/elsewhere` })
    await platform.makeSite('moved')
    await tried(1)
    expect(target.received.map(({ path }) => path)).toEqual(['/hook'])
    expect(JSON.parse(String((await one())['log']))).toMatchObject([
      { status: code, error: `It answered ${code} and leads elsewhere, which is not followed` },
    ])
  })

  test('none in time is a failure', async () => {
    target.answer = () => undefined
    await platform.makeSite('silent')
    await tried(1)
    expect(JSON.parse(String((await one())['log']))).toMatchObject([{ status: null, error: 'No answer in time' }])
  })

  test('2xx is an answer, be its body never at an end', async () => {
    target.answer = (response) => {
      response.writeHead(200)
      response.write('x')
    }
    await platform.makeSite('half')
    await until(async () => expect(await one()).toMatchObject({ status: 'delivered', attempts: 1 }))
  })

  test('a flood of 103 is none', async () => {
    target.answer = (response) => {
      const pour = (): void => {
        for (let at = 0; at < 100; at += 1) response.socket?.write('HTTP/1.1 103 Early Hints\r\n\r\n')
      }
      pour()
    }
    await platform.makeSite('hints')
    await tried(1)
    expect(JSON.parse(String((await one())['log']))).toMatchObject([{ status: null, error: 'The answer is not HTTP' }])
  })

  test('a body without an end is no reason to wait', async () => {
    target.answer = (response) => {
      response.writeHead(200)
      const pour = (): void => {
        while (response.writable && response.write(Buffer.alloc(65_536))) continue
      }
      response.on('drain', pour)
      pour()
    }
    await platform.makeSite('endless')
    await platform.settled()
    expect(await one()).toMatchObject({ status: 'delivered' })
  })
})

test('what a process took that was killed is sent by another when its lease is over, under the same id', async () => {
  target.answer = status(204)
  await platform.superuser.query(`update plinth.webhooks_out set paused_until = 'infinity'`)
  await platform.makeSite('orphan')
  await until(async () => expect(await one()).toBeDefined())
  const leased = new Date(platform.clock.now().getTime() + 16_000).toISOString()
  await platform.superuser.query(
    `update plinth.webhook_deliveries set lease = gen_random_uuid(), lease_until = $1::timestamptz`,
    [leased],
  )
  await platform.superuser.query(`update plinth.webhooks_out set paused_until = null`)
  await new Promise((resolve) => setTimeout(resolve, 150))
  expect(target.received).toHaveLength(0)
  platform.clock.advance(16_001)
  await platform.settled()
  expect(target.received).toHaveLength(1)
  expect(await one()).toMatchObject({ status: 'delivered', lease: null })
})

test('of a suspended tenant nothing is sent until it is active again', async () => {
  target.answer = status(204)
  await platform.superuser.query(`update plinth.webhooks_out set paused_until = 'infinity'`)
  await platform.makeSite('waits')
  await until(async () => expect(await one()).toBeDefined())
  await platform.superuser.query(`update plinth.tenants set status = 'suspended' where id = $1::uuid`, [platform.a.id])
  await platform.superuser.query(`update plinth.webhooks_out set paused_until = null`)
  await new Promise((resolve) => setTimeout(resolve, 150))
  expect(target.received).toHaveLength(0)
  await platform.superuser.query(`update plinth.tenants set status = 'active' where id = $1::uuid`, [platform.a.id])
  await until(() => expect(target.received).toHaveLength(1))
})

test('more than may wait for one webhook switches it off, and nothing waits for it any more', async () => {
  const few = await webhookPlatform({ allow: [target.host], webhooks: { mostWaiting: 3 } })
  target.answer = status(500)
  const { id } = await few.make(`${target.url}/few`, ['site.created'])
  for (let at = 0; at < 4; at += 1) await few.makeSite(`site ${at}`)
  await until(async () => expect(await few.rows()).toHaveLength(4))
  await sweepWebhooks(few, few.clock.now())
  expect((await few.ask('GET', `webhooks/${id}`)).json).toMatchObject({ active: false, disabledReason: 'overrun' })
  await until(async () => expect(await few.rows(`status = 'failed'`)).toHaveLength(4))
  target.answer = status(204)
  target.received.length = 0
  await few.ask('PATCH', `webhooks/${id}`, { active: true })
  few.clock.advance(MINUTE)
  await few.makeSite('heard again')
  await until(() => expect(target.received).toHaveLength(1))
  expect(target.received[0]!.body).toContain('heard again')
  await few.close()
}, 30_000)

test('what another address answered is nothing to the one to which it goes now', async () => {
  const answers: ServerResponse[] = []
  target.answer = (response) => void answers.push(response)
  await platform.makeSite('asked before')
  await until(() => expect(answers).toHaveLength(1))
  await platform.ask('PATCH', `webhooks/${made.id}`, { url: `${target.url}/new` })
  answers[0]!.writeHead(410).end()
  await tried(1)
  expect(await webhook()).toMatchObject({ active: true, failingSince: null, disabledReason: null })
  expect(await one()).toMatchObject({ status: 'pending', attempts: 1 })
  target.answer = status(204)
  platform.clock.advance(5_000)
  await until(() => expect(target.received.map(({ path }) => path)).toEqual(['/hook', '/new']))
})

test('a rest that one answer asked for is not ended by another', async () => {
  const answers: ServerResponse[] = []
  target.answer = (response) => void answers.push(response)
  for (const name of ['first', 'second', 'third']) await platform.makeSite(name)
  await until(() => expect(answers).toHaveLength(3))
  answers[0]!.writeHead(429, { 'retry-after': '3600' }).end()
  await until(async () => expect((await webhook())['failingSince']).not.toBeNull())
  answers[1]!.writeHead(204).end()
  answers[2]!.writeHead(429, { 'retry-after': '1' }).end()
  await until(async () => expect(await platform.rows('lease is not null')).toEqual([]))
  await platform.makeSite('later')
  platform.clock.advance(3_599_000)
  await new Promise((resolve) => setTimeout(resolve, 150))
  expect(target.received).toHaveLength(3)
  target.answer = status(204)
  platform.clock.advance(1_000)
  await platform.settled()
  expect(target.received).toHaveLength(6)
})

test('a failure of five days switches off, whatever became of each delivery', async () => {
  target.answer = status(500)
  await platform.makeSite('one of many')
  await tried(1)
  await platform.superuser.query(`update plinth.webhooks_out set failing_since = $1::timestamptz`, [
    new Date(platform.clock.now().getTime() - 5 * 24 * HOUR - 1).toISOString(),
  ])
  platform.clock.advance(5_000)
  await until(async () => expect(await webhook()).toMatchObject({ active: false, disabledReason: 'failing' }))
})

test('that a test or another word of webhooks fails is no event, or each would be one more for all others', async () => {
  target.answer = status(400)
  for (const name of ['x', 'y', 'z']) await platform.make(`${target.url}/${name}`, ['webhook.*'])
  await platform.ask('POST', `webhooks/${made.id}/test`)
  await until(async () => {
    platform.clock.advance(MINUTE)
    await platform.superuser.query(
      `update plinth.webhook_deliveries set attempts = 9, next_at = tried_at where tried_at is not null and status = 'pending' and lease is null`,
    )
    expect(await platform.superuser.query('select id from plinth.events where delivered_at is null')).toEqual([])
    expect(await platform.rows(`status = 'pending'`)).toEqual([])
  })
  expect(await platform.rows(`type = 'webhook.delivery_failed'`)).toEqual([])
})

test('deleting a webhook while its requests are answered waits for nobody in a circle', async () => {
  for (let round = 0; round < 10; round += 1) {
    const answers: ServerResponse[] = []
    target.answer = (response) => void answers.push(response)
    const { id } = await platform.make(`${target.url}/gone`, ['site.created'])
    await platform.ask('PATCH', `webhooks/${made.id}`, { active: false })
    for (const name of ['a', 'b', 'c']) await platform.makeSite(name)
    await until(() => expect(answers).toHaveLength(3))
    const deleting = platform.ask('DELETE', `webhooks/${id}`)
    for (const [at, answer] of answers.entries()) answer.writeHead(at === 1 ? 204 : 500).end()
    expect((await deleting).status).toBe(204)
  }
  const [row] = await platform.superuser.query(
    `select deadlocks::int as n from pg_stat_database where datname = current_database()`,
  )
  expect(row!['n']).toBe(0)
}, 60_000)

test('what its webhook does not hear any more is not sent, not even when it is asked for', async () => {
  target.answer = status(500)
  await platform.makeSite('heard')
  await tried(1)
  await platform.ask('PATCH', `webhooks/${made.id}`, { events: ['site.deleted'] })
  target.answer = status(204)
  platform.clock.advance(5_000)
  await new Promise((resolve) => setTimeout(resolve, 150))
  expect(target.received).toHaveLength(1)
  await until(async () => expect(await one()).toMatchObject({ status: 'failed', next_at: null }))
  const row = await one()
  const path = `webhooks/${made.id}/deliveries/${String(row['id'])}/redeliver`
  expect((await platform.ask('POST', path)).json).toMatchObject({
    status: 409,
    detail: "The webhook does not hear 'site.created' any more.",
  })
})

test('deliveries are kept for thirty days', async () => {
  target.answer = status(204)
  await platform.makeSite('old')
  await platform.settled()
  const day = 24 * HOUR
  await sweepWebhooks(platform, new Date(platform.clock.now().getTime() + 29 * day))
  expect(await platform.rows()).toHaveLength(1)
  await sweepWebhooks(platform, new Date(platform.clock.now().getTime() + 31 * day))
  expect(await platform.rows()).toHaveLength(0)
})

test('a process that ends waits for nothing that hangs: what is under way is given back, and others send it', async () => {
  const ending = await webhookPlatform({ allow: [target.host], webhooks: { timeout: '60s' } })
  target.answer = () => undefined
  await ending.make(`${target.url}/hook`, ['site.created'])
  await ending.makeSite('under way')
  await until(() => expect(target.received).toHaveLength(1))
  const { promise: over, resolve: unlock } = Promise.withResolvers<void>()
  const locked = ending.superuser.transaction(async (connection) => {
    await connection.query('lock table plinth.webhook_deliveries')
    await over
  })
  const feature = ending.plinth.registry.features.find(({ name }) => name === 'webhooks')!
  // While nothing of it can be read or written.
  await feature.stop!()
  unlock()
  await locked
  const [row] = await ending.rows(`type = 'site.created'`)
  expect(row).toMatchObject({ status: 'pending', attempts: 0 })
  await ending.close()
}, 30_000)

test('a process that ends gives back what it has not sent', async () => {
  const ending = await webhookPlatform({ allow: [target.host], webhooks: { timeout: '30s' } })
  target.answer = () => undefined
  await ending.make(`${target.url}/hook`, ['site.created'])
  await ending.makeSite('under way')
  await until(() => expect(target.received).toHaveLength(1))
  const feature = ending.plinth.registry.features.find(({ name }) => name === 'webhooks')!
  await feature.stop!()
  const [row] = await ending.rows(`type = 'site.created'`)
  expect(row).toMatchObject({ status: 'pending', attempts: 0, lease: null })
  await ending.close()
}, 30_000)
