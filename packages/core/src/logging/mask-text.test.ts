import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { maskText } from './mask-text.ts'

describe('maskText', () => {
  test.each([
    ['Authorization: Bearer canary-abc', 'Authorization: Bearer [redacted]'],
    ['header Basic dXNlcjpjYW5hcnk=', 'header Basic [redacted]'],
    ['bearer%20canary123', 'bearer [redacted]'],
    ['token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl end', 'token [redacted] end'],
    ['s%3AeyJhbGciOiJIUzI1NiJ9', 's%3A[redacted]'],
    ['key plk_live_canary123.', 'key plk_[redacted]'],
    ['_plk_canary', '_plk_[redacted]'],
    ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'whsec_[redacted]'],
    ['sk_live_canary123', 'sk_live_[redacted]'],
    ['postgres://app:canary@db:5432/x', 'postgres://[redacted]@db:5432/x'],
    ['postgres://app:can@ary/x@db:5432/x', 'postgres://[redacted]@db:5432/x'],
    ['redis://canary@host', 'redis://[redacted]@host'],
    ['GET /x?api_key=canary&page=2', 'GET /x?api_key=[redacted]&page=2'],
    ['/callback?code=canary&state=1', '/callback?code=[redacted]&state=1'],
    ['host=db password=canary user=x', 'host=db password=[redacted] user=x'],
    ['__Host-session_id=canary; other=1', '__Host-session_id=[redacted]; other=1'],
    ['body {"password":"can\\"ary","name":"x"}', 'body {"password":"[redacted]","name":"x"}'],
    ['{"newPasswordHash": "canary"}', '{"newPasswordHash": "[redacted]"}'],
    ['k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=', '[redacted]'],
    ['-----BEGIN PRIVATE KEY-----\nMIIcanary\n-----END PRIVATE KEY-----\nrest', '[redacted]\nrest'],
    ['-----BEGIN RSA PRIVATE KEY-----\ncut canary', '[redacted]'],
    ['mail to Ann.Lee+x@mail.example.com failed', 'mail to [email] failed'],
    ['?email=ann%40example.com&x', '?email=[email]&x'],
    ['jörg@bücher.example', '[email]'],
  ])('%s', (text, expected) => {
    expect(maskText(text)).toBe(expected)
  })

  test('leaves alone what only resembles them', () => {
    for (const text of [
      'request_completed',
      '/api/v1/projects/0198c7a2-1111-7000-8000-000000000001?page=2&status=live',
      'node_modules/.pnpm/drizzle-orm@0.45.4_@electric-sql+pglite@0.5.14_postgres@3.4.9/node_modules/x',
      'https://host.example/@scope/package',
      '2026-11-21T07:06:27.302Z',
      'Unexpected token } in JSON at position 4',
      'SECRET_KEYS: is not set',
      'the bearer of bad news',
      'a@b',
    ]) {
      expect(maskText(text)).toBe(text)
    }
  })

  test('cuts long texts', () => {
    const text = maskText('x'.repeat(100_000))
    expect(text.length).toBeLessThan(8_300)
    expect(text).toContain('100000 characters')
  })

  test('finds a token in any surroundings', () => {
    const around = fc.string({ unit: 'binary', maxLength: 40 })
    const secret = fc.constantFrom(
      'plk_canary12345',
      'whsec_canary12345',
      'eyJcanary12345.eyJcanary.canary',
      'Bearer canary12345',
      'postgres://u:canary@h/d',
      '?api_key=canary',
    )
    fc.assert(
      fc.property(around, secret, around, (before, token, after) => {
        // A letter or digit right before `plk_` makes it a part of another word.
        expect(maskText(`${before} ${token} ${after}`)).not.toContain('canary')
      }),
      { numRuns: 1_000 },
    )
  })

  test('the worst texts cost milliseconds', () => {
    const worst = [
      'a'.repeat(9_000) + '=@',
      'a@'.repeat(4_500),
      `a@${'a.'.repeat(4_500)}`,
      `${'a'.repeat(9_000)}://b@`,
      '%40'.repeat(3_000),
      'eyJaaaaaa.'.repeat(900),
      `${('secret' + '-'.repeat(20)).repeat(350)}="`,
      '-----BEGIN PRIVATE KEY-----'.repeat(330),
      `x://${':'.repeat(9_000)}`,
      'bearer     '.repeat(800),
    ]
    for (const text of worst) {
      const start = process.cpuUsage()
      maskText(text)
      // CPU time in µs: about 4,000; a pattern of quadratic time would take seconds.
      expect(process.cpuUsage(start).user).toBeLessThan(200_000)
    }
  })
})
