import { pgSchema, text, uuid } from 'drizzle-orm/pg-core'
import type { Feature } from '@plinth/core'
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest'
import {
  check,
  inTenant,
  migrate,
  onPGlite,
  onServer,
  outcome,
  registryOf,
  tenants,
  type Subject,
} from '../../tests/migration-fixture.ts'
import { readCatalog } from '../catalog/read-catalog.ts'

const plinth = pgSchema('plinth')
const tenantColumns = () => ({ tenantId: uuid('tenant_id').notNull(), id: uuid('id').notNull() })
const columnsSql = 'tenant_id uuid not null, id uuid not null, primary key (tenant_id, id)'
const notes = plinth.table('test_notes', { ...tenantColumns(), body: text('body') })
const log = plinth.table('test_log', tenantColumns())

const notesFeature: Feature = {
  name: 'notes',
  tables: [notes],
  migrations: [{ id: '0001_notes', sql: `create table plinth.test_notes (${columnsSql}, body text);` }],
}
const logFeature: Feature = {
  name: 'log',
  tables: [log],
  migrations: [
    { id: '0002_more', sql: `comment on table plinth.test_log is 'it''s; appended to'` },
    { id: '0001_log', sql: `create table plinth.test_log (${columnsSql}); grant insert on plinth.test_log to {app};` },
  ],
}

describe.each([
  { engine: 'PostgreSQL', open: () => onServer(inject('postgresUrl')) },
  { engine: 'PGlite', open: onPGlite },
])('features on $engine', ({ open }) => {
  let subject: Subject
  beforeEach(async () => void (subject = await open()))
  afterEach(() => subject.close())

  test('get their SQL run once, in order, and their tables secured', async () => {
    const registry = registryOf([], [logFeature, notesFeature])
    const { applied } = await migrate(subject, registry)
    const own = applied.filter((words) => words.startsWith('applied'))
    const platform = own.filter((words) => words.startsWith('applied platform migration'))
    expect(platform.length).toBeGreaterThan(1)
    expect(own).toEqual([
      ...platform,
      'applied migration 0001_log of log',
      'applied migration 0002_more of log',
      'applied migration 0001_notes of notes',
    ])
    expect(await check(subject, registry)).toEqual([])
    expect(await migrate(subject, registry)).toEqual({ applied: [], warnings: [], failed: [] })

    const [a, b] = tenants
    const insert = (tenant: string): string =>
      `insert into plinth.test_notes (tenant_id, id) values ('${tenant}', '${tenant}')`
    expect(await outcome(inTenant(subject.app, a, (connection) => connection.query(insert(a))))).toBe('ok')
    expect(await outcome(inTenant(subject.app, a, (connection) => connection.query(insert(b))))).toBe('42501')
    expect(await subject.system.query('select tenant_id from plinth.test_notes')).toHaveLength(1)
  })

  test('keep the grants that they chose themselves', async () => {
    await migrate(subject, registryOf([], [logFeature]))
    const { tables } = await readCatalog(subject.owner)
    expect(tables.find((table) => table.name === 'test_log')?.grants).toEqual(
      expect.arrayContaining([
        { grantee: subject.roles.app, privileges: ['INSERT'] },
        { grantee: subject.roles.system, privileges: ['DELETE', 'INSERT', 'SELECT', 'UPDATE'] },
      ]),
    )
  })

  test('a migration that fails leaves neither its tables nor its row, and those before it stay', async () => {
    const broken: Feature = {
      name: 'broken',
      migrations: [{ id: '0001', sql: 'create table plinth.half ();\n-- then\nselect 1/0;' }],
    }
    const error: unknown = await migrate(subject, registryOf([], [broken])).catch((refused: unknown) => refused)
    expect(String(error)).toContain('migration 0001 of broken: select 1/0')
    const { tables } = await readCatalog(subject.owner)
    expect(tables.map((table) => table.name)).toContain('tenants')
    expect(tables.map((table) => table.name)).not.toContain('half')
    expect(await subject.owner.query(`select id from plinth.migrations where feature = 'broken'`)).toEqual([])
  })

  test('an edited migration is an error with words; one of a newer version is a warning', async () => {
    await migrate(subject, registryOf([], [notesFeature, logFeature]))
    const edited: Feature = { ...notesFeature, migrations: [{ id: '0001_notes', sql: 'select 1' }] }
    await expect(migrate(subject, registryOf([], [edited]))).rejects.toThrow(
      'Migrations were edited after they had run: notes 0001_notes',
    )
    const older: Feature = { ...logFeature, migrations: logFeature.migrations?.slice(1) ?? [] }
    expect(await migrate(subject, registryOf([], [older]))).toEqual({
      applied: [],
      warnings: ['The database is ahead of this code by: log 0002_more'],
      failed: [],
    })
    // Line ends of a checkout on Windows are no edit.
    const windows: Feature = {
      ...logFeature,
      migrations: (logFeature.migrations ?? []).map(({ id, sql }) => ({ id, sql: sql.replaceAll('\n', '\r\n') })),
    }
    expect((await migrate(subject, registryOf([], [windows]))).applied).toEqual([])
  })

  test('what the start misses of a feature is named', async () => {
    await migrate(subject, registryOf([]))
    const faults = await check(subject, registryOf([], [notesFeature]))
    expect(faults).toEqual([
      {
        path: 'database migrations',
        problem: 'not applied: notes 0001_notes',
        fix: 'run plinth.migrate() (plinth migrate on the command line)',
      },
      expect.objectContaining({ path: 'table plinth.test_notes', problem: 'is missing' }),
    ])
  })
})
