import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import { describe, expect, test, vi } from 'vitest'
import { makeSecret } from '../secret/webhook-secret.ts'
import { signWebhook } from './sign-webhook.ts'
import { verifyWebhook, type WebhookVerificationError } from './verify-webhook.ts'

const secret = makeSecret()
const time = new Date('2026-02-03T04:05:06.789Z')
const message = { id: 'a7b1', time, body: '{"a":1e2,"b":"é \\u2028","a ":[1.0,-0]}' }

const reasonOf = (run: () => unknown): unknown => {
  try {
    return run()
  } catch (error) {
    return (error as WebhookVerificationError).reason
  }
}

describe('a signature', () => {
  test('is the one of the specification', () => {
    // The example of the specification's own libraries.
    const known = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
    const headers = signWebhook([known], {
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      time: new Date(1_614_265_330_000),
      body: '{"test": 2432232314}',
    })
    expect(headers).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    })
  })

  test('is believed by a foreign library, and its by us, for any body', () => {
    vi.useFakeTimers({ now: time, toFake: ['Date'] })
    const foreign = new Webhook(secret)
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.uuid(), (body, id) => {
        foreign.verify(body, signWebhook([makeSecret(), secret], { id, time, body }), { jsonParse: false })
        const theirs = {
          'webhook-id': id,
          'webhook-timestamp': String(Math.floor(time.getTime() / 1_000)),
          'webhook-signature': foreign.sign(id, time, body),
        }
        expect(verifyWebhook(secret, theirs, body)).toBe(id)
      }),
    )
    vi.useRealTimers()
  })

  test('is none where a byte of the body, the id or the time is another', () => {
    const headers = signWebhook([secret], message)
    const verify = (given: Readonly<Record<string, string>>, body = message.body) =>
      reasonOf(() => verifyWebhook(secret, { ...headers, ...given }, body, { now: time }))
    expect(verify({})).toBe('a7b1')
    for (let at = 0; at < message.body.length; at += 1) {
      const other =
        message.body.slice(0, at) + String.fromCharCode(message.body.charCodeAt(at) ^ 1) + message.body.slice(at + 1)
      expect(verify({}, other)).toBe('signature_invalid')
    }
    expect(verify({}, JSON.stringify(JSON.parse(message.body)))).toBe('signature_invalid')
    expect(verify({ 'webhook-id': 'a7b2' })).toBe('signature_invalid')
    expect(verify({ 'webhook-timestamp': String(Math.floor(time.getTime() / 1_000) + 1) })).toBe('signature_invalid')
    expect(verify({ 'webhook-timestamp': '1e9' })).toBe('timestamp_invalid')
    expect(verify({ 'webhook-timestamp': '-1' })).toBe('timestamp_invalid')
    for (const signature of ['v1,', 'v1', ' ', 'v2,x', `v1a${headers['webhook-signature'].slice(2)}`, 'é'])
      expect(verify({ 'webhook-signature': signature })).toBe('signature_invalid')
    for (const name of ['webhook-id', 'webhook-timestamp', 'webhook-signature'])
      expect(verify({ [name]: '' })).toBe('headers_missing')
  })

  test('is believed for five minutes, and not before', () => {
    const headers = signWebhook([secret], message)
    const at = (seconds: number) =>
      reasonOf(() => verifyWebhook(secret, headers, message.body, { now: new Date(time.getTime() + seconds * 1_000) }))
    expect([at(0), at(300), at(301), at(-300), at(-301)]).toEqual(['a7b1', 'a7b1', 'too_old', 'a7b1', 'too_new'])
  })

  test('is made by no secret that everybody has', () => {
    for (const none of ['', 'whsec_', 'whsec_AAAA', 'whsec_***', 'not base64!'])
      for (const run of [
        () => signWebhook([none], message),
        () => verifyWebhook(none, signWebhook([secret], message), message.body, { now: time }),
      ])
        expect(run).toThrow(TypeError)
  })
})
