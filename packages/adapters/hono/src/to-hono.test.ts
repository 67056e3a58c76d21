import { Hono } from 'hono'
import { expect, test } from 'vitest'
import { toHono } from './to-hono.ts'

/** A platform of one path, which shows what reaches it. */
const platform = (basePath = '', notFound: 'host' | 'plinth' = 'host') => ({
  basePath,
  notFound,
  knows: (path: string) => path === `${basePath}/api/v1/sites`,
  fetch: async (request: Request) =>
    Response.json(
      { method: request.method, url: request.url, body: await request.text() },
      { headers: { 'x-from': 'plinth' } },
    ),
})

test('a request reaches the platform as it came, and the answer comes back as it was', async () => {
  const app = new Hono().route('/', toHono(platform()))
  const response = await app.request('http://host/api/v1/sites?a=%20b', { method: 'POST', body: 'x' })
  expect(response.headers.get('x-from')).toBe('plinth')
  expect(await response.json()).toEqual({ method: 'POST', url: 'http://host/api/v1/sites?a=%20b', body: 'x' })
})

test('what no Plinth route matches goes on to the host, before and after the mount', async () => {
  const app = new Hono()
  app.get('/before', (context) => context.text('before'))
  app.route('/', toHono(platform()))
  app.get('/after', (context) => context.text('after'))
  app.notFound((context) => context.text('nothing here', 404))
  expect(await (await app.request('/before')).text()).toBe('before')
  expect(await (await app.request('/after')).text()).toBe('after')
  expect(await (await app.request('/else')).text()).toBe('nothing here')
})

test("notFound: 'plinth' answers everything itself", async () => {
  const app = new Hono().route('/', toHono(platform('', 'plinth')))
  expect((await app.request('/else')).headers.get('x-from')).toBe('plinth')
})

test('with a base path, mounted at the root or at that path', async () => {
  for (const mount of ['/', '/tools']) {
    const app = new Hono().route(mount, toHono(platform('/tools')))
    expect((await app.request('/tools/api/v1/sites')).headers.get('x-from')).toBe('plinth')
  }
})

test('mounted under another prefix, the first request fails and names both', async () => {
  const app = new Hono().route('/other', toHono(platform('/tools')))
  let message = ''
  app.onError((error, context) => {
    message = error.message
    return context.text('', 500)
  })
  expect((await app.request('/other/api/v1/sites')).status).toBe(500)
  expect(message).toContain("'/other'")
  expect(message).toContain("'/tools'")
})
