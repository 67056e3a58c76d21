import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDatabase, loginUrl, type TestDatabase } from '@plinth/testing'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'

// The program as `start` runs it, on a PostgreSQL server.
const folder = mkdtempSync(join(tmpdir(), 'library-'))
const tokens = { desk: randomBytes(32).toString('hex'), visitor: randomBytes(32).toString('hex') }
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
      DESK_TOKEN: tokens.desk,
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
    headers: { ...as('desk'), 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

test('what the server had is as it was', async () => {
  expect(await textOf('/')).toContain('Sign in')
  expect(await textOf('/health')).toBe('all hammers hang')
  expect(await textOf('/lending/rules')).toBe('{"days":14}')
  for (const path of ['/nothing', '/lending/api/v1/nothing', '/api/v1/tools'])
    expect(await textOf(path)).toBe('No such shelf.')
  const form = { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' } }
  const refused = await fetch(`${url}/sign-in`, { ...form, body: 'name=%3Cb%3E' })
  expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining('A bent nail: body/name')])
  const signedIn = await fetch(`${url}/sign-in`, { ...form, body: 'name=Ada', redirect: 'manual' })
  const cookie = signedIn.headers.getSetCookie()[0]!.split(';')[0]!
  expect(await textOf('/', { headers: { cookie } })).toBe('Good to see you, Ada.')
})

test("Plinth's routes answer beside them, and the server's hooks see them", async () => {
  expect(await textOf('/lending/api/v1/health/live')).toBe('{"status":"healthy"}')
  const refused = await fetch(`${url}/lending/api/v1/tools`)
  expect([refused.status, refused.headers.get('x-library')]).toEqual([401, 'oak street'])
  const made = await post('/lending/api/v1/tools', { name: 'Drill' })
  expect(made.status).toBe(201)
  const { id } = (await made.json()) as { id: string }
  for (const [borrower, dueAt] of [
    ['Ada', '2020-01-01T00:00:00Z'],
    ['Bob', '2999-01-01T00:00:00Z'],
  ]) {
    expect((await post('/lending/api/v1/loans', { toolId: id, borrower, dueAt })).status).toBe(201)
  }
})

test("the server's own guarded page asks for Plinth's permission, and shows Plinth's rows", async () => {
  const page = await fetch(`${url}/overdue`, { headers: as('desk') })
  expect(await page.json()).toEqual({ library: 'Oak Street', overdue: ['Ada'], mayEnd: true })
  expect(page.headers.get('cache-control')).toBe('private, no-cache')
  const visitor = await fetch(`${url}/overdue`, { headers: as('visitor') })
  expect(await visitor.json()).toMatchObject({ status: 403, code: 'permission_denied' })
  expect(await (await fetch(`${url}/overdue`)).json()).toMatchObject({ status: 401, code: 'unauthenticated' })
})

test('SIGTERM ends it in order', async () => expect(await stopped()).toBe(0))
