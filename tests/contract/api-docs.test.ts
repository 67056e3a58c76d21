import { createHash, randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { text } from 'drizzle-orm/pg-core'
import { apiDocs } from '@plinth/api-docs'
import {
  createPlinth,
  defineResource,
  resourceTable,
  silentLogger,
  type Plinth,
  type PlinthOptions,
} from '@plinth/core'
import { embedded } from '@plinth/postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hosts, type Host } from '../adapters/hosts.ts'

const folder = join(import.meta.dirname, '../../packages/surfaces/api-docs/assets')
const platform = (options: Partial<PlinthOptions> = {}): Plinth =>
  createPlinth({
    database: embedded('memory://'),
    resources: [defineResource({ table: resourceTable('things', { name: text() }) })],
    features: [apiDocs()],
    title: 'Look <out>',
    log: silentLogger,
    env: { ENVIRONMENT: 'test', SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}` },
    ...options,
  })
const ask = (plinth: Plinth, path: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
  plinth.fetch(new Request(new URL(path, 'http://test'), { headers }))
const linked = (page: string): string[] =>
  [...page.matchAll(/(?:src|href)="(\/[^"]*\.(?:js|css))"/g)].map(([, url]) => url!)

const pages = ['/docs', '/redoc', '/api/v1/docs', '/api/v1/redoc', '/api/docs']

test.each(['', '/tools'])('the pages and all that they load are there, at the base path "%s"', async (basePath) => {
  const plinth = platform({ basePath })
  for (const path of pages) {
    const response = await ask(plinth, `${basePath}${path}`)
    expect([path, response.status, response.headers.get('content-type')]).toEqual([
      path,
      200,
      'text/html; charset=utf-8',
    ])
    const page = await response.text()
    expect(page).toContain('<title>Look &lt;out&gt; · ')
    const document = /data-document="([^"]*)"/.exec(page)![1]!
    expect((await (await ask(plinth, document)).json()) as object).toHaveProperty('openapi', '3.1.0')
    const assets = linked(page)
    expect(assets.length).toBeGreaterThan(2)
    for (const url of assets) {
      const asset = await ask(plinth, url)
      expect([url, asset.status]).toEqual([url, 200])
      expect(asset.headers.get('content-type')).toBe(
        url.endsWith('.js') ? 'text/javascript; charset=utf-8' : 'text/css; charset=utf-8',
      )
      expect(asset.headers.get('x-content-type-options')).toBe('nosniff')
    }
  }
})

test('a page runs no script but files of its own origin, and names no other', async () => {
  for (const path of ['/docs', '/redoc']) {
    const response = await ask(platform(), path)
    const page = await response.text()
    const policy = response.headers.get('content-security-policy')!
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'")
    expect(policy).toContain("base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
    expect(policy).not.toMatch(/unsafe|https?:|\*/)
    expect(page.replaceAll(/<script defer src="[^"]*"><\/script>/g, '')).not.toMatch(/<script|<style|style=|\son\w+=/)
    expect(page).not.toMatch(/https?:\/\//)
    expect(response.headers.get('referrer-policy')).toBe('no-referrer')
  }
})

test('an asset is kept for ever under a name that holds its hash', async () => {
  const plinth = platform()
  for (const url of linked(await (await ask(plinth, '/docs')).text())) {
    const plain = await ask(plinth, url)
    const bytes = Buffer.from(await plain.arrayBuffer())
    expect(url).toContain(createHash('sha256').update(bytes).digest('hex').slice(0, 12))
    expect(plain.headers.get('content-encoding')).toBeNull()
    const zipped = await ask(plinth, url, { 'accept-encoding': 'br;q=1.0, gzip;q=0.8, *;q=0.1' })
    expect(zipped.headers.get('vary')).toBe('Accept-Encoding')
    if (zipped.headers.get('content-encoding') === 'gzip') {
      expect(gunzipSync(Buffer.from(await zipped.arrayBuffer())).equals(bytes)).toBe(true)
      expect(zipped.headers.get('etag')).not.toBe(plain.headers.get('etag'))
    }
    expect((await ask(plinth, url, { 'accept-encoding': 'gzip;q=0' })).headers.get('content-encoding')).toBeNull()
    expect(plain.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    const again = await ask(plinth, url, { 'if-none-match': plain.headers.get('etag')! })
    expect([again.status, await again.text()]).toEqual([304, ''])
  }
})

test('nothing else of the folder is served, whatever the path says', async () => {
  const plinth = platform({ notFound: 'plinth' })
  const below = '/api/v1/docs/assets'
  const tried = [
    ...readdirSync(folder),
    '',
    '.',
    '..',
    '../vendor.json',
    '..%2fvendor.json',
    '%2e%2e/vendor.json',
    '..%5cvendor.json',
    '....//vendor.json',
    '%00',
    '/etc/passwd',
    '%2fetc%2fpasswd',
  ]
  for (const name of tried) {
    const response = await plinth.fetch({
      url: `http://test${below}/${name}`,
      method: 'GET',
      headers: new Headers(),
    } as Request)
    expect([name, response.status]).toEqual([name, 404])
  }
})

test('with root: false nothing of it is at the root, and all the rest works', async () => {
  const plinth = platform({ root: false })
  for (const path of ['/docs', '/redoc']) expect(plinth.knows(path)).toBe(false)
  for (const path of ['/api/v1/docs', '/api/v1/redoc']) {
    const page = await (await ask(plinth, path)).text()
    for (const url of linked(page)) expect((await ask(plinth, url)).status).toBe(200)
  }
  expect((await ask(plinth, '/docs/errors/not_found')).status).toBe(200)
})

test('the greeting leads there, and only where it is', async () => {
  const links = async (plinth: Plinth): Promise<object> => {
    const { links: found } = (await (await ask(plinth, `${plinth.basePath}/api/v1`)).json()) as { links: object }
    return found
  }
  expect(await links(platform({ basePath: '/tools' }))).toMatchObject({
    docs: '/tools/api/v1/docs',
    redoc: '/tools/api/v1/redoc',
    errors: '/tools/docs/errors',
  })
  expect(Object.keys(await links(platform({ features: [] })))).toEqual(['health', 'openapi', 'errors'])
})

test('it is not in OpenAPI, which tells of the API alone', () => {
  expect(platform().openapi()).toEqual(platform({ features: [] }).openapi())
})

describe('what is vendored', () => {
  const manifest = JSON.parse(readFileSync(join(folder, 'vendor.json'), 'utf8')) as readonly Record<string, string>[]

  test('has the bytes that the manifest says', () => {
    for (const { file, sha256 } of manifest) {
      const bytes = gunzipSync(readFileSync(join(folder, `${file}.gz`)))
      expect([file, createHash('sha256').update(bytes).digest('hex')]).toEqual([file, sha256])
    }
  })

  test('was changed in one place: the picture that ReDoc fetched from elsewhere', () => {
    const changed = manifest.filter((each) => each['sha256'] !== each['sha256OfOriginal'])
    expect(changed.map(({ file }) => file)).toEqual(['redoc.standalone.js'])
    const served = gunzipSync(readFileSync(join(folder, 'redoc.standalone.js.gz'))).toString('utf8')
    expect(served).not.toContain('cdn.redoc')
    const original = served.replace('alt:"redocly logo",onError:()=>t(!1),src:"data:,"', (text) =>
      text.replace('data:,', 'https://cdn.redoc.ly/redoc/logo-mini.svg'),
    )
    expect(createHash('sha256').update(original).digest('hex')).toBe(changed[0]!['sha256OfOriginal'])
  })

  test('comes with its licences', () => {
    const files = readdirSync(folder)
    for (const name of ['swagger-ui.LICENSE.txt', 'swagger-ui.NOTICE.txt', 'redoc.LICENSE.txt']) {
      expect(files).toContain(name)
    }
  })
})

describe.each(Object.keys(hosts) as (keyof typeof hosts)[])('on %s', (name) => {
  let host: Host
  beforeAll(async () => {
    host = await hosts[name](platform())
  })
  afterAll(() => host.close())

  test('pages, bytes and what is compressed arrive as they are', async () => {
    const page = await fetch(`${host.url}/docs`)
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'")
    for (const url of linked(await page.text())) {
      const bytes = Buffer.from(await (await fetch(`${host.url}${url}`)).arrayBuffer()) // fetch takes gzip and undoes it
      expect(url).toContain(createHash('sha256').update(bytes).digest('hex').slice(0, 12))
    }
    expect((await fetch(`${host.url}/docs/errors/not_found`)).status).toBe(200)
    expect((await fetch(`${host.url}/redoc`, { method: 'HEAD' })).status).toBe(200)
  })
})
