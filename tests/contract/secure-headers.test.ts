import { randomBytes } from 'node:crypto'
import { text } from 'drizzle-orm/pg-core'
import { defineResource, resourceTable } from '@plinth/core'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { openPlatform, tokenOf, type OpenPlatform } from './open-platform.ts'

const things = resourceTable('things', { name: text().notNull() })
const SECRET_KEYS = `k1:${randomBytes(32).toString('base64')}`
let platform: OpenPlatform
beforeAll(async () => {
  platform = await openPlatform(inject('postgresUrl'), [defineResource({ table: things })], [], {
    env: { ENVIRONMENT: 'production', SECRET_KEYS, TRUSTED_PROXIES: '10.0.0.0/8' },
  })
})
afterAll(() => platform.close())

const ask = (method: string, path: string, headers: Record<string, string> = {}, secure = false): Promise<Response> =>
  platform.plinth.fetch(new Request(`http://test${path}`, { method, headers }), { address: '10.0.0.1', secure })
const authorization = `Bearer ${tokenOf('acme')}`

test.each([
  ['rows', 'GET', '/api/v1/things', 200],
  ['an export', 'GET', '/api/v1/things?format=csv', 200],
  ['an error', 'GET', '/api/v1/things/none', 404],
  ['no route', 'GET', '/nowhere', 404],
  ['health', 'GET', '/health', 200],
  ['the document', 'GET', '/openapi.json', 200],
  ['OPTIONS', 'OPTIONS', '/api/v1/things', 204],
  ['HEAD', 'HEAD', '/api/v1/things', 200],
])('%s: nothing of it may be sniffed, framed, run, or loaded from elsewhere', async (_name, method, path, status) => {
  const answer = await ask(method, path, { authorization })
  expect(answer.status).toBe(status)
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
  })
})

test('a page keeps a policy of its own', async () => {
  const page = await ask('GET', '/docs/errors/not_found', { accept: 'text/html' })
  expect(page.headers.get('content-type')).toContain('text/html')
  expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src .*frame-ancestors 'none'/)
  expect(page.headers.get('x-frame-options')).toBe('DENY')
})

test('HSTS where the client came by TLS, also by way of a trusted proxy', async () => {
  const told = async (headers: Record<string, string>, secure: boolean): Promise<string | null> =>
    (await ask('GET', '/health/live', headers, secure)).headers.get('strict-transport-security')
  expect(await told({}, true)).toBe('max-age=31536000')
  expect(await told({}, false)).toBeNull()
  expect(await told({ 'x-forwarded-for': '203.0.113.5', 'x-forwarded-proto': 'https' }, false)).toBe('max-age=31536000')
  expect(await told({ 'x-forwarded-for': '203.0.113.5', 'x-forwarded-proto': 'http' }, true)).toBeNull()
})

test('not in development, where it would bind every other project on localhost', async () => {
  const own = await openPlatform(inject('postgresUrl'), [defineResource({ table: things })], [], {
    env: { ENVIRONMENT: 'development', SECRET_KEYS },
  })
  try {
    const answer = await own.plinth.fetch(new Request('https://localhost/health/live'))
    expect(answer.headers.has('strict-transport-security')).toBe(false)
  } finally {
    await own.close()
  }
})
