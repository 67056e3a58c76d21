import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDatabase, loginUrl, type TestDatabase } from '@plinth/testing'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'

// The program as `start` runs it, on a PostgreSQL server.
const folder = mkdtempSync(join(tmpdir(), 'workshop-'))
const tokens = { counter: randomBytes(32).toString('hex'), visitor: randomBytes(32).toString('hex') }
let database: TestDatabase
let child: ChildProcess
let url = ''

beforeAll(async () => {
  database = await createDatabase(inject('postgresUrl'))
  child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      PORT: '0',
      DATABASE_URL: loginUrl(database.url, 'plinth_app'),
      DATABASE_OWNER_URL: database.url,
      COUNTER_TOKEN: tokens.counter,
      VISITOR_TOKEN: tokens.visitor,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  url = await new Promise<string>((resolve, reject) => {
    let said = ''
    const read = (chunk: Buffer): void => {
      said += String(chunk)
      const found = /open at (http:\S+),/.exec(said)?.[1]
      if (found !== undefined) resolve(found)
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
    child.once('close', (code) => reject(new Error(`ended with ${code}\n${said}`)))
  })
})
afterAll(async () => {
  if (child.exitCode === null) await stopped()
  await database.drop()
  rmSync(folder, { recursive: true })
})

const stopped = (): Promise<number | null> =>
  new Promise((resolve) => {
    child.once('close', resolve)
    child.kill('SIGTERM')
  })
const as = (who: keyof typeof tokens): Record<string, string> => ({ authorization: `Bearer ${tokens[who]}` })
const textOf = async (path: string, init?: RequestInit): Promise<string> => (await fetch(`${url}${path}`, init)).text()
const post = (path: string, body: unknown): Promise<Response> =>
  fetch(`${url}${path}`, {
    method: 'POST',
    headers: { ...as('counter'), 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

test('what the server had is as it was', async () => {
  expect(await textOf('/')).toContain('Sign in')
  expect(await textOf('/health')).toBe('the wheels turn')
  expect(await textOf('/api/v1/opening-hours')).toBe('{"monday":"9–18"}')
  expect(await textOf('/api/v1/nothing')).toBe('This road ends here.')
  const form = { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' } }
  expect(await textOf('/sign-in', { ...form, body: 'name=%3Cb%3E' })).toBe('A flat tyre: no such name')
  const signedIn = await fetch(`${url}/sign-in`, { ...form, body: 'name=Ada', redirect: 'manual' })
  const cookie = signedIn.headers.getSetCookie()[0]!.split(';')[0]!
  expect(await textOf('/', { headers: { cookie } })).toBe('Good to see you, Ada.')
})

test("Plinth's routes answer beside them, and the server's middleware sees them", async () => {
  expect(await textOf('/api/v1/health/live')).toBe('{"status":"healthy"}')
  const refused = await fetch(`${url}/api/v1/bikes`)
  expect([refused.status, refused.headers.get('x-workshop')]).toEqual([401, 'spokes'])
  const made = await post('/api/v1/bikes', { owner: 'Ada', model: 'Pegasus' })
  expect(made.status).toBe(201)
  const { id } = (await made.json()) as { id: string }
  expect((await post('/api/v1/repairs', { bikeId: id, what: 'brakes' })).status).toBe(201)
  expect((await fetch(`${url}/openapi.json`)).status).toBe(404)
})

test("the server's own guarded page asks for Plinth's permission, and shows Plinth's rows", async () => {
  const page = await fetch(`${url}/today`, { headers: as('counter') })
  expect(await page.json()).toEqual({ workshop: 'Spokes', open: ['brakes'], mayClose: true })
  expect(page.headers.get('cache-control')).toBe('private, no-cache')
  const visitor = await fetch(`${url}/today`, { headers: as('visitor') })
  expect(await visitor.json()).toMatchObject({ status: 403, code: 'permission_denied' })
  expect(await (await fetch(`${url}/today`)).json()).toMatchObject({ status: 401, code: 'unauthenticated' })
})

test('SIGTERM ends it in order', async () => expect(await stopped()).toBe(0))
