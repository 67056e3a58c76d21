import { verifyWebhook } from '../src/index.ts'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { events } from '@plinth/events'
import { webhookReceiver, type WebhookReceiver } from '@plinth/testing'
import { until, webhookPlatform, type WebhookPlatform } from './webhook-platform.ts'

const url = 'https://hooks.example.com/plinth'

let target: WebhookReceiver
let platform: WebhookPlatform
beforeAll(async () => {
  target = await webhookReceiver()
  platform = await webhookPlatform({
    allow: [target.host],
    webhooks: { mostOfTenant: 12 },
    features: [events()],
    actors: {
      // Every right on webhooks, and none on what they tell of.
      plumber: ['webhook:*', 'webhookDelivery:*'],
      ofSites: ['webhook:*', 'site:read'],
      ofOwn: ['webhook:*', 'site:read:own'],
      sees: ['webhook:read', 'webhookDelivery:read'],
      listens: ['webhook:*', 'event:read'],
    },
  })
}, 60_000)
afterAll(async () => {
  await platform.close()
  await target.close()
})
beforeEach(async () => {
  target.received.length = 0
  await platform.superuser.query('delete from plinth.webhooks_out')
})

describe('POST and GET /webhooks', () => {
  test('the secret is shown once, and stored sealed', async () => {
    const reply = await platform.ask('POST', 'webhooks', { url, events: ['site.*'], description: 'mirror' })
    expect(reply.status).toBe(201)
    expect(reply.json).toMatchObject({ url, events: ['site.*'], description: 'mirror', active: true, version: 1 })
    const { id, secret } = reply.json as { id: string; secret: string }
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    expect(reply.headers).toMatchObject({ location: `/api/v1/webhooks/${id}`, 'cache-control': 'no-store' })
    for (const path of ['webhooks', `webhooks/${id}`, 'webhooks?format=csv']) {
      const shown = await platform.ask('GET', path)
      expect(shown.status).toBe(200)
      expect(shown.body).toContain(url)
      expect(shown.body).not.toMatch(/whsec_|secret/)
    }
    const [row] = await platform.superuser.query('select secret from plinth.webhook_secrets')
    expect(row!['secret']).toMatch(/^s1\.test\./)
    expect(String(row!['secret'])).not.toContain(secret)
    expect(platform.log.text()).not.toContain(secret)
  })

  test('the list is a list like every other, of one tenant', async () => {
    for (const name of ['a', 'b', 'c']) await platform.make(`${url}/${name}`, ['*'], { active: name !== 'b' })
    await platform.request(platform.b.actors.full, 'POST', '/api/v1/webhooks', { url: `${url}/of-b`, events: ['*'] })
    const reply = await platform.ask('GET', 'webhooks?pageSize=2&count=exact')
    expect(reply.json).toMatchObject({
      data: [{ active: expect.any(Boolean) as boolean }, { events: ['*'] }],
      page: { page: 1, pageSize: 2, hasMore: true, total: 3 },
    })
    const second = await platform.ask('GET', 'webhooks?pageSize=2&page=2')
    const urls = [reply, second].flatMap(({ json }) => (json as { data: { url: string }[] }).data.map((row) => row.url))
    expect(urls.sort()).toEqual(['a', 'b', 'c'].map((name) => `${url}/${name}`))
    const off = await platform.ask('GET', 'webhooks?active=false')
    expect((off.json as { data: unknown[] }).data).toHaveLength(1)
    expect((await platform.ask('GET', 'webhooks?secret=x')).status).toBe(400)
  })

  test('what it hears is known, and named with the nearest ones where it is not', async () => {
    const reply = await platform.ask('POST', 'webhooks', { url, events: ['site.creatd', 'stie.*'] })
    expect(reply.status).toBe(400)
    expect(reply.json).toMatchObject({
      code: 'validation_failed',
      errors: [
        { path: '/events/0', code: 'unknown_event', message: expect.stringContaining('site.created') as string },
        { path: '/events/1', code: 'unknown_event', message: expect.stringContaining('site.*') as string },
      ],
    })
    for (const bad of [{ url }, { url, events: [] }, { events: ['*'] }, { url, events: '*' }, [], 'x'])
      expect((await platform.ask('POST', 'webhooks', bad)).status).toBe(400)
  })

  test('there are no more than may be, however many ask at once', async () => {
    const replies = await Promise.all(
      Array.from({ length: 30 }, (_, at) => platform.ask('POST', 'webhooks', { url: `${url}/${at}`, events: ['*'] })),
    )
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(12)
    expect(replies.filter(({ status }) => status === 409)).toHaveLength(18)
  })

  test('a repeated request is told that its answer is not kept, and makes no second one', async () => {
    const ask = () =>
      platform.request(
        platform.a.actors.full,
        'POST',
        '/api/v1/webhooks',
        { url, events: ['*'] },
        { 'idempotency-key': 'k' },
      )
    expect((await ask()).status).toBe(201)
    const again = await ask()
    expect(again.json).toMatchObject({ status: 409, code: 'answer_not_repeatable' })
    expect(await platform.superuser.query('select id from plinth.webhooks_out')).toHaveLength(1)
  })

  test('only URLs to which webhooks may go, when it is made and when it is changed', async () => {
    const { id } = await platform.make(url, ['site.deleted'])
    for (const bad of [
      'http://hooks.example.com/x',
      'https://127.0.0.1/x',
      'ftp://example.com',
      'x',
      'https://u:p@example.com/',
    ]) {
      for (const reply of [
        await platform.ask('POST', 'webhooks', { url: bad, events: ['*'] }),
        await platform.ask('PATCH', `webhooks/${id}`, { url: bad }),
        await platform.ask('PUT', `webhooks/${id}`, { url: bad, events: ['*'] }),
      ])
        expect(reply.json, bad).toMatchObject({
          status: 400,
          code: 'url_not_allowed',
          errors: [{ path: '/url', code: 'url_not_allowed' }],
        })
    }
    expect((await platform.ask('GET', `webhooks/${id}`)).json).toMatchObject({ url, version: 1 })
    expect((await platform.ask('PATCH', `webhooks/${id}`, { url: `${target.url}/y` })).status).toBe(200)
  })
})

describe('nobody has sent to himself what he may not read', () => {
  const asks = (who: string, list: readonly string[]) => platform.ask('POST', 'webhooks', { url, events: list }, who)

  test('when it is made', async () => {
    expect((await asks('plumber', ['site.*'])).json).toMatchObject({
      status: 403,
      detail: expect.stringContaining('site:read in the scope all') as string,
    })
    expect((await asks('ofOwn', ['site.created'])).status).toBe(403)
    expect((await asks('ofSites', ['*'])).status).toBe(403)
    expect((await asks('ofSites', ['webhook.disabled'])).json).toMatchObject({ status: 403 })
    expect((await asks('ofSites', ['site.*'])).status).toBe(201)
    expect((await asks('listens', ['*'])).status).toBe(201)
    expect((await asks('sees', ['site.*'])).status).toBe(403)
  })

  test('nor by pointing elsewhere, or switching on, what others have set up', async () => {
    const { id } = await platform.make(url, ['*'], { active: false })
    for (const patch of [{ url: `${url}/mine` }, { events: ['site.created'] }, { active: true }])
      expect((await platform.ask('PATCH', `webhooks/${id}`, patch, 'plumber')).status, JSON.stringify(patch)).toBe(403)
    expect((await platform.ask('PATCH', `webhooks/${id}`, { active: true }, 'ofSites')).status).toBe(403)
    // What it hears is his, and narrower.
    expect((await platform.ask('PATCH', `webhooks/${id}`, { events: ['site.created'] }, 'ofSites')).status).toBe(200)
    expect((await platform.ask('PATCH', `webhooks/${id}`, { description: 'x' }, 'plumber')).status).toBe(200)
    expect((await platform.ask('PATCH', `webhooks/${id}`, { active: false }, 'plumber')).status).toBe(200)
  })

  test('what was sent is shown with a permission of its own, and its body with one more', async () => {
    const { id } = await platform.make(`${target.url}/log`)
    await platform.makeSite('shown')
    await platform.settled()
    const path = `webhooks/${id}/deliveries`
    const full = (await platform.ask('GET', path)).json as { data: readonly { id: string; body: string }[] }
    expect(full.data.some(({ body }) => body.includes('"shown"'))).toBe(true)
    const seen = await platform.ask('GET', path, undefined, 'sees')
    expect(seen.status).toBe(200)
    expect(seen.body).not.toContain('shown')
    expect((await platform.ask('GET', `${path}/${full.data[0]!.id}`, undefined, 'sees')).body).not.toContain('"body"')
    expect((await platform.ask('GET', path, undefined, 'ofSites')).status).toBe(403)
    expect((await platform.ask('GET', `${path}?body=shown`, undefined, 'sees')).status).toBe(400)
  })
})

describe('rotate-secret', () => {
  test('signs by both for a day: whoever knows either one is content, and nothing is between', async () => {
    const made = await platform.make(`${target.url}/rotated`, ['site.*'])
    const reply = await platform.ask('POST', `webhooks/${made.id}/rotate-secret`, {})
    const { secret, formerEnds } = reply.json as { secret: string; formerEnds: string }
    expect(reply.status).toBe(200)
    expect(reply.headers['cache-control']).toBe('no-store')
    expect(secret).not.toBe(made.secret)
    expect(new Date(formerEnds).getTime() - platform.clock.now().getTime()).toBe(86_400_000)
    await platform.makeSite('while both')
    await until(() => expect(target.received).toHaveLength(1))
    const [both] = target.received
    const now = platform.clock.now()
    for (const known of [secret, made.secret]) verifyWebhook(known, both!.headers, both!.body, { now })
    await platform.settled()
    platform.clock.advance(86_400_001)
    await platform.makeSite('later')
    await until(() => expect(target.received).toHaveLength(2))
    const [, later] = target.received
    const options = { now: platform.clock.now() }
    verifyWebhook(secret, later!.headers, later!.body, options)
    expect(() => verifyWebhook(made.secret, later!.headers, later!.body, options)).toThrow('no signature')
  })

  test('or at once, where it is leaked; what came before ends with it', async () => {
    const made = await platform.make(`${target.url}/leaked`, ['site.*'])
    await platform.ask('POST', `webhooks/${made.id}/rotate-secret`)
    const reply = await platform.ask('POST', `webhooks/${made.id}/rotate-secret`, { immediately: true })
    await platform.makeSite('after')
    await until(() => expect(target.received).toHaveLength(1))
    const [one] = target.received
    expect(String(one!.headers['webhook-signature']).split(' ')).toHaveLength(1)
    const { secret } = reply.json as { secret: string }
    verifyWebhook(secret, one!.headers, one!.body, { now: platform.clock.now() })
  })

  test('a hundred at once: each is answered, and the last one holds', async () => {
    const made = await platform.make(`${target.url}/contested`, ['site.*'])
    const replies = await Promise.all(
      Array.from({ length: 100 }, () => platform.ask('POST', `webhooks/${made.id}/rotate-secret`, {})),
    )
    expect(replies.every(({ status }) => status === 200)).toBe(true)
    await platform.makeSite('after all')
    await until(() => expect(target.received).toHaveLength(1))
    const [one] = target.received
    // Of all that were told, as many sign as a header holds.
    const now = platform.clock.now()
    const known = replies.filter(({ json }) => {
      try {
        return verifyWebhook((json as { secret: string }).secret, one!.headers, one!.body, { now }) !== ''
      } catch {
        return false
      }
    })
    expect(known).toHaveLength(5)
  })
})

describe('test and redeliver', () => {
  test('a test is sent once, to one that is not active too, and its end is told', async () => {
    const { id, secret } = await platform.make(`${target.url}/try`, ['site.*'], { active: false })
    const reply = await platform.ask('POST', `webhooks/${id}/test`)
    expect(reply.json).toMatchObject({ type: 'webhook.test', status: 'pending', attempts: 0, webhookId: id })
    expect(reply.status).toBe(202)
    await until(() => expect(target.received).toHaveLength(1))
    const [one] = target.received
    expect(JSON.parse(one!.body)).toMatchObject({ type: 'webhook.test', data: { id } })
    verifyWebhook(secret, one!.headers, one!.body, { now: platform.clock.now() })
    await platform.settled()
    const { id: delivery } = reply.json as { id: string }
    const shown = await platform.ask('GET', `webhooks/${id}/deliveries/${delivery}`)
    expect(shown.json).toMatchObject({
      status: 'delivered',
      attempts: 1,
      log: [{ status: 204, error: null, milliseconds: expect.any(Number) as number }],
    })
  })

  test('sent again are the same bytes under the same id; of a hundred who ask at once one is heard', async () => {
    const { id } = await platform.make(`${target.url}/again`, ['site.created'])
    await platform.makeSite('again')
    await until(() => expect(target.received).toHaveLength(1))
    await platform.settled()
    const [row] = await platform.rows(`type = 'site.created'`)
    const path = `webhooks/${id}/deliveries/${String(row!['id'])}/redeliver`
    const replies = await Promise.all(Array.from({ length: 100 }, () => platform.ask('POST', path)))
    const taken = replies.filter(({ status }) => status === 202)
    expect(replies.filter(({ status }) => status === 409)).toHaveLength(100 - taken.length)
    await until(() => expect(target.received.length).toBe(1 + taken.length))
    await platform.settled()
    expect(target.received[1]!.body).toBe(target.received[0]!.body)
    expect(target.received[1]!.headers['webhook-id']).toBe(target.received[0]!.headers['webhook-id'])
    await platform.ask('PATCH', `webhooks/${id}`, { active: false })
    expect((await platform.ask('POST', path)).json).toMatchObject({ status: 409 })
  })

  test('what is of another webhook, of another tenant or nowhere is not there', async () => {
    const [one, other] = [
      await platform.make(`${target.url}/1`),
      await platform.make(`${target.url}/2`, ['site.deleted']),
    ]
    await platform.makeSite('mine')
    await platform.settled()
    const [row] = await platform.rows(`webhook_id = '${one.id}'`)
    const delivery = String(row!['id'])
    const b = platform.b.actors.full
    for (const path of [
      `webhooks/${other.id}/deliveries/${delivery}`,
      `webhooks/${delivery}/deliveries/${delivery}`,
      `webhooks/x/deliveries/${delivery}`,
      `webhooks/${one.id}/deliveries/x`,
    ]) {
      expect((await platform.ask('GET', path)).status, path).toBe(404)
      expect((await platform.ask('POST', `${path}/redeliver`)).status, path).toBe(404)
    }
    for (const [method, path] of [
      ['GET', ''],
      ['PATCH', ''],
      ['DELETE', ''],
      ['POST', '/test'],
      ['POST', '/rotate-secret'],
      ['GET', '/deliveries'],
      ['GET', `/deliveries/${delivery}`],
      ['POST', `/deliveries/${delivery}/redeliver`],
    ] as const) {
      const body = method === 'PATCH' ? { active: false } : undefined
      const reply = await platform.request(b, method, `/api/v1/webhooks/${one.id}${path}`, body)
      expect(reply.status, `${method} ${path}`).toBe(404)
    }
    expect((await platform.ask('GET', 'webhooks/x/deliveries')).status).toBe(404)
    expect((await platform.ask('GET', `webhooks/${one.id.toUpperCase()}/deliveries`)).status).toBe(200)
  })
})

test('every field that may be written is written, and what is not is left alone', async () => {
  const { id } = await platform.make(url, ['site.deleted'])
  // A person gives what he has to a group that he is in.
  const [group] = platform.a.actors.shared.groupIds
  const all = { url: `${url}/2`, description: 'd', events: ['site.*'], active: false, ownerGroupId: group }
  const given = { ...all, secret: 'x', disabledReason: 'gone', prune: true }
  const patched = await platform.ask('PATCH', `webhooks/${id}`, given, 'shared')
  expect(patched.json).toMatchObject({ ...all, disabledReason: null })
})
