import { createHash, randomBytes } from 'node:crypto'
import { text } from 'drizzle-orm/pg-core'
import {
  coreErrors,
  createPlinth,
  defineResource,
  PlinthError,
  resourceTable,
  silentLogger,
  type Feature,
  type Plinth,
  type PlinthOptions,
} from '@plinth/core'
import { embedded } from '@plinth/postgres'
import { expect, test } from 'vitest'

const declined = { status: 402, title: 'The <b>card</b> was declined', help: 'Use `another` card & try "again".' }
const failing = (path: string, error: PlinthError): ReturnType<NonNullable<Feature['routes']>>[number] => ({
  method: 'GET',
  public: true,
  path,
  operationId: path.slice(1),
  summary: 'Fails',
  tag: 'pages',
  origin: 'platform',
  errors: [],
  answers: [],
  unlisted: true,
  handle: () => Promise.reject(error),
})
const shop: Feature = {
  name: 'shop',
  errors: { card_declined: declined },
  routes: () => [
    failing('/declined', new PlinthError('card_declined', declined)),
    failing('/unregistered', new PlinthError('sold_out', { status: 409, title: 'Sold out', help: 'Wait.' })),
  ],
}
const platform = (options: Partial<PlinthOptions> = {}): Plinth =>
  createPlinth({
    database: embedded('memory://'),
    resources: [defineResource({ table: resourceTable('things', { name: text() }) })],
    features: [shop],
    title: 'Shop & Co',
    log: silentLogger,
    env: { ENVIRONMENT: 'test', SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}` },
    ...options,
  })
const ask = (
  plinth: Plinth,
  path: string,
  accept = 'text/html',
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> => plinth.fetch(new Request(new URL(path, 'http://test'), { headers: { accept, ...headers } }))

const codes = [...Object.keys(coreErrors), 'card_declined']

test.each([{}, { root: false }, { basePath: '/tools' }, { basePath: '/a/b', root: false }])(
  'every code of the core and of features is explained, with %j',
  async (options: Partial<PlinthOptions>) => {
    const plinth = platform(options)
    const base = options.basePath ?? ''
    const index = await (await ask(plinth, `${base}/docs/errors`)).text()
    for (const code of codes) {
      const page = await ask(plinth, `${base}/docs/errors/${code}`)
      expect([code, page.status, page.headers.get('content-type')]).toEqual([code, 200, 'text/html; charset=utf-8'])
      expect(await page.text()).toContain(`<code>${code}</code>`)
      expect(index).toContain(`href="${base}/docs/errors/${code}"`)
      expect(plinth.knows(`${base}/docs/errors/${code}`)).toBe(true)
    }
  },
)

test('the type of an error that was answered leads to its page', async () => {
  const plinth = platform({ basePath: '/tools' })
  for (const [path, accept] of [
    ['/tools/declined', 'text/html'],
    ['/tools/api/v1/nothing', 'text/html'],
    ['/tools/docs/errors/nothing', 'application/json'],
  ] as const) {
    const problem = (await (await ask(plinth, path, accept)).json()) as { type: string; code: string; title: string }
    const page = await ask(plinth, problem.type)
    expect(page.status, problem.type).toBe(200)
    expect(await page.text()).toContain(`<code>${problem.code}</code>`)
  }
})

test('an error that nobody registered has no page, and its type claims none', async () => {
  const problem = await (await ask(platform(), '/unregistered')).json()
  expect(problem).toMatchObject({ type: 'about:blank', code: 'sold_out', status: 409 })
})

test('what comes from features is text on the page, never markup', async () => {
  const page = await (await ask(platform(), '/docs/errors/card_declined')).text()
  expect(page).toContain('<h1>The &lt;b&gt;card&lt;/b&gt; was declined</h1>')
  expect(page).toContain('<p>Use <code>another</code> card &amp; try &quot;again&quot;.</p>')
  expect(page).toContain('402 Payment Required')
  expect(page).toContain('<title>The &lt;b&gt;card&lt;/b&gt; was declined · Shop &amp; Co</title>')
})

test('a page runs no script, loads nothing, and is framed by nobody', async () => {
  for (const path of ['/docs/errors', '/docs/errors/not_found', '/docs/errors/nothing']) {
    const response = await ask(platform(), path)
    const page = await response.text()
    const style = /<style>([^]*)<\/style>/.exec(page)![1]!
    const hash = createHash('sha256').update(style).digest('base64')
    expect(response.headers.get('content-security-policy')).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    )
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    expect(page).not.toMatch(/<script|style=|\son\w+=|src=/)
  }
})

test('programs get JSON', async () => {
  const plinth = platform({ errorTypeBase: 'https://docs.example.com' })
  const one = await ask(plinth, '/docs/errors/card_declined', 'application/json')
  expect(one.headers.get('content-type')).toBe('application/json')
  expect(await one.json()).toEqual({
    code: 'card_declined',
    ...declined,
    type: 'https://docs.example.com/docs/errors/card_declined',
    example: expect.objectContaining({ status: 402, code: 'card_declined' }),
  })
  const all = (await (await ask(plinth, '/docs/errors', 'application/json')).json()) as { errors: { code: string }[] }
  expect(all.errors.map(({ code }) => code)).toEqual(codes)
})

test('an unknown code is a friendly 404 that repeats nothing of the link', async () => {
  const page = await ask(platform(), '/docs/errors/%3Cscript%3Ealert(1)%3C%2Fscript%3E')
  expect(page.status).toBe(404)
  const words = await page.text()
  expect(words).toContain('There is no error of this name')
  expect(words).not.toMatch(/script|alert/)
  const json = await ask(platform(), '/docs/errors/toString', 'application/json')
  expect([json.status, ((await json.json()) as { code: string }).code]).toEqual([404, 'not_found'])
})

test('any cache may keep it, for both who read and who parse, and asks again by its tag', async () => {
  const plinth = platform()
  const first = await ask(plinth, '/docs/errors/not_found')
  expect(first.headers.get('cache-control')).toBe('public, no-cache')
  expect(first.headers.get('vary')).toBe('Accept')
  const etag = first.headers.get('etag')!
  const again = await ask(plinth, '/docs/errors/not_found', 'text/html', { 'if-none-match': `W/${etag}` })
  expect([again.status, await again.text(), again.headers.get('etag')]).toEqual([304, '', etag])
  const json = await ask(plinth, '/docs/errors/not_found', 'application/json', { 'if-none-match': etag })
  expect(json.status).toBe(200)
})
