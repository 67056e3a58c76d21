import { integer, text } from 'drizzle-orm/pg-core'
import { createPlinth, defineResource, resourceTable, silentLogger } from '@plinth/core'
import { embedded } from '@plinth/postgres'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { openPlatform, type OpenPlatform } from './open-platform.ts'

const things = resourceTable('things', { name: text().notNull(), size: integer() })
const thing = defineResource({ table: things })
let platform: OpenPlatform
let call: OpenPlatform['call']
let id: string
beforeAll(async () => {
  platform = await openPlatform(inject('postgresUrl'), [thing])
  call = platform.call
  id = (await call('acme', 'POST', '/api/v1/things', { name: 'x' })).json['id'] as string
})
afterAll(() => platform.close())

const bad = '{"name":' // no JSON
const long = `/api/v1/things?search=${'x'.repeat(9_000)}`

// Each request is wrong in several ways; the answer is that of the first check.
test.each([
  ['a body too large, before all else', undefined, 'POST', '/nowhere', 'x'.repeat(1_048_577), {}, 413],
  ['a URL too long, before the route', undefined, 'GET', `/nowhere${long}`, undefined, {}, 414],
  ['headers too large', undefined, 'GET', '/nowhere', undefined, { 'x-long': 'y'.repeat(40_000) }, 431],
  ['no route, before the credential', undefined, 'POST', '/api/v1/nowhere', bad, {}, 404],
  ['method not allowed, before the credential', undefined, 'PATCH', '/api/v1/things', bad, {}, 405],
  ['no credential, before the body', undefined, 'POST', '/api/v1/things', bad, {}, 401],
  ['a wrong credential', undefined, 'POST', '/api/v1/things', bad, { authorization: 'Bearer nobody' }, 401],
  ['another scheme', undefined, 'POST', '/api/v1/things', bad, { authorization: 'Basic eDp5' }, 401],
  [
    'a key that nobody reads is wrong, not nobody',
    undefined,
    'GET',
    '/api/v1/things',
    undefined,
    { 'x-api-key': 'x' },
    401,
  ],
  ['another tenant, before the permission', 'reader', 'POST', '/api/v1/things', bad, { 'x-tenant-id': 'beta' }, 403],
  ['no permission on any row, before the body', 'reader', 'POST', '/api/v1/things', bad, {}, 403],
  ['content type, before the syntax', 'acme', 'POST', '/api/v1/things', bad, { 'content-type': 'text/plain' }, 415],
  ['charset', 'acme', 'POST', '/api/v1/things', '{}', { 'content-type': 'application/json; charset=latin1' }, 415],
  ['syntax', 'acme', 'POST', '/api/v1/things', bad, {}, 400],
  ['schema, before the row', 'acme', 'PATCH', `/api/v1/things/${crypto.randomUUID()}`, '{"name":1}', {}, 400],
  ['query, before the row', 'acme', 'GET', `/api/v1/things/${crypto.randomUUID()}?nope=1`, undefined, {}, 400],
  [
    'the row, before its version',
    'acme',
    'PATCH',
    `/api/v1/things/${crypto.randomUUID()}`,
    '{"name":"y"}',
    { 'if-match': '"9-abcdef"' },
    404,
  ],
  ['an id that is none', 'acme', 'GET', '/api/v1/things/new', undefined, {}, 404],
])('%s', async (_name, who, method, path, body, headers, status) => {
  const answer = await call(who, method, path, body, headers)
  expect(answer.status).toBe(status)
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  expect(answer.json).toMatchObject({
    status,
    code: expect.any(String),
    title: expect.any(String),
    requestId: answer.headers.get('x-request-id'),
  })
  expect(answer.json['type']).toBe(`/docs/errors/${String(answer.json['code'])}`)
  if (status === 401) expect(answer.headers.get('www-authenticate')).toBe('Bearer')
})

test('412 for a version that has passed', async () => {
  expect((await call('acme', 'PATCH', `/api/v1/things/${id}`, { size: 1 }, { 'if-match': '"9-abcdef"' })).status).toBe(
    412,
  )
})

test('a well-formed request id is kept, any other is replaced', async () => {
  const kept = await call('acme', 'GET', '/api/v1/things', undefined, { 'x-request-id': 'client-request-1' })
  expect(kept.headers.get('x-request-id')).toBe('client-request-1')
  const replaced = await call('acme', 'GET', '/api/v1/things', undefined, { 'x-request-id': 'x y<script>' })
  expect(replaced.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
})

test('X-Tenant-ID may name the own tenant by slug or id', async () => {
  const own = await platform.stored("select id from plinth.tenants where slug = 'acme'")
  for (const wanted of ['acme', String(own[0]?.['id'])]) {
    expect((await call('acme', 'GET', '/api/v1/things', undefined, { 'x-tenant-id': wanted })).status).toBe(200)
  }
  const [real, unreal] = [
    await call('acme', 'GET', '/api/v1/things', undefined, { 'x-tenant-id': 'beta' }),
    await call('acme', 'GET', '/api/v1/things', undefined, { 'x-tenant-id': 'nobody' }),
  ]
  expect({ ...real.json, requestId: '' }).toEqual({ ...unreal.json, requestId: '' })
})

test('a suspended tenant is 423 within a second', async () => {
  const answers = async (status: string): Promise<unknown[]> => {
    await platform.stored(`update plinth.tenants set status = '${status}' where slug = 'beta'`)
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    const [read, written] = [
      await call('beta', 'GET', '/api/v1/things'),
      await call('beta', 'POST', '/api/v1/things', { name: 'x' }),
    ]
    return [read.status, written.json.code]
  }
  // May still be read.
  expect(await answers('suspended')).toEqual([200, 'tenant_suspended'])
  for (const status of ['closed', 'pending_deletion']) expect(await answers(status)).toEqual([423, 'tenant_suspended'])
  await platform.stored("update plinth.tenants set status = 'active' where slug = 'beta'")
})

test('without any reader of credentials nobody gets in, whatever is shown', async () => {
  const plinth = createPlinth({
    database: embedded('memory://'),
    resources: [thing],
    log: silentLogger,
    env: { ENVIRONMENT: 'development', DATA_DIR: '.plinth' },
  })
  await plinth.migrate()
  for (const route of plinth.routes.filter((each) => !each.public)) {
    for (const headers of [{}, { authorization: 'Bearer x' }, { 'x-api-key': 'x' }, { cookie: 'session_id=x' }]) {
      const response = await plinth.fetch(
        new Request(`http://test${route.path.replace(':id', id)}`, { method: route.method, headers }),
      )
      expect(response.status, `${route.method} ${route.path}`).toBe(401)
    }
  }
  await plinth.close()
}, 60_000)
