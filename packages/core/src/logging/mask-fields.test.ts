import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { maskFields } from './mask-fields.ts'
import { kindOfField } from './secret-names.ts'

const mask = (fields: Record<string, unknown>, ...reserved: string[]) => maskFields(fields, new Set(reserved))

describe('names', () => {
  test('of secrets, in every spelling', () => {
    for (const name of [
      'password',
      'Password',
      'newPassword',
      'password_hash',
      'POSTGRES_PASSWORD',
      'passwd',
      'pass',
      'passphrase',
      'secret',
      'clientSecret',
      'SECRET_KEYS',
      'awsSecretAccessKey',
      'totpSecret',
      'authorization',
      'Authorization',
      'proxy-authorization',
      'cookie',
      'Set-Cookie',
      'apiKey',
      'api_key',
      'X-API-Key',
      'otp',
      'pin',
      'recoveryCodes',
      'mfaCode',
      'privateKey',
      'credentials',
      'sessionId',
      'sid',
      'rawHeaders',
      'otpauthUri',
    ]) {
      expect([name, kindOfField(name)]).toEqual([name, 'secret'])
    }
    for (const name of [
      'token',
      'accessToken',
      'refresh_token',
      'X-CSRF-Token',
      'mfa_token',
      'tokens',
      'SERVICE_TOKENS',
      'tokenHash',
      'token_sha256',
    ]) {
      expect([name, kindOfField(name)]).toEqual([name, 'token'])
    }
  })

  test('of what is none', () => {
    for (const name of [
      'key',
      'kid',
      'keys',
      'idempotencyKey',
      'passwordChangedAt',
      'token_type',
      'tokenCount',
      'secretVersion',
      'apiKeyId',
      'passwordPolicy',
      'expires_in',
      'tenantId',
      'requestId',
      'email',
      'session',
      'author',
      'authorId',
      'compass',
      'pinned',
      'status',
      'path',
      'secretName',
      'tokenizer',
      'keyPrefix',
      'passed',
    ]) {
      expect([name, kindOfField(name)]).toEqual([name, 'plain'])
    }
  })
})

describe('values', () => {
  test('under a secret name are hidden, whatever they are, unless there is nothing to hide', () => {
    expect(
      mask({
        password: 'x',
        otp: 123456,
        secret: { a: 1 },
        cookie: ['a'],
        mfaSecret: true,
        apiKey: null,
        token: '',
        tokens: 512,
        accessToken: 'x',
        authorization: undefined,
      }),
    ).toEqual({
      password: '[redacted]',
      otp: '[redacted]',
      secret: '[redacted]',
      cookie: '[redacted]',
      mfaSecret: true,
      apiKey: null,
      token: '',
      tokens: 512,
      accessToken: '[redacted]',
    })
  })

  test('of `code` only where they look like a one-time code', () => {
    expect(mask({ a: { code: '123456' }, b: { code: 12345678 } })).toEqual({
      a: { code: '[redacted]' },
      b: { code: '[redacted]' },
    })
    for (const code of ['not_found', '23505', 'ECONNREFUSED', 404, 'P0001']) expect(mask({ code })).toEqual({ code })
  })

  test('in entries of headers', () => {
    expect(mask({ headers: Object.entries({ authorization: 'x', accept: 'y' }) })).toEqual({
      headers: [
        ['authorization', '[redacted]'],
        ['accept', 'y'],
      ],
    })
  })

  test('become something that JSON can hold', () => {
    const fields = {
      n: 10n,
      at: new Date(0),
      bad: new Date(Number.NaN),
      bytes: Buffer.from('canary'),
      nan: Number.NaN,
      url: new URL('https://u:canary@h/'),
      f: () => 1,
      s: Symbol('x'),
      list: [undefined, () => 1, 1],
    }
    expect(mask(fields)).toEqual({
      n: '10',
      at: '1970-01-01T00:00:00.000Z',
      bad: 'Invalid Date',
      bytes: '[6 bytes]',
      nan: 'NaN',
      url: 'https://[redacted]@h/',
      list: [null, null, 1],
    })
  })

  test('deeper than four levels are not shown', () => {
    expect(mask({ a: { b: { c: { password: 'x', d: { e: 1 } } } } })).toEqual({
      a: { b: { c: { password: '[redacted]', d: '[deeper]' } } },
    })
  })

  test('that refer to themselves or are endless stop', () => {
    const loop: Record<string, unknown> = {}
    loop['self'] = loop
    expect(mask({ loop })).toEqual({ loop: { self: { self: { self: '[deeper]' } } } })
    const wide = mask({ list: Array.from({ length: 100_000 }, (_, at) => at), later: 1 })
    expect((wide['list'] as unknown[]).length).toBeLessThan(600)
    const long = mask({ list: Array.from({ length: 400 }, () => 'x'.repeat(8_000)) })
    expect(JSON.stringify(long).length).toBeLessThan(50_000)
  })

  test('names of fields are masked too, and cannot be those of the line', () => {
    expect(mask({ 'a@example.com': 1, level: 'fake', time: 1, nested: { level: 2 } }, 'level', 'time')).toEqual({
      '[email]': 1,
      level_: 'fake',
      time_: 1,
      nested: { level: 2 },
    })
    const polluted = mask(JSON.parse('{"__proto__":{"admin":true},"a":1}') as Record<string, unknown>)
    expect(polluted).toEqual({ a: 1 })
    expect('admin' in polluted).toBe(false)
  })

  test('a secret at any of four levels of any object never shows', () => {
    const name = fc.constantFrom(
      'password',
      'clientSecret',
      'access_token',
      'authorization',
      'x-api-key',
      'refreshToken',
    )
    const secret = fc.string({ minLength: 3 }).map((text) => ({ text: `canary${text}` }))
    const leaf = fc.record({ name, secret }).map((one) => ({ [one.name]: one.secret.text }))
    const wrap = (inner: fc.Arbitrary<unknown>) =>
      fc.oneof(inner, fc.tuple(inner, fc.anything()), fc.record({ a: fc.anything(), inner }))
    fc.assert(
      fc.property(fc.record({ field: wrap(wrap(wrap(leaf))) }), (fields) => {
        expect(JSON.stringify(mask(fields))).not.toContain('canary')
      }),
      { numRuns: 500 },
    )
  })
})
