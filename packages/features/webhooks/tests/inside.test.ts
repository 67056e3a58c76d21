import type { LookupAddress } from 'node:dns'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { webhookReceiver, type WebhookReceiver } from '@plinth/testing'
import { until, webhookPlatform, type WebhookPlatform } from './webhook-platform.ts'

/*
 * Names that lead inside, at once or later: whoever may name an URL names one whose answers he chooses. The listener on 127.0.0.1 is never
 * connected to.
 */
let target: WebhookReceiver
let platform: WebhookPlatform
let connections = 0
/** What names resolve to, in turn; the last answer stays. */
let answers: readonly (readonly string[])[] = [['127.0.0.1']]
let asked = 0
beforeAll(async () => {
  target = await webhookReceiver()
  platform = await webhookPlatform({
    parts: {
      lookup: (_host, _options, answer) => {
        const addresses = answers[Math.min(asked, answers.length - 1)]!
        asked += 1
        answer(
          null,
          addresses.map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 })),
        )
      },
    },
    webhooks: { timeout: '1s' },
  })
  target.answer = (response) => {
    connections += 1
    response.writeHead(204).end()
  }
}, 60_000)
afterAll(async () => {
  await platform.close()
  await target.close()
})
beforeEach(async () => {
  await platform.superuser.query('delete from plinth.webhooks_out')
  asked = 0
})

async function errorOf(url: string): Promise<unknown> {
  const { id } = await platform.make(url, ['site.created'])
  await platform.makeSite('x')
  return until(async () => {
    const [row] = await platform.rows(`webhook_id = '${id}'`)
    const [attempt] = JSON.parse(row ? String(row['log']) : '[]') as { error: string }[]
    expect(attempt).toBeDefined()
    return attempt!.error
  })
}

test.each([
  [['127.0.0.1']],
  [['10.0.0.1']],
  [['169.254.169.254']],
  [['0.0.0.0']],
  [['::1']],
  [['::ffff:127.0.0.1']],
  [['fe80::1']],
  [['fd00:ec2::254']],
  [['64:ff9b::7f00:1']],
  // One that is public beside one that is not.
  [['8.8.8.8', '127.0.0.1']],
])('a name that resolves to %j is not connected to', async (addresses) => {
  answers = [addresses]
  const { port } = new URL(target.url)
  expect(await errorOf(`https://hooks.example.com:${port}/x`)).toBe('The name does not resolve to a public address')
  expect(connections).toBe(0)
})

test('nor one that is public when it is looked at and private when it is connected to: it is looked up once', async () => {
  answers = [['240.0.0.1'], ['127.0.0.1']]
  expect(await errorOf(`https://rebinding.example.com:${new URL(target.url).port}/x`)).toBe(
    'The name does not resolve to a public address',
  )
  expect(asked).toBe(1)
  expect(connections).toBe(0)
})

test('an address that was written past the rules is not connected to', async () => {
  const { id } = await platform.make('https://hooks.example.com/x', ['site.created'])
  for (const url of [`${target.url}/x`, 'http://hooks.example.com/x', 'https://[::1]/x', 'file:///etc/passwd']) {
    await platform.superuser.query('update plinth.webhooks_out set url = $1::text', [url])
    await platform.superuser.query('delete from plinth.webhook_deliveries')
    await platform.makeSite('x')
    await until(async () => {
      const [row] = await platform.rows(`webhook_id = '${id}'`)
      expect(String(row?.['log'])).toMatch(/Must begin with https|Must be a public address/)
    })
  }
  expect(connections).toBe(0)
})
