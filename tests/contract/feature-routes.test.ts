import { randomBytes } from 'node:crypto'
import { text } from 'drizzle-orm/pg-core'
import {
  createPlinth,
  defineResource,
  resourceTable,
  silentLogger,
  type Answer,
  type Feature,
  type Plinth,
  type PublicRoute,
} from '@plinth/core'
import { embedded } from '@plinth/postgres'
import { expect, test } from 'vitest'
import { z } from 'zod'

const reports = resourceTable('reports', { name: text().notNull() })
/** Nothing here touches a row, so nothing is ever connected. */
const platform = (features: readonly Feature[], basePath = ''): Plinth =>
  createPlinth({
    database: embedded('memory://'),
    resources: [defineResource({ table: reports })],
    features,
    basePath,
    log: silentLogger,
    env: { ENVIRONMENT: 'test', SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}` },
  })
const route = (path: string, handle: PublicRoute['handle'], facts: Partial<PublicRoute> = {}): PublicRoute => ({
  method: 'GET',
  public: true,
  path,
  operationId: path.replaceAll(/\W/g, ''),
  summary: 'A page',
  tag: 'pages',
  origin: 'platform',
  errors: [],
  answers: [{ status: 200, description: 'It' }],
  handle,
  ...facts,
})
const answering = (body: Answer['body'], headers: Answer['headers'] = {}): (() => Answer) => {
  return () => ({ status: 200, headers: { 'content-type': 'application/octet-stream', ...headers }, body })
}
const pages = (...routes: readonly PublicRoute[]): Feature => ({ name: 'pages', routes: () => routes })
const ask = (plinth: Plinth, path: string, init?: RequestInit): Promise<Response> =>
  plinth.fetch(new Request(`http://test${path}`, init))

test('a feature serves text, bytes and streams to anyone', async () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index)
  const stream = (): Answer => answering(new Blob([bytes]).stream())()
  const plinth = platform(
    [pages(route('/text', answering('héllo')), route('/bytes', answering(bytes)), route('/stream', stream))],
    '/tools',
  )
  expect(await (await ask(plinth, '/tools/text')).text()).toBe('héllo')
  expect(new Uint8Array(await (await ask(plinth, '/tools/bytes')).arrayBuffer())).toEqual(bytes)
  expect(new Uint8Array(await (await ask(plinth, '/tools/stream')).arrayBuffer())).toEqual(bytes)
  expect((await ask(plinth, '/bytes')).status).toBe(404)
})

test('HEAD answers the headers, and ends the stream that nobody reads', async () => {
  let cancelled = false
  const body = (): Answer =>
    answering(new ReadableStream<Uint8Array>({ cancel: () => void (cancelled = true) }), { etag: '"1"' })()
  const response = await ask(platform([pages(route('/stream', body))]), '/stream', { method: 'HEAD' })
  expect([response.status, response.headers.get('etag'), await response.text()]).toEqual([200, '"1"', ''])
  expect(cancelled).toBe(true)
})

test('an answer to anyone does not vary by credentials, one to somebody does', async () => {
  const plinth = platform([pages(route('/page', answering('', { vary: 'Accept' })), route('/other', answering('')))])
  expect((await ask(plinth, '/page')).headers.get('vary')).toBe('Accept')
  expect((await ask(plinth, '/other')).headers.get('vary')).toBeNull()
  expect((await ask(plinth, '/other')).headers.get('x-content-type-options')).toBe('nosniff')
  expect((await ask(plinth, '/nowhere')).headers.get('vary')).toContain('Authorization')
})

test('a public route has its query and its body, read and judged like any other', async () => {
  const echo = route('/echo', ({ body, search }) => answering(JSON.stringify({ body, search }))(), {
    method: 'POST',
    body: { schema: z.unknown() },
  })
  const plinth = platform([pages(echo)])
  const post = (body: string, type = 'application/json'): Promise<Response> =>
    ask(plinth, '/echo?a=1', { method: 'POST', body, headers: { 'content-type': type } })
  expect(await (await post('{"a":[1]}')).json()).toEqual({ body: { a: [1] }, search: 'a=1' })
  expect((await post('{')).status).toBe(400)
  expect((await post('{}', 'text/plain')).status).toBe(415)
  expect((await ask(plinth, '/echo')).status).toBe(405)
})

test('routes are made once, from what the platform is', async () => {
  const made: unknown[] = []
  const feature: Feature = {
    name: 'pages',
    routes({ basePath, root, title, registry }) {
      made.push([basePath, root, title, registry.resources.map(({ name }) => name)])
      return []
    },
  }
  const plinth = platform([feature], '/tools')
  await ask(plinth, '/tools/api/v1')
  plinth.openapi()
  expect(made).toEqual([['/tools', true, 'Plinth', ['report']]])
})

test('a path or an operation id that is taken is a fault at start, and all are told at once', () => {
  const empty = answering(null)
  const start = (): Plinth =>
    platform([
      pages(
        route('/health', empty, { unlisted: true }),
        route('/api/v1/reports/:name', empty),
        route('/pages/:id', empty),
        route('/pages/:name', empty),
        route('/ids', empty, { operationId: 'listReport' }),
        route('no-slash', empty),
        route('/spaces in it', empty),
        route('/error', empty, { errors: ['not_registered'] }),
      ),
    ])
  expect(start).toThrow(
    new RegExp(
      [
        'GET /health: is served by the platform already',
        'GET /api/v1/reports/:name: is served by resource report already',
        'GET /pages/:name: is served by feature pages already',
        "GET /ids: has the operationId 'listReport' of GET /api/v1/reports",
        'GET no-slash: is no path',
        'GET /spaces in it: is no path',
        'GET /error: names the unknown error not_registered',
      ]
        .map((fault) => `(?=[^]*${fault})`)
        .join(''),
    ),
  )
})

test('an error code has one meaning and stands in a URL', () => {
  const feature = (name: string, code: string): Feature => ({
    name,
    errors: { [code]: { status: 400, title: 'No', help: 'No.' } },
  })
  const start = (): Plinth =>
    platform([feature('a', 'twice'), feature('b', 'twice'), feature('c', 'not_found'), feature('d', 'No/Code')])
  expect(start).toThrow(
    /(?=[^]*feature b.errors.twice: is an error of feature a already)(?=[^]*c.errors.not_found: is an error of the platform already)(?=[^]*No\/Code: is no code)/,
  )
})

test('a command has two words, and one feature that brings it', () => {
  const feature = (name: string, command: string, option = 'name'): Feature => ({
    name,
    commands: [
      {
        name: command,
        summary: 'x',
        options: { [option]: { type: 'string', description: 'x' } },
        run: () => Promise.resolve({}),
      },
    ],
  })
  const start = (): Plinth =>
    platform([
      feature('a', 'user:make'),
      feature('b', 'user:make'),
      feature('c', 'make'),
      feature('d', 'keys:rotate'),
      feature('e', 'user:end', 'json'),
    ])
  expect(start).toThrow(
    /(?=[^]*b.commands.user:make: is a command of feature a already)(?=[^]*c.commands.make: is no name of a command)(?=[^]*keys:rotate: is a command of the command line already)(?=[^]*options.json: is no option)/,
  )
})

test('OpenAPI describes answers of several media types', () => {
  const csv = route('/api/v1/csv', answering(''), {
    answers: [
      { status: 200, description: 'Rows', schema: z.object({ n: z.int() }), example: { n: 1 } },
      { status: 200, description: 'Rows', contentType: 'text/csv', example: 'n\r\n1\r\n', headers: ['ETag'] },
      { status: 200, description: 'A picture', contentType: 'image/png' },
      { status: 304, description: 'Unchanged' },
    ],
  })
  const { paths } = platform([pages(csv)]).openapi() as unknown as {
    paths: Record<
      string,
      { get: { responses: Record<string, { description: string; content: object; headers: object }> } }
    >
  }
  const { 200: ok, 304: unchanged } = paths['/api/v1/csv']!.get.responses
  expect(ok!.description).toBe('Rows; A picture')
  expect(Object.keys(ok!.headers)).toEqual(
    expect.arrayContaining(['ETag', 'X-Request-Id', 'RateLimit', 'RateLimit-Policy']),
  )
  expect(ok!.content).toMatchObject({
    'application/json': { example: { n: 1 }, schema: { type: 'object' } },
    'text/csv': { schema: { type: 'string' }, example: 'n\r\n1\r\n' },
    'image/png': { schema: {} },
  })
  expect(unchanged).not.toHaveProperty('content')
})
