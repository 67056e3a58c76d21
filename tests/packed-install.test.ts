import { randomBytes } from 'node:crypto'
import { globSync, lstatSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDatabase, loginUrl, type TestDatabase } from '@plinth/testing'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { pack } from '../scripts/pack.mjs'
import {
  declarationFaults,
  installInto,
  run,
  runPlinth,
  serve,
  userFiles,
  type Server,
} from './packed-install/install.ts'

/**
 * What the registry would give to a user: the tarballs, in an empty folder, with the code of the first page of the design.
 * In the workspace everything resolves; only here a missing file, dependency, declaration or export is seen.
 */
const folder = mkdtempSync(join(tmpdir(), 'plinth-packed-'))
const project = join(folder, 'project')
const password = 'kestrel over seven quays'
let tarballs: Readonly<Record<string, string>> = {}

beforeAll(async () => {
  tarballs = await pack(join(folder, 'tarballs'))
  await installInto(project, tarballs)
  // Of a registry that is slow, to a machine that has nothing kept yet.
}, 900_000)
afterAll(async () => {
  rmSync(folder, { recursive: true })
})

test('npm installs each package once, from its tarball', () => {
  const found = globSync('**/node_modules/@plinth/*', { cwd: project }).sort()
  expect(found).toEqual(
    Object.keys(tarballs)
      .map((name) => join('node_modules', name))
      .sort(),
  )
  expect(found.filter((each) => lstatSync(join(project, each)).isSymbolicLink())).toEqual([])
})

test('each package can be imported', async () => {
  const script = Object.keys(tarballs)
    .map((name) => `await import('${name}')`)
    .join('\n')
  await run(process.execPath, ['--input-type=module', '-e', script], project)
})

test('the documentation brings the files that it serves', async () => {
  const script = `
    import { apiDocs } from '@plinth/api-docs'
    const routes = apiDocs().routes({ title: '', version: '', basePath: '', root: true, registry: {} })
    for (const route of routes) {
      const { status, body } = await route.handle({ headers: {}, parameters: {}, search: '' })
      if (status !== 200 || body.length < 300) throw new Error(route.path)
    }
    if (routes.length < 9) throw new Error('too few: ' + routes.map(({ path }) => path))`
  await run(process.execPath, ['--input-type=module', '-e', script], project)
})

test('the code of the design page compiles as it stands', async () => {
  expect(Object.keys(userFiles())).toEqual([
    'schema.ts',
    'project.ts',
    'server.ts',
    'listen.ts',
    'listenExpress.ts',
    'listenFastify.ts',
  ])
  await run(join(project, 'node_modules/.bin/tsc'), ['-p', '.'], project)
}, 120_000)

test('the program runs from where npm links it', async () => {
  const { version } = JSON.parse(readFileSync(join(project, 'node_modules/@plinth/cli/package.json'), 'utf8')) as {
    version: string
  }
  expect(await runPlinth(project, ['--version'], {})).toEqual({ code: 0, said: `${version}\n` })
  // Nothing answers at this URL: the routes are told without a database.
  const config = `
    import { createPlinth } from '@plinth/core'
    import { postgres } from '@plinth/postgres'
    import { project, site } from './dist/project.js'
    export const plinth = createPlinth({ database: postgres(process.env.DATABASE_URL), resources: [site, project] })`
  writeFileSync(join(project, 'plinth.config.js'), config)
  const { code, said } = await runPlinth(project, ['routes', '--json'], {
    ENVIRONMENT: 'test',
    DATABASE_URL: 'postgres://plinth_app@127.0.0.1:1/none',
    SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}`,
  })
  expect(code, said).toBe(0)
  expect(JSON.parse(said)).toMatchObject({
    command: 'routes',
    ok: true,
    routes: expect.arrayContaining([
      expect.objectContaining({ method: 'POST', path: '/api/v1/projects/:id/archive', permission: 'project:archive' }),
    ]) as unknown,
  })
}, 120_000)

test('and the declarations that it is checked against are sound', async () => {
  expect(await declarationFaults(project, Object.keys(tarballs))).toEqual([])
}, 120_000)

describe.each([
  ['Hono', 'listen'],
  ['Express', 'listenExpress'],
  ['Fastify', 'listenFastify'],
])('served over HTTP by %s', (_name, program) => {
  let database: TestDatabase
  let server: Server | undefined
  let env: Readonly<Record<string, string>> = {}

  beforeAll(async () => {
    database = await createDatabase(inject('postgresUrl'))
    env = {
      // As on the machine of somebody who has only installed: keys are made, mails are printed.
      ENVIRONMENT: 'development',
      DATA_DIR: join(folder, program),
      DATABASE_URL: loginUrl(database.url, 'plinth_app'),
      DATABASE_OWNER_URL: database.url,
    }
    server = await serve(project, program, env)
  }, 120_000)

  afterAll(async () => {
    await server?.stop()
    await database?.drop()
  })

  interface Answer {
    readonly status: number
    readonly headers: Headers
    readonly body: Readonly<Record<string, unknown>>
  }
  const ask = async (
    token: string | undefined,
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> => {
    const answer = await fetch(`${server?.origin}${path}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return {
      status: answer.status,
      headers: answer.headers,
      body: text === '' ? {} : (JSON.parse(text) as Answer['body']),
    }
  }
  const tokens = { acme: '', beta: '' }
  type Request = [method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>]
  const acme = (...given: Request): Promise<Answer> => ask(tokens.acme, ...given)
  const beta = (...given: Request): Promise<Answer> => ask(tokens.beta, ...given)
  let siteId = ''
  let one = ''

  test('people sign up, found an organisation each, and sign in again', async () => {
    for (const name of ['acme', 'beta'] as const) {
      const draft = { email: `owner@${name}.example`, password }
      const made = await ask(undefined, 'POST', '/api/v1/auth/register', { ...draft, organizationName: name })
      expect(made).toMatchObject({ status: 201, body: { tenant: { slug: name }, user: { email: draft.email } } })
      const entered = await ask(undefined, 'POST', '/api/v1/auth/login', draft)
      expect(entered).toMatchObject({ status: 200, body: { token_type: 'bearer', tenant: { slug: name } } })
      tokens[name] = String(entered.body['access_token'])
      expect((await ask(tokens[name], 'GET', '/api/v1/auth/me')).body).toMatchObject({ roles: ['owner'] })
    }
    const wrong = { email: 'owner@acme.example', password: `${password}!` }
    expect(await ask(undefined, 'POST', '/api/v1/auth/login', wrong)).toMatchObject({
      status: 401,
      body: { code: 'invalid_credentials' },
    })
  })

  test('nobody is let in without a token, or with a wrong one', async () => {
    for (const token of [undefined, 'x'.repeat(43)]) {
      const answer = await ask(token, 'GET', '/api/v1/projects')
      expect(answer.status).toBe(401)
      expect(answer.headers.get('www-authenticate')).toBe('Bearer')
      expect(answer.headers.get('content-type')).toContain('application/problem+json')
    }
  })

  test('a row is created', async () => {
    const site = await acme('POST', '/api/v1/sites', { name: 'Home' })
    expect(site.status).toBe(201)
    siteId = String(site.body['id'])
    const made = await acme('POST', '/api/v1/projects', { name: 'Relaunch', siteId, version: 9, tenantId: siteId })
    expect(made).toMatchObject({
      status: 201,
      body: { name: 'Relaunch', status: 'draft', contactEmail: null, siteId, version: 1 },
    })
    one = String(made.headers.get('location'))
    expect(one).toBe(`/api/v1/projects/${String(made.body['id'])}`)
    expect(await acme('POST', '/api/v1/projects', { name: 'R' })).toMatchObject({
      status: 400,
      body: { errors: [{ path: '/name' }] },
    })
  })

  test('it is listed, and read with an ETag that answers 304', async () => {
    const list = await acme('GET', '/api/v1/projects?status=draft&search=launch&sort=-name')
    expect(list).toMatchObject({
      status: 200,
      body: { data: [{ name: 'Relaunch' }], page: { page: 1, hasMore: false } },
    })
    const read = await acme('GET', one)
    expect(read).toMatchObject({ status: 200, body: { name: 'Relaunch' } })
    const etag = String(read.headers.get('etag'))
    expect(etag).toMatch(/^"1-[0-9a-f]{6}"$/)
    expect(await acme('GET', one, undefined, { 'if-none-match': etag })).toMatchObject({ status: 304, body: {} })
  })

  test('it is changed under its version, and not under an old one', async () => {
    const etag = String((await acme('GET', one)).headers.get('etag'))
    const changed = await acme('PATCH', one, { contactEmail: 'a@client.example' }, { 'if-match': etag })
    expect(changed).toMatchObject({ status: 200, body: { contactEmail: 'a@client.example', version: 2 } })
    expect(await acme('PATCH', one, { name: 'Late' }, { 'if-match': etag })).toMatchObject({
      status: 412,
      body: { code: 'version_mismatch' },
    })
    const put = await acme('PUT', one, { ...changed.body, contactEmail: undefined, name: 'Renamed' })
    expect(put).toMatchObject({ status: 200, body: { name: 'Renamed', contactEmail: null, version: 3 } })
  })

  test('its action does what it says', async () => {
    expect(await acme('POST', `${one}/archive`, {})).toMatchObject({
      status: 400,
      body: { errors: [{ path: '/reason', code: 'required' }] },
    })
    expect(await acme('POST', `${one}/archive`, { reason: 'done' })).toMatchObject({
      status: 200,
      body: { status: 'archived', version: 4 },
    })
  })

  test('the other tenant neither sees nor touches it', async () => {
    expect((await beta('GET', '/api/v1/projects')).body['data']).toEqual([])
    for (const [method, path, body] of [
      ['GET', one, undefined],
      ['PATCH', one, { name: 'Mine' }],
      ['PUT', one, { name: 'Mine' }],
      ['DELETE', one, undefined],
      ['POST', `${one}/archive`, { reason: 'mine' }],
    ] as const) {
      expect(await beta(method, path, body), `${method} ${path}`).toMatchObject({
        status: 404,
        body: { code: 'not_found' },
      })
    }
    expect((await beta('POST', '/api/v1/projects', { name: 'Guest', siteId })).status).toBeGreaterThanOrEqual(400)
    expect((await acme('GET', one)).body).toMatchObject({ name: 'Renamed', status: 'archived', version: 4 })
  })

  test('OpenAPI tells of all of it', async () => {
    const answer = await ask(undefined, 'GET', '/openapi.json')
    expect(answer.body).toMatchObject({ openapi: expect.stringMatching(/^3\.1/) })
    expect(Object.keys(answer.body['paths'] as object)).toEqual(
      expect.arrayContaining([
        '/api/v1/projects',
        '/api/v1/projects/{id}',
        '/api/v1/projects/{id}/archive',
        '/api/v1/sites',
      ]),
    )
  })

  test('a second start finds everything in place', async () => {
    await server?.stop()
    server = await serve(project, program, env)
    expect(await acme('GET', one)).toMatchObject({ status: 200, body: { status: 'archived' } })
  })

  test('a row that others point at stays, and goes after them', async () => {
    expect(await acme('DELETE', `/api/v1/sites/${siteId}`)).toMatchObject({
      status: 409,
      body: { code: 'still_referenced' },
    })
    expect(await acme('DELETE', one)).toMatchObject({ status: 204 })
    expect(await acme('GET', one)).toMatchObject({ status: 404 })
    expect(await acme('DELETE', `/api/v1/sites/${siteId}`)).toMatchObject({ status: 204 })
  })
})
