import { randomBytes } from 'node:crypto'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { postgresDrivers } from '@plinth/postgres/driver'
import { createDatabase, launchServer, loginUrl, type TestDatabase, type TestServer } from '@plinth/testing'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { bareEnv, outputOf, projectFolder, root, runBin, type Ran } from '../tests/spawn-bin.ts'

/* The program as it is started: a process of its own, its exit codes, and what goes to which stream. */

const config = `
import { text, uuid } from 'drizzle-orm/pg-core'
import { belongsTo, createPlinth, defineResource, resourceTable, serviceTokens } from '@plinth/core'
import { postgres } from '@plinth/postgres'
const sites = resourceTable('sites', { name: text().notNull(), phoneNumber: text() })
const leaflets = resourceTable('leaflets', { path: text().notNull(), siteId: belongsTo(() => sites) })
const hashOf = (letter: string) => letter.repeat(64)
export const plinth = createPlinth({
  title: 'Shop',
  database: postgres(process.env.DATABASE_URL),
  resources: [defineResource({ table: sites }), defineResource({ table: leaflets })],
  features: [
    serviceTokens([
      { name: 'robot', tenant: 'acme', tokenSha256: hashOf('a'), permissions: ['site:read', 'site:update:own', 'leaflet:*'] },
      { name: 'stray', tenant: 'nowhere', tokenSha256: hashOf('b'), permissions: ['*'] },
    ]),
  ],
})
`

// Each call is a process: seconds on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

let server: TestServer
let database: TestDatabase
let folder: string
let env: Record<string, string>
const plinth = (args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Ran> =>
  runBin(args, folder, { ...env, ...more })

/** One statement, as the owner of the database. */
async function asOwner(sql: string): Promise<void> {
  const drivers = postgresDrivers(database.url, { ownerUrl: database.url })
  await (await drivers.owner()).query(sql)
  await drivers.close()
}

beforeAll(async () => {
  // Its own: doctor finds roles that other tests have made, and what it prints is run.
  server = await launchServer({ own: true })
  database = await createDatabase(server.url)
  folder = projectFolder({ 'plinth.config.ts': config })
  env = {
    ENVIRONMENT: 'test',
    SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    DATABASE_URL: loginUrl(database.url, 'plinth_app'),
    DATABASE_OWNER_URL: database.url,
  }
})
afterAll(async () => {
  await database.drop()
  await server.stop()
  rmSync(folder, { recursive: true })
})

describe('the program', () => {
  test('tells its version and its commands on standard output', async () => {
    const { version } = JSON.parse(readFileSync(join(root, 'packages/surfaces/cli/package.json'), 'utf8')) as {
      version: string
    }
    expect(await plinth(['--version'])).toEqual({ code: 0, out: `${version}\n`, err: '' })
    const help = await plinth(['--help'])
    expect(help).toMatchObject({ code: 0, err: '' })
    for (const name of ['migrate', 'doctor', 'routes', 'permissions', 'openapi', 'explain', 'init', 'keys:generate']) {
      expect(help.out).toContain(`  ${name} `)
    }
    expect((await plinth(['doctor', '--help'])).out).toContain('--strict')
  })

  test.each([
    [['bogus'], "There is no command 'bogus'"],
    [['routes', '--bogus'], 'Unknown option'],
    [['routes', 'extra'], 'one argument too many'],
    [['explain'], '<permission> is missing'],
    [['explain', 'site:update'], '--as <principal> is missing'],
    [['migrate', '--wait', 'long'], 'takes a number of seconds'],
    [['openapi', '--out', 'a', '--check', 'b'], 'exclude each other'],
    [['keys:generate', '--algorithm', 'HS256'], '--algorithm takes RS256, ES256, EdDSA'],
    [['routes', '--config', 'nowhere.ts'], 'There is no file nowhere.ts'],
  ])('%j is wrong usage: 2, in words', async (args, words) => {
    const { code, out, err } = await plinth(args)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(words)
    expect(err).not.toMatch(/\n\s+at /)
  })

  test('a wrong configuration is told with the line to write', async () => {
    const cases: readonly (readonly [string, string])[] = [
      ['export const other = 1\n', 'exports no `plinth`. Write: export { plinth }'],
      ['export const plinth = {}\n', 'that createPlinth() did not make'],
      ["import 'not-installed-at-all'\n", 'npm install not-installed-at-all'],
      ['enum Color { Red }\nexport const plinth = Color\n', 'Node strips types and nothing else'],
      ['export const = 1\n', 'wrong.config.ts'],
      ["throw new Error('on purpose')\n", 'wrong.config.ts: threw: on purpose'],
    ]
    for (const [text, words] of cases) {
      writeFileSync(join(folder, 'wrong.config.ts'), text)
      const { code, out, err } = await plinth(['routes', '--config', 'wrong.config.ts'])
      expect({ code, out }, text).toEqual({ code: 1, out: '' })
      expect(err).toContain(words)
      expect(err).not.toMatch(/\n\s+at /)
    }
    const debugged = await plinth(['routes', '--config', 'wrong.config.ts', '--debug'])
    expect(debugged.err).toMatch(/\n\s+at .*wrong\.config\.ts/)
    const empty = mkdtempSync(join(tmpdir(), 'plinth-cli-empty-'))
    expect(await runBin(['routes'], empty, env)).toMatchObject({
      code: 1,
      err: expect.stringContaining('There is no plinth.config.ts') as string,
    })
    rmSync(empty, { recursive: true })
  })

  test('faults of the settings come all at once, also as JSON', async () => {
    const wrong = { DATABASE_URL: '', SECRET_KEYS: '' }
    const { code, out, err } = await plinth(['routes', '--json'], wrong)
    expect(code).toBe(1)
    expect(JSON.parse(out)).toMatchObject({ command: 'routes', ok: false, error: { code: 'faults' } })
    expect(err).toContain('DATABASE_URL')
    expect(err).toContain('SECRET_KEYS')
    expect(JSON.parse((await plinth(['doctor', '--json'], wrong)).out)).toMatchObject({
      ok: false,
      findings: [
        { code: 'setting', severity: 'error', path: 'DATABASE_URL' },
        { code: 'setting', severity: 'error', path: 'SECRET_KEYS' },
      ],
    })
  })

  test('imports that end with .js find the .ts that they mean', async () => {
    writeFileSync(join(folder, 'inner.ts'), config)
    writeFileSync(join(folder, 'outer.config.ts'), "export { plinth } from './inner.js'\n")
    expect((await plinth(['routes', '--config', 'outer.config.ts'])).code).toBe(0)
  })
})

describe('in order, on one database', () => {
  test('doctor: not migrated', async () => {
    const { code, out } = await plinth(['doctor', '--json'])
    expect(code).toBe(1)
    const { findings } = JSON.parse(out) as { findings: readonly { code: string; severity: string }[] }
    // Roles belong to the server: where other databases were migrated on it, the login works and the tables are missing.
    expect(findings.filter(({ severity }) => severity === 'error')).not.toEqual([])
  })

  test('migrate tells each step on standard error and leaves standard output to the data', async () => {
    const first = await plinth(['migrate', '--json'])
    expect(first.code).toBe(0)
    const report = JSON.parse(first.out) as { applied: readonly string[] }
    expect(report).toMatchObject({ command: 'migrate', ok: true })
    expect(report.applied).toContain('created table sites')
    for (const step of report.applied) expect(first.err).toContain(`  ✓ ${step}\n`)
    // No live line where nobody looks, and no colour.
    expect(first.err).not.toContain('\u001b')
    expect(await plinth(['migrate'])).toEqual({ code: 0, out: '', err: 'The database is up to date.\n' })
  })

  test('migrate refuses in words what only a migration can do', async () => {
    const changed = config.replace('phoneNumber: text()', 'phoneNumber: uuid()')
    writeFileSync(join(folder, 'changed.config.ts'), changed)
    const { code, out, err } = await plinth(['migrate', '--config', 'changed.config.ts'])
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toContain('changed nothing')
    expect(err).toContain('npx drizzle-kit generate')
    expect(err).not.toMatch(/\n\s+at /)
  })

  test('migrate waits for a database that starts, and not for a login that is refused', async () => {
    const away = {
      DATABASE_OWNER_URL: 'postgres://nobody@127.0.0.1:1/none',
      DATABASE_URL: 'postgres://a@127.0.0.1:1/b',
    }
    const waited = await plinth(['migrate', '--wait', '2'], away)
    expect(waited.code).toBe(1)
    expect(waited.err).toContain('Waiting for the database')
    expect(waited.err).toContain('fix: start PostgreSQL there, or mend the URL')
  })

  test('Ctrl-C ends it with 130, in words', async () => {
    const away = {
      DATABASE_OWNER_URL: 'postgres://nobody@127.0.0.1:1/none',
      DATABASE_URL: 'postgres://a@127.0.0.1:1/b',
    }
    const child = spawn(
      process.execPath,
      [join(root, 'packages/surfaces/cli/src/bin.ts'), 'migrate', '--wait', '600'],
      {
        cwd: folder,
        env: { ...bareEnv, ...env, ...away },
      },
    )
    const ended = outputOf(child, (err) => {
      if (err.includes('Waiting')) child.kill('SIGINT')
    })
    const { code, out, err } = await ended
    expect({ code, out }).toEqual({ code: 130, out: '' })
    expect(err).toContain('Interrupted.')
  })

  test('doctor finds what is doubtful, and --strict counts it', async () => {
    const { code, out, err } = await plinth(['doctor'])
    expect(code).toBe(0)
    expect(out).toBe(
      "warning personal_data_unclassified\n  resource site.fields.phoneNumber: looks like data about a person and is not declared personal: logs and records would show it\n  fix: fields: { phoneNumber: { personal: 'phone' } }\n",
    )
    expect(err).toBe('0 errors, 1 warning.\n')
    expect((await plinth(['doctor', '--strict'])).code).toBe(1)
  })

  test('doctor --sql prints exactly what mends', async () => {
    await asOwner('alter table sites no force row level security')
    await asOwner('drop index sites_recent_idx')
    const { code, out } = await plinth(['doctor', '--sql'])
    expect(code).toBe(1)
    const statements = out.trim().split('\n')
    expect(statements[0]).toBe('alter table "public"."sites" force row level security;')
    expect(statements[1]).toMatch(/^create index concurrently "sites_recent_idx" on "public"."sites"/)
    for (const sql of statements) await asOwner(sql)
    expect(await plinth(['doctor', '--sql'])).toMatchObject({ code: 0, out: '' })
  })

  test('explain', async () => {
    const own = await plinth(['explain', 'site:update', '--as', 'service:robot', '--json'])
    expect(JSON.parse(own.out)).toMatchObject({ decision: 'denied', answer: 'tenant_forbidden', decidedBy: 'tenant' })
    expect((await plinth(['explain', 'site:fly', '--as', 'robot'])).err).toContain("There is no permission 'site:fly'")
    const stranger = await plinth(['explain', 'site:read', '--as', 'nobody'])
    expect(stranger).toMatchObject({ code: 1, out: '' })
    expect(stranger.err).toContain('There are: service:robot, service:stray.')
  })

  test('routes and permissions', async () => {
    const routes = await plinth(['routes'])
    expect(routes).toMatchObject({ code: 0, err: '' })
    expect(routes.out).toMatch(/^METHOD +PATH +PERMISSION +OPERATION +ORIGIN\n/)
    expect(routes.out).toMatch(/\nPATCH +\/api\/v1\/sites\/:id +site:update +updateSite +product\n/)
    const { routes: listed } = JSON.parse((await plinth(['routes', '--json'])).out) as { routes: unknown[] }
    expect(listed).toContainEqual({
      method: 'PATCH',
      path: '/api/v1/sites/:id',
      permission: 'site:update',
      operationId: 'updateSite',
      origin: 'product',
    })
    const { permissions } = JSON.parse((await plinth(['permissions', '--json'])).out) as { permissions: unknown[] }
    expect(permissions).toContainEqual(
      expect.objectContaining({
        permission: 'site:delete',
        model: 'site',
        action: 'delete',
        scopes: ['all', 'group', 'own'],
      }),
    )
  })

  test('openapi is written, checked, and a changed file is told by its places', async () => {
    const printed = await plinth(['openapi'])
    expect(printed, printed.err).toMatchObject({ code: 0, err: '' })
    expect(JSON.parse(printed.out)).toMatchObject({ openapi: '3.1.0', info: { title: 'Shop' } })
    expect(await plinth(['openapi', '--out', 'api.json'])).toMatchObject({ code: 0, out: '' })
    expect(readFileSync(join(folder, 'api.json'), 'utf8')).toBe(printed.out)
    expect(await plinth(['openapi', '--check', 'api.json'])).toMatchObject({ code: 0, out: '' })
    const document = JSON.parse(printed.out) as { info: { title: string }; paths: Record<string, unknown> }
    document.info.title = 'Other'
    delete document.paths['/api/v1/sites/{id}']
    document.paths['/gone'] = {}
    writeFileSync(join(folder, 'api.json'), JSON.stringify(document))
    const checked = await plinth(['openapi', '--check', 'api.json'])
    expect(checked.code).toBe(1)
    expect(checked.out).toBe('~ /info/title\n- /paths/~1gone\n+ /paths/~1api~1v1~1sites~1{id}\n')
    expect(await plinth(['openapi', '--check', 'nowhere.json'])).toMatchObject({ code: 1, out: '' })
  })
})
