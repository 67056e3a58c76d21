import { randomBytes } from 'node:crypto'
import { text } from 'drizzle-orm/pg-core'
import { csrfToken, defineResource, keyRingSecrets, parseKeyRing, refuseForgery, resourceTable } from '@plinth/core'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { openPlatform, tokenOf, type OpenPlatform } from './open-platform.ts'

const things = resourceTable('things', { name: text().notNull() })
const SECRET_KEYS = `k1:${randomBytes(32).toString('base64')}`
const APP = 'https://app.example.com'

async function opened(variables: Record<string, string>): Promise<OpenPlatform> {
  return openPlatform(inject('postgresUrl'), [defineResource({ table: things })], [], {
    env: { ENVIRONMENT: 'production', SECRET_KEYS, ...variables },
  })
}

function ask(platform: OpenPlatform, method: string, headers: Record<string, string> = {}, path = '/api/v1/things') {
  return platform.plinth.fetch(new Request(`http://test${path}`, { method, headers }))
}

const asking = (origin: string): Record<string, string> => ({
  origin,
  'access-control-request-method': 'POST',
  'access-control-request-headers': 'authorization,content-type',
})

/** All that looks like an allowed origin, and what servers have been fooled with. */
const foreign = [
  'null',
  'https://app.example.com.evil.example',
  'https://evil-app.example.com',
  'https://evil.example/?https://app.example.com',
  'http://app.example.com',
  'https://app.example.com:8443',
  'https://APP.example.com',
  'https://app.example.com/',
  'https://user@app.example.com',
  'https://app_example.com',
  '*',
  '',
]

describe('pages of other origins, with cookies', () => {
  let platform: OpenPlatform
  beforeAll(async () => {
    platform = await opened({ CORS_ORIGINS: `["${APP}", "http://localhost:5173/"]`, CORS_ALLOW_CREDENTIALS: 'true' })
  })
  afterAll(() => platform.close())

  test('a page in the list may read answers, errors included, and the headers that matter', async () => {
    const authorization = `Bearer ${tokenOf('acme')}`
    for (const [headers, status] of [
      [{ authorization }, 200],
      [{}, 401],
    ] as const) {
      for (const origin of [APP, 'http://localhost:5173']) {
        const answer = await ask(platform, 'GET', { origin, ...headers })
        expect(answer.status).toBe(status)
        expect(answer.headers.get('access-control-allow-origin')).toBe(origin)
        expect(answer.headers.get('access-control-allow-credentials')).toBe('true')
        expect(answer.headers.get('access-control-expose-headers')).toMatch(/ETag, Location, RateLimit,.*Retry-After/)
        expect(answer.headers.get('vary')).toBe(
          'Accept, Authorization, Cookie, X-API-Key, X-Tenant-ID, Origin'.slice(status === 200 ? 0 : 8),
        )
      }
    }
  })

  test('its preflight is answered; methods are those of the path', async () => {
    const answer = await ask(platform, 'OPTIONS', asking(APP))
    expect(answer.status).toBe(204)
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'access-control-allow-origin': APP,
      'access-control-allow-methods': 'GET, POST, HEAD, OPTIONS',
      'access-control-allow-headers': expect.stringMatching(/^Authorization, Content-Type, .*X-Tenant-ID/),
      'access-control-max-age': '7200',
      allow: 'GET, POST, HEAD, OPTIONS',
      vary: 'Origin',
    })
  })

  test.each(foreign)('%j gets nothing, and caches are told that it depends', async (origin) => {
    for (const method of ['GET', 'OPTIONS']) {
      const answer = await ask(platform, method, method === 'GET' ? { origin } : asking(origin))
      const names = [...answer.headers.keys()].filter((name) => name.startsWith('access-control-'))
      expect(names).toEqual([])
      expect(answer.headers.get('vary')).toContain('Origin')
    }
  })

  test('without an Origin, nothing of it; OPTIONS that is no preflight says what is allowed', async () => {
    const plain = await ask(platform, 'GET')
    expect(plain.headers.has('access-control-allow-origin')).toBe(false)
    const options = await ask(platform, 'OPTIONS', { origin: APP })
    expect([options.status, options.headers.has('access-control-allow-methods')]).toEqual([204, false])
  })

  test('for forgery, such a page counts as ours; nobody else does', () => {
    const secrets = keyRingSecrets(parseKeyRing(SECRET_KEYS))
    const cors = { origins: new Set([APP]), any: false, credentials: true }
    const client = { address: undefined, key: undefined, own: false, secure: true, userAgent: undefined }
    const token = csrfToken({ secrets }, 'the cookie')
    const of = (origin: string) => () =>
      refuseForgery(
        { publicUrl: 'https://api.example.com', cors, secrets },
        { method: 'POST', headers: { origin, 'x-csrf-token': token }, client },
        'the cookie',
      )
    expect(of(APP)).not.toThrow()
    for (const origin of foreign) expect(of(origin), origin).toThrow('does not come from a page of this service')
  })
})

test('any page, without cookies', async () => {
  const platform = await opened({ CORS_ORIGINS: '*' })
  try {
    const answer = await ask(platform, 'GET', { origin: 'https://anybody.example' })
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    expect(answer.headers.has('access-control-allow-credentials')).toBe(false)
    expect((await ask(platform, 'OPTIONS', asking('null'))).headers.get('access-control-allow-methods')).toContain(
      'POST',
    )
  } finally {
    await platform.close()
  }
})

test('by default none', async () => {
  const platform = await opened({})
  try {
    const answer = await ask(platform, 'OPTIONS', asking(APP))
    expect([answer.status, answer.headers.get('allow')]).toEqual([204, 'GET, POST, HEAD, OPTIONS'])
    expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([])
    expect((await ask(platform, 'GET', { origin: APP })).headers.get('vary')).not.toContain('Origin')
  } finally {
    await platform.close()
  }
})

test.each([
  [{ CORS_ORIGINS: '*', CORS_ALLOW_CREDENTIALS: 'true' }, /CORS_ORIGINS.*is \* where CORS_ALLOW_CREDENTIALS/],
  [{ CORS_ORIGINS: `*,${APP}` }, /names \* and other origins/],
  [{ CORS_ORIGINS: 'null' }, /CORS_ORIGINS/],
  [{ CORS_ORIGINS: 'https://*.example.com' }, /CORS_ORIGINS/],
  [{ CORS_ORIGINS: 'https://app.example.com/path' }, /CORS_ORIGINS/],
])('%j is a fault at start', async (variables, message) => {
  await expect(opened(variables)).rejects.toThrow(message)
})
