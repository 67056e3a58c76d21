import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createConnection } from 'node:net'
import { dirname } from 'node:path'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { launchServer, type TestServer } from './launch-server.ts'

type Row = Readonly<Record<string, string>>

async function ask(url: string, text: string): Promise<Row[]> {
  const sql = postgres(url, { max: 1, fetch_types: false, onnotice: () => undefined })
  try {
    return [...(await sql.unsafe<Row[]>(text))]
  } finally {
    await sql.end({ timeout: 5 })
  }
}

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1', () => resolve(socket.destroy() !== undefined))
    socket.on('error', () => resolve(false))
  })

async function dataFolder(url: string): Promise<string> {
  const [row] = await ask(url, `select current_setting('data_directory') as folder`)
  return row?.['folder'] ?? ''
}

describe('an own server', () => {
  let server: TestServer

  beforeAll(async () => {
    server = await launchServer({ own: true, settings: ['work_mem=5MB'] })
  })
  afterAll(() => server.stop())

  test('answers its superuser, with the settings that tests want', async () => {
    const names = "'fsync', 'full_page_writes', 'synchronous_commit', 'max_connections', 'work_mem', 'listen_addresses'"
    const rows = await ask(
      server.url,
      `select name, current_setting(name) as value from pg_settings where name in (${names})`,
    )
    expect(Object.fromEntries(rows.map(({ name, value }) => [name, value]))).toEqual({
      fsync: 'off',
      full_page_writes: 'off',
      synchronous_commit: 'on',
      max_connections: '200',
      work_mem: '5MB',
      listen_addresses: '127.0.0.1',
    })
    const [who] = await ask(
      server.url,
      `select rolsuper::text as super, current_setting('server_version_num') as version,
      datcollate as collate from pg_roles, pg_database where rolname = current_user and datname = current_database()`,
    )
    expect(who).toMatchObject({ super: 'true', collate: 'C.UTF-8' })
    expect(Number(who?.['version'])).toBeGreaterThanOrEqual(150_000)
  })

  test('keeps its data and its port over restarts and kill -9', async () => {
    await ask(server.url, 'create table kept (id int4)')
    for (const mode of ['fast', 'immediate'] as const) {
      await ask(server.url, 'insert into kept values (1)')
      await server.restart(mode)
    }
    await ask(server.url, 'insert into kept values (1)')
    await server.kill()
    expect(await isOpen(server.port)).toBe(false)
    await server.restart('fast')
    expect(await ask(server.url, 'select count(*)::text as n from kept')).toEqual([{ n: '3' }])
  })

  test('stands still while paused, and goes on', async () => {
    const sql = postgres(server.url, { max: 1, fetch_types: false })
    await sql.unsafe('select 1')
    server.pause()
    let answered = false
    const answer = sql.unsafe('select 1').then(() => (answered = true))
    // The kernel takes the bytes, the server does not.
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(answered).toBe(false)
    server.resume()
    await answer
    await sql.end()
  })

  test('is gone after stop, also when it was paused, with its data', async () => {
    const other = await launchServer({ own: true })
    const folder = await dataFolder(other.url)
    expect(existsSync(folder)).toBe(true)
    other.pause()
    await other.stop()
    expect(await isOpen(other.port)).toBe(false)
    await other.stop()
    expect(existsSync(dirname(folder))).toBe(false)
  })
})

test('a server whose tests were killed does not stay behind', async () => {
  const script = `
    import { launchServer } from ${JSON.stringify(new URL('launch-server.ts', import.meta.url).href)}
    const server = await launchServer({ own: true })
    console.log(server.url)
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const url = await new Promise<string>((resolve) => child.stdout.once('data', (text) => resolve(String(text).trim())))
  const folder = await dataFolder(url)
  expect(existsSync(folder)).toBe(true)
  child.kill('SIGKILL')
  await expect.poll(() => existsSync(dirname(folder)), { timeout: 20_000 }).toBe(false)
  expect(await isOpen(Number(new URL(url).port))).toBe(false)
})

test('a forgotten server does not keep its process alive', () => {
  const script = `
    import { launchServer } from ${JSON.stringify(new URL('launch-server.ts', import.meta.url).href)}
    await launchServer({ own: true })
    console.log('launched')`
  const ran = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', timeout: 60_000 })
  expect(ran).toMatchObject({ status: 0, stdout: 'launched\n', stderr: '' })
})

test('a server of TEST_DATABASE_URL is used as it is and cannot be stopped', async () => {
  const url = inject('postgresUrl')
  vi.stubEnv('TEST_DATABASE_URL', url)
  const server = await launchServer()
  expect(server).toMatchObject({ url, source: 'TEST_DATABASE_URL', port: Number(new URL(url).port) })
  expect(() => server.pause()).toThrow('own: true')
  await expect(server.restart('fast')).rejects.toThrow('own: true')
  await expect(server.kill()).rejects.toThrow('own: true')
  await server.stop()
  expect(await ask(url, `select 'there' as it`)).toEqual([{ it: 'there' }])
})

test('the run has a server', async () => {
  expect(await ask(inject('postgresUrl'), `select 'yes' as answer`)).toEqual([{ answer: 'yes' }])
})
