import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { createPlinth, serviceTokens, silentLogger } from '@plinth/core'
import { postgres } from '@plinth/postgres'
import { createDatabase, loginUrl, type TestDatabase } from '@plinth/testing'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { postgresJsDriver } from '@plinth/postgres/driver'
import { noteResource } from './tables.ts'

/*
 * A process that serves gets SIGTERM while twenty clients are busy on connections that they keep. Each request that was taken is
 * answered; what was acknowledged is stored, and nothing else; the process ends with 0.
 */
const token = 'a-token-of-forty-characters-0123456789abc'
const env = { ENVIRONMENT: 'test', SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}` }
let database: TestDatabase

beforeAll(async () => {
  database = await createDatabase(inject('postgresUrl'))
  const plinth = createPlinth({
    database: postgres(loginUrl(database.url, 'plinth_app'), { ownerUrl: database.url }),
    resources: [noteResource],
    features: [serviceTokens([{ name: 'acme', token, tenant: 'acme', permissions: ['*'] }])],
    log: silentLogger,
    env,
  })
  await plinth.migrate()
  await plinth.foundTenant({ slug: 'acme', name: 'Acme' })
  await plinth.close()
})
afterAll(() => database.drop())

interface Served {
  readonly child: ChildProcess
  readonly port: number
  readonly ended: Promise<number | null>
}

async function serve(): Promise<Served> {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'serve.ts'), loginUrl(database.url, 'plinth_app'), token],
    { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const ended = once(child, 'exit').then(([code]) => code as number | null)
  const [line] = (await Promise.race([
    once(child.stdout, 'data'),
    ended.then((code) => {
      throw new Error(`it ended with ${code}`)
    }),
  ])) as [Buffer]
  return { child, port: Number(/\d+/.exec(String(line))?.[0]), ended }
}

interface Answered {
  readonly status: number
  readonly connection: string | undefined
  readonly body: string
}

function ask(agent: Agent, port: number, method: string, path: string, body?: string): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) }
    const sent = request({ agent, port, host: '127.0.0.1', method, path, headers }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      answer.once('end', () =>
        resolve({ status: answer.statusCode ?? 0, connection: answer.headers.connection, body: text }),
      )
      answer.once('error', reject)
    })
    sent.once('error', reject)
    sent.end(body)
  })
}

test('SIGTERM with requests in flight: none fails, none is half done, and the process ends with 0', async () => {
  const { child, port, ended } = await serve()
  const agent = new Agent({ keepAlive: true, maxSockets: 24 })
  const failed: string[] = []
  const acknowledged: string[] = []
  let closing = 0
  const client = async (number: number): Promise<void> => {
    for (let turn = 0; ; turn += 1) {
      const name = `${number} ${turn}`
      try {
        const answer = await ask(agent, port, 'POST', '/api/v1/notes', JSON.stringify({ name }))
        if (answer.status === 201) acknowledged.push(name)
        else failed.push(`${answer.status} ${answer.body}`)
        // The last one of its connection; the next goes to another process, as a load balancer sends it.
        if (answer.connection === 'close') {
          closing += 1
          return
        }
      } catch (error) {
        failed.push(String(error))
        return
      }
    }
  }
  const made = await ask(agent, port, 'POST', '/api/v1/notes', JSON.stringify({ name: 'slow' }))
  const { id } = JSON.parse(made.body) as { id: string }
  const clients = Array.from({ length: 20 }, (_, number) => client(number))
  const slow = ask(agent, port, 'POST', `/api/v1/notes/${id}/ponder`)
  while (acknowledged.length < 100) await new Promise((resolve) => setTimeout(resolve, 5))
  child.kill('SIGTERM')
  // While it still takes connections it says that it should be sent none.
  const probe = new Agent()
  const told = await ask(probe, port, 'GET', '/health/ready').then(
    (answer) => answer.status,
    () => 0,
  )
  await Promise.all(clients)
  const pondered = await slow
  expect(await ended).toBe(0)
  agent.destroy()
  probe.destroy()
  expect(failed).toEqual([])
  expect(told).toBe(503)
  expect(closing).toBe(clients.length)
  expect([pondered.status, pondered.connection]).toEqual([200, 'close'])
  const superuser = postgresJsDriver(database.url, {
    max: 1,
    applicationName: 'tests',
    prepare: false,
    statementTimeoutMs: 0,
    connectTimeoutSeconds: 10,
  })
  const stored = (await superuser.query('select name from notes')).map((row) => String(row['name']))
  const open = await superuser.query(
    `select count(*)::int as n from pg_stat_activity where datname = current_database() and usename = 'plinth_app'`,
  )
  await superuser.close()
  expect(new Set(stored)).toEqual(new Set([...acknowledged, 'pondered']))
  expect(open).toEqual([{ n: 0 }])
})

test('a second signal does not wait', async () => {
  const { child, port, ended } = await serve()
  const agent = new Agent()
  const made = await ask(agent, port, 'POST', '/api/v1/notes', JSON.stringify({ name: 'slow' }))
  const slow = ask(agent, port, 'POST', `/api/v1/notes/${(JSON.parse(made.body) as { id: string }).id}/ponder`).catch(
    () => 'cut off',
  )
  child.kill('SIGTERM')
  await expect
    .poll(() => ask(agent, port, 'GET', '/health/ready').then(({ status }) => status), { timeout: 20_000 })
    .toBe(503)
  child.kill('SIGINT')
  expect(await ended).toBe(130)
  expect(await slow).toBe('cut off')
})
