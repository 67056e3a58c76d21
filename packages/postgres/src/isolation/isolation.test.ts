import { randomUUID } from 'node:crypto'
import { integer, pgEnum, text, unique } from 'drizzle-orm/pg-core'
import {
  belongsTo,
  defineResource,
  fieldOf,
  PlinthError,
  readDeclaration,
  resourceTable,
  type Database,
} from '@plinth/core'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { everything, scopeOf } from '../../tests/fixture.ts'
import { onPGlite, onServer, outcome, password, silentLog, type Subject } from '../../tests/migration-fixture.ts'
import { databaseFrom } from '../database.ts'
import { loginUrl } from '../../../testing/src/server/databases.ts'
import type { Driver, Drivers } from '../drivers/driver.ts'
import { postgresJsDriver } from '../drivers/postgres-js.ts'
import { schemaDigests } from './schema-digests.ts'
import { searchPathOf } from './search-path.ts'
import { tenantSchema } from './tenant-schema.ts'

const mood = pgEnum('isolation_mood', ['sad', 'glad'])
const sites = resourceTable('sites', { name: text().notNull(), mood: mood() }, (table) => [
  unique('sites_name_key').on(table.tenantId, table.name),
])
const pages = resourceTable('pages', { title: text().notNull(), siteId: belongsTo(() => sites).notNull() })
const ranked = resourceTable('sites', { name: text().notNull(), mood: mood(), rank: integer() }, (table) => [
  unique('sites_name_key').on(table.tenantId, table.name),
])
const strict = resourceTable('sites', { name: text().notNull(), mood: mood() }, (table) => [
  unique('sites_name_key').on(table.tenantId, table.name),
  unique('sites_mood_key').on(table.tenantId, table.mood),
])

/** One connection that keeps every plan it is asked to keep. */
const keepingPlans = (url: string): Driver =>
  postgresJsDriver(url, {
    max: 1,
    applicationName: 'isolation test',
    prepare: true,
    statementTimeoutMs: 30_000,
    connectTimeoutSeconds: 10,
  })

describe.each([
  ['PostgreSQL', () => onServer(inject('postgresUrl'))],
  ['PGlite', onPGlite],
])('a schema for each tenant, on %s', (_engine, open) => {
  let subject: Subject
  let database: Database
  let first: Awaited<ReturnType<Database['migrate']>>

  const driversOf = (given: Subject, app: Driver): Drivers => ({
    kind: given.app.kind,
    app,
    system: () => Promise.resolve(given.system),
    owner: () => Promise.resolve(given.owner),
    close: () => Promise.resolve(),
  })
  type Tables = Parameters<typeof defineResource>[0]['table'][]
  const platform = (...tables: Tables): Database => platformOn(subject.app, ...tables)
  const platformOn = (app: Driver, ...tables: Tables): Database => {
    const registry = readDeclaration(
      tables.map((table) => defineResource({ table })),
      [],
      [],
    )
    const made = databaseFrom(driversOf(subject, app), {
      isolation: 'schema',
      rolePrefix: subject.prefix,
      appLogin: { user: subject.roles.app, password },
      systemPassword: password,
    })
    const log = silentLog
    expect(
      made.attach({ registry, log, clock: { now: () => new Date() }, deliver: () => Promise.resolve(false) }),
    ).toEqual([])
    registries.set(made, registry)
    return made
  }
  const registries = new WeakMap<Database, ReturnType<typeof readDeclaration>>()
  const resource = (name: string, of = database): ReturnType<typeof readDeclaration>['resources'][number] =>
    registries.get(of)!.resources.find((one) => one.sqlName === name)!
  const found = async (slug: string, of = database): Promise<string> => {
    const { tenant } = await of.foundTenant(
      { slug, name: slug },
      (one) => scopeOf(one.id),
      () => Promise.resolve(),
    )
    return tenant.id
  }
  const add = async (tenantId: string, name: string, of = database): Promise<string> => {
    const id = randomUUID()
    const info = resource('sites', of)
    const values = new Map([[fieldOf(info, 'name'), name]])
    await of.session(scopeOf(tenantId)).create({ resource: info, id, ownerUserId: null, values })
    return id
  }
  const read = async (tenantId: string, id: string, of = database): Promise<unknown> =>
    (await of.session(scopeOf(tenantId)).read({ resource: resource('sites'), id, visible: everything.visible }))?.[
      'name'
    ]
  /** Without what other tests plant at this moment: settings of roles are the whole cluster's. */
  const checked = async (of: Database): ReturnType<Database['check']> =>
    (await of.check()).filter((fault) => !fault.path.startsWith('setting '))
  const failure = async (work: () => Promise<unknown>): Promise<string> => {
    try {
      await work()
      return 'ok'
    } catch (error) {
      if (PlinthError.is(error)) return error.code
      throw error
    }
  }

  beforeAll(async () => {
    subject = await open()
    database = platform(sites, pages)
    first = await database.migrate({})
  }, 60_000)
  afterAll(() => subject.close())

  test('a tenant is founded with its schema, which is as declared; a second migrate does nothing', async () => {
    expect([first.failed, first.warnings]).toEqual([[], []])
    const [a, b] = [await found('a'), await found('b')]
    const [one, two] = [await add(a, 'of a'), await add(b, 'of b')]
    expect([await read(a, one), await read(b, two), await read(a, two), await read(b, one)]).toEqual([
      'of a',
      'of b',
      undefined,
      undefined,
    ])
    expect(await checked(database)).toEqual([])
    expect((await database.migrate({})).applied).toEqual([])
    const [shared] = await subject.owner.query(`select to_regclass('public.sites') is null as "none"`)
    expect(shared?.['none']).toBe(true)
  })

  test('a failure while it is founded leaves nothing', async () => {
    const count = `select count(*)::int as n from pg_namespace where nspname like 'tenant\\_%'`
    const [before] = await subject.owner.query(count)
    const founding = database.foundTenant(
      { slug: 'lost', name: 'lost' },
      (one) => scopeOf(one.id),
      () => Promise.reject(new Error('no')),
    )
    await expect(founding).rejects.toThrow('no')
    expect(await subject.owner.query(count)).toEqual([before])
    expect(await database.findTenant('lost')).toBeUndefined()
  })

  test('the runtime login makes nothing: no schema, no table, not by the function either', async () => {
    const tenant = await found('a')
    const schema = tenantSchema(tenant)
    expect(await outcome(subject.app.query('create schema mine'))).toBe('42501')
    expect(await outcome(subject.app.query(`create table ${schema}.mine (id int)`))).toBe('42501')
    expect(await outcome(subject.app.query(`select plinth.make_tenant_schema($1::uuid)`, [randomUUID()]))).toBe('42501')
    // Nor does the system role get a schema for a tenant that is none, or a second one.
    expect(await outcome(subject.system.query(`select plinth.make_tenant_schema($1::uuid)`, [randomUUID()]))).toBe(
      'P0002',
    )
    expect(await outcome(subject.system.query(`select plinth.make_tenant_schema($1::uuid)`, [tenant]))).toBe('42P06')
  })

  test('kept plans follow the tenant: 400 interleaved statements on one connection, each prepared', async () => {
    const ids = await Promise.all(['a', 'b', 'c'].map((slug) => found(slug)))
    const rows = await Promise.all(ids.map((id, at) => add(id, `plan ${at}`)))
    const kept = subject.url === '' ? undefined : keepingPlans(loginUrl(subject.url, subject.roles.app, password))
    const single = kept ? platformOn(kept, sites, pages) : database
    for (let round = 0; round < 400; round += 1) {
      const at = (round * 7) % 3
      const row = (round * 5) % 3
      expect(await read(ids[at]!, rows[row]!, single)).toBe(at === row ? `plan ${at}` : undefined)
    }
    await kept?.close()
    const past = subject.url === '' ? subject.owner : keepingPlans(subject.url)
    // The same by hand, past conditions and policies: as the superuser, whom only the path keeps apart.
    const names = async (path: string): Promise<unknown> =>
      (
        await past.query(`select name from sites where name like $1::text order by 1`, ['plan%'], {
          prepare: true,
          searchPath: path,
        })
      ).map((one) => one['name'])
    for (let round = 0; round < 30; round += 1)
      expect(await names(searchPathOf(ids[round % 3]!))).toEqual([`plan ${round % 3}`])
    await expect(names('pg_catalog, pg_temp')).rejects.toMatchObject({ code: '42P01' })
    if (past !== subject.owner) await past.close()
  })

  test('a transaction has the path from its first statement on, and nothing of it is left behind', async () => {
    const [a, b] = [await found('a'), await found('b')]
    const id = await add(a, 'in a transaction')
    const inside = (tenant: string): Promise<unknown> =>
      database.transaction(scopeOf(tenant), (transaction) =>
        transaction.lock({ resource: resource('sites'), id, visible: everything.visible }),
      )
    expect(await inside(a)).toMatchObject({ name: 'in a transaction' })
    expect(await inside(b)).toBeUndefined()
    expect(
      await database.systemTransaction(scopeOf(b), (transaction) =>
        transaction.read({ resource: resource('sites'), id, visible: everything.visible }),
      ),
    ).toBeUndefined()
    expect(await outcome(subject.app.query('select from sites'))).toBe('42P01')
  })

  test('an error names the field, whichever schema it comes from', async () => {
    const a = await found('a')
    await add(a, 'taken')
    const error = await add(a, 'taken').catch((one: unknown) => one)
    expect(PlinthError.is(error) && [error.code, error.errors?.map((one) => one.path)]).toEqual([
      'already_exists',
      ['/name'],
    ])
  })

  test('a policy that is gone in one schema: that tenant gets 503, the others are served, until it is mended', async () => {
    const [a, b] = [await found('a'), await found('b')]
    const id = await add(b, 'served')
    await subject.owner.query(`drop policy plinth_tenant on ${tenantSchema(a)}.sites`)
    expect(await checked(database)).toEqual([])
    expect(await failure(() => read(a, id))).toBe('not_ready')
    expect(await read(b, id)).toBe('served')
    const report = await database.migrate({})
    expect(report.applied).toEqual(['tenant a: made policy plinth_tenant on sites'])
    expect(await checked(database)).toEqual([])
    expect(await failure(() => read(a, id))).toBe('ok')
  })

  test.each(['disable row level security', 'no force row level security'])(
    '%s in one schema beside a process that serves: that tenant gets 503 from the next look on, the others are served',
    async (change) => {
      const [a, b] = [await found('a'), await found('b')]
      const id = await add(b, change)
      await subject.owner.query(`alter table ${tenantSchema(a)}.sites ${change}`)
      expect(await failure(() => read(a, id))).toBe('ok')
      expect(await database.recheck?.()).toEqual([])
      expect(await failure(() => read(a, id))).toBe('not_ready')
      expect(await read(b, id)).toBe(change)
      await subject.owner.query(
        `alter table ${tenantSchema(a)}.sites ${change.replace('disable', 'enable').replace('no ', '')}`,
      )
      expect(await checked(database)).toEqual([])
      expect(await failure(() => read(a, id))).toBe('ok')
    },
  )

  test('schemas that are made at founding and those that are migrated are alike, whatever was added when', async () => {
    const later = platform(ranked, pages)
    const faults = await checked(later)
    expect(faults.map((fault) => fault.path)).toContain('function plinth.make_tenant_schema')
    const report = await later.migrate({})
    expect(report.failed).toEqual([])
    expect(report.applied.filter((words) => words.includes('added column sites.rank')).length).toBeGreaterThan(1)
    expect(await checked(later)).toEqual([])
    const fresh = await found('fresh', later)
    await add(fresh, 'ranked', later)
    const digests = await schemaDigests(subject.app)
    expect(digests.has(tenantSchema(fresh))).toBe(true)
    expect((await later.migrate({})).applied).toEqual([])
  })

  test('one tenant’s rows break a new rule: all others are done, he is named, the next run does him alone', async () => {
    const later = platform(strict, pages)
    const bad = await found('bad')
    const schema = tenantSchema(bad)
    const insert = `insert into ${schema}.sites (tenant_id, id, name, mood) values ($1::uuid, gen_random_uuid(), $2::text, 'sad')`
    for (const name of ['one', 'two']) await subject.owner.query(insert, [bad, name])
    const report = await later.migrate({})
    expect(report.failed).toEqual([expect.objectContaining({ path: `tenant bad (schema ${schema})` })])
    expect(report.applied.some((words) => words.startsWith('tenant a: '))).toBe(true)
    await subject.owner.query(`delete from ${schema}.sites where name = 'two'`)
    const again = await later.migrate({})
    expect([again.failed, again.applied.map((words) => words.split(':')[0])]).toEqual([[], ['tenant bad']])
  })
})
