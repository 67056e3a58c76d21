import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { audit, type AuditFeature } from '@plinth/audit'
import { createPlinth, defineResource, resourceTable, serviceTokens, type Plinth } from '@plinth/core'
import { jobs } from '@plinth/jobs'
import { postgres } from '@plinth/postgres'
import { postgresJsDriver, type Driver } from '@plinth/postgres/driver'
import { createDatabase, inProcess, launchServer, loginUrl, type TestServer } from '@plinth/testing'
import { text } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/*
 * The commands of docs/reliability.md, "Loss and recovery": from one server to another that has never seen this platform. It needs the tools
 * of PostgreSQL (pg_dump, pg_restore, psql), and so is part of `npm run test:crash` alone.
 */

const ROWS = 2_000
const PATH = '/api/v1/customers'
const tokens = {
  acme: 'a-service-of-the-drill-xxxxxxxxxxxxxxxxxa',
  beta: 'a-service-of-the-drill-xxxxxxxxxxxxxxxxxb',
} as const
const customers = resourceTable('customers', { name: text().notNull(), email: text().notNull() })

interface Open {
  readonly plinth: Plinth
  readonly log: AuditFeature
  readonly superuser: Driver
  /** As the login of requests, past the platform. */
  readonly runtime: Driver
}

/** Defines the drill, in the long run. */
export function restoreDrill(long: boolean): void {
  if (!long) return
  describe('a backup', () => {
    drill()
  })
}

/** What is lost is a server; what is left are its dump, its roles, the key ring and a checkpoint. */
function drill(): void {
  const folder = mkdtempSync(join(tmpdir(), 'plinth-drill-'))
  const [dump, roles] = [join(folder, 'app.dump'), join(folder, 'roles.sql')]
  const [checkpoint, archive] = [join(folder, 'checkpoint.json'), join(folder, 'platform.jsonl')]
  const servers: TestServer[] = []
  const opened: Open[] = []
  let before: Open
  let after: Open
  let erased = ''

  /** A server and an empty database on it, and its tools: they are of its own version. */
  const launch = async () => {
    const server = await launchServer({ own: true, tools: true })
    servers.push(server)
    const { url } = await createDatabase(server.url)
    const tool = (name: string, ...given: readonly string[]): void => {
      const done = spawnSync(join(server.source, 'bin', name), given, { encoding: 'utf8' })
      if (done.status !== 0) throw new Error(`${name} ended with ${done.status}: ${done.stderr}`)
    }
    return { url, tool }
  }
  const open = (url: string): Open => {
    const log = audit()
    const driver = (given: string): Driver =>
      postgresJsDriver(given, {
        max: 1,
        applicationName: 'restore drill',
        prepare: false,
        statementTimeoutMs: 60_000,
        connectTimeoutSeconds: 10,
      })
    const plinth = createPlinth({
      database: postgres(loginUrl(url, 'plinth_app'), { ownerUrl: url, systemUrl: loginUrl(url, 'plinth_system') }),
      resources: [defineResource({ table: customers, fields: { email: { personal: 'email' } } })],
      features: [
        log,
        jobs({ workers: 'apart' }),
        serviceTokens(
          Object.entries(tokens).map(([tenant, token]) => ({ name: tenant, token, tenant, permissions: ['*'] })),
        ),
      ],
      rateLimits: { requests: false },
      env: {
        ENVIRONMENT: 'test',
        LOG_LEVEL: 'error',
        LOG_TO: 'stderr',
        SECRET_KEYS: 'k:Xq1YJz0m5dV7mHn3rQw8cT2bL6pK9sFgA4uEoIiRtZk=',
      },
    })
    const one = { plinth, log, superuser: driver(url), runtime: driver(loginUrl(url, 'plinth_app')) }
    opened.push(one)
    return one
  }
  const ask = async ({ plinth }: Open, tenant: keyof typeof tokens, method: string, path: string, body?: object) => {
    const headers: [string, string][] = [['authorization', `Bearer ${tokens[tenant]}`]]
    if (body) headers.push(['content-type', 'application/json'])
    const reply = await inProcess(plinth.fetch)({ method, target: path, headers, body: body && JSON.stringify(body) })
    expect(reply.status, reply.body).toBeLessThan(300)
    return JSON.parse(reply.body) as Readonly<Record<string, unknown>>
  }
  const quiet = { note: () => undefined, ask: () => Promise.resolve(undefined) }
  const command = (one: Open, name: string, options: Readonly<Record<string, string>>): Promise<unknown> =>
    one.plinth.commands.find((each) => each.name === name)!.run(options, quiet)
  const entryOf = async (one: Open): Promise<unknown> => {
    const { data } = await ask(one, 'acme', 'GET', `/api/v1/audit-logs?target=${erased}&action=customer.created`)
    return (data as readonly unknown[])[0]
  }

  beforeAll(async () => {
    const { url, tool } = await launch()
    before = open(url)
    await before.plinth.migrate()
    for (const tenant of ['acme', 'beta'] as const) {
      await before.plinth.foundTenant({ slug: tenant, name: tenant })
      await before.plinth.asSystem('a customer list', tenant, async (ctx) => {
        for (let at = 0; at < ROWS - 1; at += 1)
          await ctx.create(customers, { name: `${tenant} ${at}`, email: `${at}@${tenant}.example` })
      })
    }
    erased = String((await ask(before, 'acme', 'POST', PATH, { name: 'Ada', email: 'ada@acme.example' }))['id'])
    await ask(before, 'beta', 'POST', PATH, { name: 'Bea', email: 'bea@beta.example' })
    await command(before, 'audit:checkpoint', { out: checkpoint })
    await before.superuser.query('alter role plinth_backup login')
    tool('pg_dump', '-d', loginUrl(url, 'plinth_backup'), '-Fc', '-f', dump)
    tool('pg_dumpall', '-d', url, '--globals-only', '-f', roles)
  })
  afterAll(async () => {
    for (const { plinth, superuser, runtime } of opened)
      await Promise.allSettled([plinth.close(), superuser.close(), runtime.close()])
    for (const server of servers) await server.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  test('a server that is lost is restored on another one, the roles first, and nothing is different', async () => {
    expect(await before.log.shredSubject(`customer:${erased}`)).toBe(1)
    expect(await entryOf(before)).toMatchObject({ erased: true })
    await command(before, 'audit:archive', { tenant: 'platform', out: archive })
    const { url, tool } = await launch()
    const began = performance.now()
    // That the superuser is there already is no failure: psql goes on.
    tool('psql', '-q', '-d', url, '-f', roles)
    tool('pg_restore', '--exit-on-error', '-d', url, dump)
    process.stderr.write(`restored in ${Math.round(performance.now() - began)} ms\n`)
    after = open(url)
    expect(await after.plinth.inspect()).toEqual([])
    expect(await after.superuser.query('select count(*)::int as n from customers')).toEqual([{ n: 2 * ROWS }])
  })

  test('each tenant is served its own rows, and the login of requests sees none without a tenant', async () => {
    for (const tenant of ['acme', 'beta'] as const) {
      const { page, data } = await ask(after, tenant, 'GET', `${PATH}?count=exact&pageSize=1`)
      expect(page).toMatchObject({ total: ROWS })
      expect(data).toMatchObject([{ name: expect.stringMatching(tenant === 'acme' ? /^(acme|Ada)/ : /^(beta|Bea)/) }])
    }
    expect(await after.runtime.query('select count(*)::int as n from customers')).toEqual([{ n: 0 }])
    await ask(after, 'beta', 'POST', PATH, { name: 'Bo', email: 'bo@beta.example' })
  })

  test('the audit log is whole, against the checkpoint that lay elsewhere, and goes on', async () => {
    expect(await command(after, 'audit:verify', { checkpoint })).toMatchObject({ valid: true })
    expect(await ask(after, 'beta', 'GET', '/api/v1/audit-logs?action=customer.created&pageSize=1')).toMatchObject({
      data: [{ outcome: 'success' }],
    })
  })

  test('what was erased after the backup can be read again, until it is erased again', async () => {
    expect(await entryOf(after)).not.toMatchObject({ erased: true })
    expect(await command(after, 'audit:reshred', { file: archive })).toEqual({ erasures: 1, keys: 1 })
    expect(await entryOf(after)).toMatchObject({ erased: true })
    expect(await command(after, 'audit:verify', { checkpoint })).toMatchObject({ valid: true })
  })
}
