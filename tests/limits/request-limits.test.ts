import { text } from 'drizzle-orm/pg-core'
import {
  defineResource,
  resourceTable,
  type Feature,
  type Peer,
  type Principal,
  type RateLimitOptions,
} from '@plinth/core'
import { parseList } from 'structured-headers'
import { afterEach, describe, expect, inject, test } from 'vitest'
import { z } from 'zod'
import { openPlatform, tokenOf, type OpenPlatform } from '../contract/open-platform.ts'

const things = resourceTable('things', { name: text().notNull() })
const thing = defineResource({ table: things })

const publicRoute = { method: 'GET', tag: 'about', origin: 'product', public: true, errors: [] } as const
const answers = [{ status: 200, description: 'Yes', schema: z.object({}) }]
/** A public route, and one with a limit of its own. */
const feature: Feature = {
  name: 'open',
  routes: () => [
    {
      ...publicRoute,
      path: '/api/v1/open',
      operationId: 'open',
      summary: 'Open',
      answers,
      handle: () => ({ status: 200, headers: {}, body: '{}' }),
    },
    {
      ...publicRoute,
      method: 'POST',
      path: '/api/v1/sign-up',
      operationId: 'signUp',
      summary: 'Sign up',
      answers,
      limits: [{ name: 'sign-up', by: 'client', capacity: 2, windowSeconds: 3_600 }],
      handle: () => ({ status: 200, headers: {}, body: '{}' }),
    },
  ],
}

let platform: OpenPlatform | undefined
afterEach(async () => {
  await platform?.close()
  platform = undefined
})

interface Asked {
  readonly who?: string
  readonly path?: string
  readonly method?: string
  readonly peer?: Peer | undefined
  readonly headers?: Record<string, string>
}

async function opened(rateLimits: RateLimitOptions) {
  const own = (platform = await openPlatform(inject('postgresUrl'), [thing], [feature], { rateLimits }))
  return async ({ who, path = '/api/v1/things', method = 'GET', headers = {}, ...rest }: Asked = {}) => {
    const peer = 'peer' in rest ? rest.peer : { address: '203.0.113.5' }
    const authorization = who === undefined ? {} : { authorization: `Bearer ${tokenOf(who)}` }
    const request = new Request(`http://test${path}`, { method, headers: { ...authorization, ...headers } })
    return own.plinth.fetch(request, peer)
  }
}

const rate = (capacity: number) => ({ capacity, windowSeconds: 3_600 })
const off = { ip: false, anonymous: false, principal: false, tenant: false } as const

/** `name` → parameters, by a parser of structured fields. */
function fieldOf(response: Response, name: string): Record<string, Record<string, unknown>> {
  const field = response.headers.get(name)
  if (field === null) return {}
  return Object.fromEntries(parseList(field).map(([item, parameters]) => [item, Object.fromEntries(parameters)]))
}

describe('limits of requests', () => {
  test('by default: address, principal, tenant, in headers that parse as structured fields', async () => {
    const ask = await opened({})
    const mine = await ask({ who: 'acme' })
    expect(mine.status).toBe(200)
    expect(fieldOf(mine, 'ratelimit-policy')).toEqual({
      ip: { q: 1_200, w: 60 },
      principal: { q: 600, w: 60 },
      tenant: { q: 1_000, w: 60 },
    })
    expect(fieldOf(mine, 'ratelimit')).toEqual({
      ip: { r: 1_199, t: 1 },
      principal: { r: 599, t: 1 },
      tenant: { r: 999, t: 1 },
    })
    const nobody = await ask()
    expect(nobody.status).toBe(401)
    expect(fieldOf(nobody, 'ratelimit-policy')).toEqual({ ip: { q: 1_200, w: 60 }, anonymous: { q: 300, w: 60 } })
    const open = await ask({ path: '/api/v1/open', who: 'acme' })
    expect(fieldOf(open, 'ratelimit-policy')).toEqual({ ip: { q: 1_200, w: 60 }, anonymous: { q: 300, w: 60 } })
  })

  test('429 says which, and when; it comes before 401 and after 404 and 405', async () => {
    const ask = await opened({ requests: { ...off, ip: rate(3) } })
    const statuses = []
    for (let times = 0; times < 5; times += 1) statuses.push((await ask()).status)
    expect(statuses).toEqual([401, 401, 401, 429, 429])
    const refused = await ask({ who: 'acme' })
    expect(refused.headers.get('content-type')).toBe('application/problem+json')
    expect(await refused.json()).toMatchObject({
      status: 429,
      code: 'rate_limited',
      type: '/docs/errors/rate_limited',
      detail: 'The limit "ip" is 3 requests in 3600 seconds.',
    })
    const wait = Number(refused.headers.get('retry-after'))
    expect(wait).toBeGreaterThan(1_100)
    expect(wait).toBeLessThanOrEqual(1_200)
    expect(fieldOf(refused, 'ratelimit')).toEqual({ ip: { r: 0, t: wait } })
    expect((await ask({ path: '/api/v1/nowhere' })).status).toBe(404)
    expect((await ask({ method: 'PATCH' })).status).toBe(405)
  })

  test('health and OPTIONS are not limited', async () => {
    const ask = await opened({ requests: { ...off, ip: rate(1) } })
    for (const path of ['/health', '/health/live', '/health/ready', '/api/v1/health', '/api/v1/health/live']) {
      for (let times = 0; times < 3; times += 1) expect((await ask({ path })).status).toBe(200)
    }
    for (let times = 0; times < 3; times += 1) {
      const options = await ask({ method: 'OPTIONS' })
      expect([options.status, options.headers.get('ratelimit')]).toEqual([204, null])
    }
    expect((await ask()).status).toBe(401)
  })

  test('one /64 is one sender, whatever it writes into headers; another address is another', async () => {
    const ask = await opened({ requests: { ...off, ip: rate(10) } })
    let answered = 0
    for (let times = 0; times < 200; times += 1) {
      const headers = { 'x-forwarded-for': `198.51.100.${times}`, 'x-real-ip': `198.51.100.${times}` }
      const address = `2001:db8:0:1::${times.toString(16)}`
      if ((await ask({ peer: { address }, headers })).status === 401) answered += 1
    }
    expect(answered).toBe(10)
    expect((await ask({ peer: { address: '2001:db8:0:2::1' } })).status).toBe(401)
    // IPv4 in IPv6 clothes is the same one.
    for (let times = 0; times < 10; times += 1)
      await ask({ peer: { address: times % 2 ? '::ffff:192.0.2.1' : '192.0.2.1' } })
    expect((await ask({ peer: { address: '::ffff:c000:201' } })).status).toBe(429)
    // Nobody said who sent it: a call in process.
    for (let times = 0; times < 20; times += 1) expect((await ask({ peer: undefined })).status).toBe(401)
  })

  test('a principal, and a principal that asks for tenants that are not its own', async () => {
    const ask = await opened({ requests: { ...off, principal: rate(3) } })
    const statuses = []
    for (let times = 0; times < 4; times += 1) statuses.push((await ask({ who: 'acme' })).status)
    expect(statuses).toEqual([200, 200, 200, 429])
    expect((await ask({ who: 'other' })).status).toBe(200)
    const wandering = []
    for (let times = 0; times < 4; times += 1) {
      wandering.push((await ask({ who: 'reader', headers: { 'x-tenant-id': 'beta' } })).status)
    }
    expect(wandering).toEqual([403, 403, 403, 429])
    expect((await ask({ who: 'reader' })).status).toBe(200)
  })

  test('a credential with a rate of its own, beside the others', async () => {
    const acme: { principal?: Principal } = {}
    const keys: Feature = {
      name: 'keys',
      slots: {
        auth: [
          {
            kinds: ['apiKey'],
            read: ({ value }) => acme.principal && { ...acme.principal, id: value, rate: rate(2) },
          },
        ],
      },
    }
    const own = (platform = await openPlatform(inject('postgresUrl'), [thing], [keys], {
      rateLimits: { requests: { ...off, tenant: rate(5) } },
    }))
    acme.principal = await own.principal('acme')
    const statuses = []
    for (const key of ['one', 'one', 'one', 'two', 'two', 'two', 'three', 'three'])
      statuses.push((await own.call(undefined, 'GET', '/api/v1/things', undefined, { 'x-api-key': key })).status)
    expect(statuses).toEqual([200, 200, 429, 200, 200, 429, 200, 429])
  })

  test('a tenant as a whole; what another limit refused is not charged to it', async () => {
    const ask = await opened({ requests: { ...off, principal: rate(4), tenant: rate(6) } })
    const statuses = []
    for (const who of ['acme', 'acme', 'acme', 'acme', 'acme', 'acme', 'other', 'other', 'other'])
      statuses.push((await ask({ who })).status)
    expect(statuses).toEqual([200, 200, 200, 200, 429, 429, 200, 200, 429])
    expect((await ask({ who: 'beta' })).status).toBe(200)
  })

  test('a tenant with rates of its own, set while the platform runs', async () => {
    const ask = await opened({ requests: { ...off, tenant: rate(3) } })
    const { plinth } = platform!
    await plinth.setTenantRates('acme', { tenant: rate(5), principal: rate(4) })
    const answer = await ask({ who: 'acme' })
    expect(fieldOf(answer, 'ratelimit-policy')).toEqual({ principal: { q: 4, w: 3_600 }, tenant: { q: 5, w: 3_600 } })
    const statuses = []
    for (const who of ['acme', 'acme', 'acme', 'acme', 'other', 'other']) statuses.push((await ask({ who })).status)
    expect(statuses).toEqual([200, 200, 200, 429, 200, 429])
    expect(fieldOf(await ask({ who: 'beta' }), 'ratelimit-policy')).toEqual({ tenant: { q: 3, w: 3_600 } })
    await plinth.setTenantRates('acme', { principal: null })
    expect(fieldOf(await ask({ who: 'acme' }), 'ratelimit-policy')).toEqual({ tenant: { q: 5, w: 3_600 } })
    await expect(plinth.setTenantRates('acme', { tenant: { capacity: 0, windowSeconds: 1 } })).rejects.toMatchObject({
      code: 'validation_failed',
      errors: [{ path: '/tenant', code: 'invalid_rate' }],
    })
    await expect(plinth.setTenantRates('nobody', {})).rejects.toMatchObject({ code: 'not_found' })
  })

  test('a limit of one route', async () => {
    const ask = await opened({ requests: { ...off, ip: rate(50) } })
    const statuses = []
    for (let times = 0; times < 3; times += 1)
      statuses.push((await ask({ method: 'POST', path: '/api/v1/sign-up' })).status)
    expect(statuses).toEqual([200, 200, 429])
    expect((await ask({ path: '/api/v1/open' })).status).toBe(200)
    const other = await ask({ method: 'POST', path: '/api/v1/sign-up', peer: { address: '198.51.100.1' } })
    expect(fieldOf(other, 'ratelimit')).toEqual({ ip: { r: 49, t: 72 }, 'sign-up': { r: 1, t: 1_800 } })
  })

  test("guards of the host's routes count as Plinth's own do, and hand the headers on", async () => {
    await opened({ requests: { ...off, ip: rate(4), principal: rate(2) } })
    const guard = platform!.plinth.guard('thing:read')
    const request = (): Request =>
      new Request('http://test/report', { headers: { authorization: `Bearer ${tokenOf('acme')}` } })
    const peer = { address: '203.0.113.5' }
    const first = await guard(request(), peer)
    expect(first.granted?.headers).toMatchObject({ ratelimit: '"ip";r=3;t=900, "principal";r=1;t=1800' })
    await guard(request(), peer)
    expect((await guard(request(), peer)).refused?.status).toBe(429)
    expect((await guard(request(), peer)).refused?.status).toBe(429)
  })

  test('switched off, nothing is counted and nothing said', async () => {
    const ask = await opened({ requests: false })
    for (let times = 0; times < 10; times += 1) {
      const answer = await ask({ method: 'POST', path: '/api/v1/sign-up' })
      expect([answer.status, answer.headers.get('ratelimit')]).toEqual([200, null])
    }
  })

  test('rates that are none are faults at start', async () => {
    const wrong = { ip: { capacity: 0, windowSeconds: 60 }, tenant: { capacity: 1, windowSeconds: 0.5 } }
    await expect(opened({ requests: wrong })).rejects.toThrow(
      /createPlinth\.rateLimits\.requests\.ip[^]*createPlinth\.rateLimits\.requests\.tenant/,
    )
  })
})
