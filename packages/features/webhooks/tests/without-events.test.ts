import { defineEvent } from '@plinth/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { webhookPlatform, type WebhookPlatform } from './webhook-platform.ts'

const schema = z.object({ id: z.string() })

let platform: WebhookPlatform
beforeAll(async () => {
  platform = await webhookPlatform({
    actors: { plumber: ['webhook:*'], ofSites: ['webhook:*', 'site:read'] },
    plinth: { events: [defineEvent('site.visited', { schema }), defineEvent('payroll.closed', { schema })] },
  })
}, 60_000)
afterAll(() => platform.close())

test('where events are not read by a permission of their own, an event is for whoever reads what it is named after', async () => {
  const asks = async (who: string, event: string): Promise<number> =>
    (await platform.ask('POST', 'webhooks', { url: 'https://hooks.example.com/x', events: [event] }, who)).status
  expect(await asks('plumber', 'site.visited')).toBe(403)
  expect(await asks('ofSites', 'site.visited')).toBe(201)
  expect(await asks('plumber', 'webhook.disabled')).toBe(201)
  // Named after nothing that is read: for who has every right.
  expect(await asks('ofSites', 'payroll.closed')).toBe(403)
  expect(await asks('ofSites', '*')).toBe(403)
  expect(await asks('full', 'payroll.closed')).toBe(201)
  expect(await asks('full', '*')).toBe(201)
})

test('long and many names of no event are refused at once', async () => {
  const began = performance.now()
  for (const events of [['x'.repeat(500_000)], Array.from({ length: 100 }, () => 'y'.repeat(200))]) {
    const reply = await platform.ask('POST', 'webhooks', { url: 'https://hooks.example.com/x', events })
    expect(reply.status).toBe(400)
    expect(reply.body.length).toBeLessThan(50_000)
  }
  expect(performance.now() - began).toBeLessThan(5_000)
})
