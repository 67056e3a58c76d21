import { execFileSync, spawnSync } from 'node:child_process'
import { chownSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, Socket, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { launchServer, type TestServer } from '../../../testing/src/server/launch-server.ts'
import { classify, type Trouble } from '../errors/connection-trouble.ts'
import type { Connection, Driver } from './driver.ts'
import { postgresJsDriver, type PostgresJsOptions } from './postgres-js.ts'

/*
 * What happens when the server, or the way to it, goes away. An uncaught exception or an unhandled rejection fails the run:
 * with the pool of postgres.js several of these end the process.
 */
const drivers: Driver[] = []
const listeners: Server[] = []

afterEach(async () => {
  await Promise.all(drivers.splice(0).map((driver) => driver.close()))
  for (const server of listeners.splice(0)) server.close()
})

function open(url: string, options: Partial<PostgresJsOptions> = {}): Driver {
  const driver = postgresJsDriver(url, {
    max: 2,
    applicationName: 'plinth-test',
    prepare: true,
    statementTimeoutMs: 60_000,
    connectTimeoutSeconds: 10,
    closeAfterMs: 200,
    ...options,
  })
  drivers.push(driver)
  return driver
}

async function trouble(work: Promise<unknown>): Promise<Trouble> {
  return classify(
    await work.then(
      () => new Error('it did not fail'),
      (error: unknown) => error,
    ),
  )
}

async function listen(onConnection: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    onConnection(socket)
  })
  listeners.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

const backend = async (connection: Connection): Promise<number> =>
  Number((await connection.query('select pg_backend_pid() as pid'))[0]?.['pid'])

describe('a server that goes away', () => {
  let server: TestServer
  let admin: Driver

  beforeAll(async () => {
    server = await launchServer({ own: true, fullPageWrites: true })
  })
  beforeEach(async () => {
    admin = open(server.url)
    await admin.script('drop table if exists note; create table note (id int4)')
  })
  afterAll(() => server.stop())

  const notes = async (): Promise<number> => (await admin.query('select id from note')).length
  const terminate = (pid: number): Promise<unknown> => admin.query('select pg_terminate_backend($1::int4)', [pid])

  /** Resolves when that backend runs a statement that contains the text. */
  async function runs(text: string): Promise<void> {
    for (;;) {
      const found = await admin.query(
        `select 1 from pg_stat_activity where state = 'active' and query like $1::text and pid <> pg_backend_pid()`,
        [`%${text}%`],
      )
      if (found.length > 0) return
    }
  }

  test('in a statement: unknown whether it was done; the next one works', async () => {
    const driver = open(server.url, { max: 1 })
    const pid = await backend(driver)
    const running = trouble(driver.query('select pg_sleep(30)'))
    await runs('pg_sleep(30)')
    await terminate(pid)
    expect(await running).toMatchObject({ kind: 'connection', sent: 'unknown' })
    expect(await backend(driver)).not.toBe(pid)
  })

  test('in a statement of a transaction: surely not done, nothing runs on outside of it', async () => {
    const driver = open(server.url, { max: 1 })
    let late: Promise<Trouble> | undefined
    const lost = trouble(
      driver.transaction(async (tx) => {
        const pid = await backend(tx)
        await tx.query('insert into note values (1)')
        const running = tx.query('select pg_sleep(31)')
        await runs('pg_sleep(31)')
        await terminate(pid)
        await running.catch(() => undefined)
        late = trouble(tx.query('insert into note values (2)'))
        await late
      }),
    )
    expect(await lost).toMatchObject({ kind: 'connection', sent: false })
    // The transaction rejects at once, and its work finds out with its next statement.
    await expect.poll(() => late).toBeDefined()
    expect(await late).toMatchObject({ code: 'transaction_over', sent: false })
    expect(await notes()).toBe(0)
    expect(await driver.query('select 1')).toHaveLength(1)
  })

  test('between two statements of a transaction: the second is not run on another connection', async () => {
    const driver = open(server.url, { max: 1 })
    let late: Promise<Trouble> | undefined
    let retry: Promise<unknown> | undefined
    const lost = trouble(
      driver.transaction(async (tx) => {
        const pid = await backend(tx)
        await tx.query('insert into note values (1)')
        await terminate(pid)
        // Waits in line for the only connection, and would make the pool connect again.
        retry = driver.query('select 1')
        await retry
        late = trouble(tx.query('insert into note values (2)'))
        await late
      }),
    )
    expect(await lost).toMatchObject({ kind: 'connection', sent: false })
    await retry
    await expect.poll(() => late).toBeDefined()
    expect(await late).toMatchObject({ code: 'transaction_over', sent: false })
    expect(await notes()).toBe(0)
  })

  test('with many statements under way: each is answered, once', async () => {
    const driver = open(server.url, { max: 4, maxQueue: 10_000 })
    await driver.query('select 1')
    const statements = Array.from({ length: 2_000 }, (_, n) =>
      driver.query('select $1::int4 as n', [n], { prepare: n % 5 > 0 }),
    )
    const settled = Promise.allSettled(statements)
    const driverPids = admin.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()`,
    )
    await driverPids.catch(() => undefined)
    const answers = await settled
    const wrong = answers.filter((answer, n) =>
      answer.status === 'fulfilled' ? answer.value[0]?.['n'] !== n : classify(answer.reason).kind !== 'connection',
    )
    expect(wrong).toEqual([])
    expect(await driver.query('select 1')).toHaveLength(1)
  })

  test('again and again under 400 transactions: each is whole or nothing, as its answer says', async () => {
    await admin.script('drop table if exists half; create table half (id int4, part int4)')
    const driver = open(server.url, { max: 5, maxQueue: 10_000 })
    const outcomes = new Map<number, Trouble | 'done'>()
    const work = Array.from({ length: 400 }, async (_, id) => {
      const wrote = driver.transaction(async (tx) => {
        await tx.query('insert into half values ($1::int4, 1)', [id], { prepare: id % 2 === 0 })
        await tx.query('select pg_sleep(0.005)')
        await tx.query('insert into half values ($1::int4, 2)', [id], { prepare: id % 2 === 0 })
      })
      outcomes.set(id, await wrote.then(() => 'done' as const, classify))
    })
    let ended = false
    const storm = async (): Promise<void> => {
      while (!ended) {
        await admin.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and pid <> pg_backend_pid() and random() < 0.3`,
        )
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    }
    const storming = storm()
    await Promise.all(work)
    ended = true
    await storming

    const parts = new Map<number, number>()
    for (const row of await admin.query('select id, count(*)::int4 as parts from half group by id')) {
      parts.set(Number(row['id']), Number(row['parts']))
    }
    const wrong = [...outcomes].filter(([id, outcome]) => {
      const written = parts.get(id) ?? 0
      if (outcome === 'done') return written !== 2
      if (outcome.kind !== 'connection') return true
      return outcome.sent === false ? written !== 0 : written === 1
    })
    expect(wrong).toEqual([])
    // Neither was the storm too weak to hit anything, nor too strong to let anything through.
    expect(new Set([...outcomes.values()].map((outcome) => outcome === 'done')).size).toBe(2)
    expect(await driver.query('select 1')).toHaveLength(1)
  })

  test('is found over a unix socket too', async () => {
    const [row] = await admin.query(`select current_setting('unix_socket_directories') as folder`)
    const driver = open(`postgres://postgres@${encodeURIComponent(String(row?.['folder']))}:${server.port}/postgres`)
    expect(await driver.query('select inet_client_addr()::text as address')).toMatchObject([{ address: null }])
  })

  test('by a crash with recovery, or a polite restart: the next statement finds it again', async () => {
    const driver = open(server.url, { max: 3 })
    for (const mode of ['immediate', 'fast'] as const) {
      const running = Promise.all(Array.from({ length: 3 }, () => trouble(driver.query('select pg_sleep(32)'))))
      await runs('pg_sleep(32)')
      await server.restart(mode)
      for (const one of await running) expect(one).toMatchObject({ kind: 'connection', sent: 'unknown' })
      expect(await driver.query('select 1')).toHaveLength(1)
    }
  })

  test('for good: refused at once, not sent, and found again when it is back', async () => {
    const driver = open(server.url, { max: 2 })
    await driver.query('insert into note values (1)')
    await server.kill()
    await driver.query('select 1').catch(() => undefined)
    const refused = await Promise.all(
      Array.from({ length: 50 }, () => trouble(driver.query('insert into note values (2)'))),
    )
    for (const one of refused) expect(one).toMatchObject({ kind: 'connection', sent: false })
    await server.restart('fast')
    expect(await driver.query('select id from note')).toMatchObject([{ id: 1 }])
  })

  test('by freezing: given up after its own time limit, with the line behind it', async () => {
    const driver = open(server.url, { max: 1, statementTimeoutMs: 100, connectTimeoutSeconds: 1, silenceMs: 100 })
    await driver.query('select 1')
    server.pause()
    try {
      expect(await trouble(driver.query('select 1', [], { prepare: true }))).toMatchObject({
        kind: 'connection',
        code: 'no_answer',
        sent: 'unknown',
      })
      // A new connection is accepted by the kernel and never answered; who waits is refused together with the first.
      const line = await Promise.all([1, 2, 3, 4].map(() => trouble(driver.query('select 1'))))
      expect(line.map(({ kind, sent }) => ({ kind, sent }))).toEqual(
        line.map(() => ({ kind: 'connection', sent: false })),
      )
    } finally {
      server.resume()
    }
    expect(await driver.query('select 1')).toHaveLength(1)
  })

  test('while COMMIT is on its way: unknown whether it was done', async () => {
    const port = await listen((client) => {
      const upstream = new Socket().connect(server.port, '127.0.0.1')
      upstream.on('error', () => undefined)
      let cut = false
      client.on('data', (bytes) => {
        if (bytes.includes('commit')) cut = true
        upstream.write(bytes)
      })
      // The server's answer to the COMMIT never arrives.
      upstream.on('data', (bytes) => (cut ? client.destroy() : client.write(bytes)))
      client.on('close', () => upstream.destroy())
    })
    const driver = open(server.url.replace(`:${server.port}`, `:${port}`))
    const lost = trouble(driver.transaction((tx) => tx.query('insert into note values (7)')))
    expect(await lost).toMatchObject({ kind: 'connection', sent: 'unknown' })
    expect(await notes()).toBe(1)
  })
})

describe('a way to the server that does not lead there', () => {
  test('a closed port', async () => {
    const port = await listen(() => undefined)
    await new Promise((resolve) => listeners.splice(0)[0]?.close(resolve))
    const driver = open(`postgres://postgres@127.0.0.1:${port}/postgres`)
    expect(await trouble(driver.query('select 1'))).toMatchObject({
      kind: 'connection',
      code: 'ECONNREFUSED',
      sent: false,
    })
    expect(await trouble(driver.transaction((tx) => tx.query('select 1')))).toMatchObject({
      kind: 'connection',
      sent: false,
    })
    expect(await trouble(driver.script('select 1'))).toMatchObject({ kind: 'connection', sent: false })
  })

  test('a name that nobody has', async () => {
    const driver = open('postgres://postgres@nowhere.invalid/postgres')
    expect(await trouble(driver.query('select 1'))).toMatchObject({ kind: 'connection', sent: false })
  })

  test('a unix socket that is not there', async () => {
    const driver = open('postgres://postgres@%2Fnowhere/postgres')
    expect(await trouble(driver.query('select 1'))).toMatchObject({ kind: 'connection', code: 'ENOENT', sent: false })
  })

  test.each(['nonsense', 'mysql://root:geheim@localhost/db', 'postgres://root:geheim@a:1,b:2/db'])(
    '%s: refused before anything else, without the password',
    (url) => {
      expect(() => open(url)).toThrow(TypeError)
      expect(() => open(url)).not.toThrow(/geheim/)
    },
  )

  test('a proxy that accepts and closes: one attempt, not a storm', async () => {
    let accepted = 0
    const port = await listen((socket) => {
      accepted++
      socket.end()
    })
    const driver = open(`postgres://postgres@127.0.0.1:${port}/postgres`, { max: 1 })
    expect(await trouble(driver.query('select 1'))).toMatchObject({
      kind: 'connection',
      code: 'unreachable',
      sent: false,
    })
    expect(await trouble(driver.query('select 1'))).toMatchObject({
      kind: 'connection',
      code: 'unreachable',
      sent: false,
    })
    expect(accepted).toBe(2)
  })

  test('a silent one: given up, and nobody waits in line for a time-out of his own', async () => {
    let accepted = 0
    const port = await listen(() => accepted++)
    const driver = open(`postgres://postgres@127.0.0.1:${port}/postgres`, { max: 1, connectTimeoutSeconds: 1 })
    const answers = await Promise.all(Array.from({ length: 20 }, () => trouble(driver.query('select 1'))))
    expect(answers[0]).toMatchObject({ kind: 'connection', code: 'CONNECT_TIMEOUT', sent: false })
    for (const one of answers) expect(one).toMatchObject({ kind: 'connection', sent: false })
    expect(accepted).toBe(1)
  })

  test('something that is not PostgreSQL', async () => {
    const port = await listen((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    const driver = open(`postgres://postgres@127.0.0.1:${port}/postgres`)
    expect(await trouble(driver.query('select 1'))).toMatchObject({ kind: 'connection', sent: false })
  })

  test('a server that wants no encryption where we do', async () => {
    const port = await listen((socket) => socket.on('data', () => socket.write('N')))
    const driver = open(`postgres://postgres@127.0.0.1:${port}/postgres`, { ssl: true, connectTimeoutSeconds: 1 })
    expect(await trouble(driver.query('select 1'))).toMatchObject({ kind: 'connection', sent: false })
  })
})

const openssl = spawnSync('openssl', ['version']).status === 0

describe.runIf(openssl)('an encrypted connection', () => {
  let server: TestServer
  let folder: string
  let ca: string

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'plinth-tls-'))
    const files = { key: join(folder, 'key.pem'), certificate: join(folder, 'certificate.pem') }
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
    const made = [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      files.key,
      '-out',
      files.certificate,
      ...subject,
    ]
    execFileSync('openssl', made, { stdio: 'ignore' })
    ca = readFileSync(files.certificate, 'utf8')
    // The server refuses a key that others may read, and as root we give it to somebody else.
    if (process.getuid?.() === 0)
      for (const path of [folder, files.key, files.certificate]) chownSync(path, 65534, 65534)
    server = await launchServer({
      own: true,
      settings: ['ssl=on', `ssl_cert_file=${files.certificate}`, `ssl_key_file=${files.key}`],
    })
  })
  afterAll(async () => {
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const encrypted = async (url: string, ssl?: PostgresJsOptions['ssl']): Promise<unknown> => {
    const driver = open(url, ssl === undefined ? {} : { ssl })
    return (await driver.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()'))[0]?.['ssl']
  }

  test('is used as asked for, by the option or by the URL', async () => {
    expect(await encrypted(server.url)).toBe(false)
    expect(await encrypted(server.url, 'require')).toBe(true)
    expect(await encrypted(`${server.url}?sslmode=require`)).toBe(true)
    expect(await encrypted(server.url.replace('127.0.0.1', 'localhost'), { ca })).toBe(true)
  })

  test('is refused when the certificate is not to be believed, or is for another name', async () => {
    const byName = server.url.replace('127.0.0.1', 'localhost')
    const refused = { kind: 'connection', sent: false }
    expect(await trouble(encrypted(byName, true))).toMatchObject({ ...refused, code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
    expect(await trouble(encrypted(byName, 'verify-full'))).toMatchObject(refused)
    expect(await trouble(encrypted(byName, { ca, servername: 'elsewhere' }))).toMatchObject({
      ...refused,
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    })
  })
})
