import { desc, sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  char,
  check as checkOf,
  date,
  index,
  integer,
  jsonb,
  numeric,
  pgEnum,
  smallint,
  text,
  timestamp,
  unique,
  uniqueIndex,
  varchar,
  type ExtraConfigColumn,
} from 'drizzle-orm/pg-core'
import { belongsTo, deletedAt, resourceTable, type AnyResourceTable } from '@plinth/core'
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
  watchDdl,
  type Subject,
} from '../../tests/migration-fixture.ts'
import { readCatalog } from '../catalog/read-catalog.ts'
import { MigrationRefused } from './migration-refused.ts'

const engines = [
  { engine: 'PostgreSQL', open: () => onServer(inject('postgresUrl')) },
  { engine: 'PGlite', open: onPGlite },
] as const

const sites = resourceTable('sites', { name: text().notNull() })
const projects = resourceTable(
  'projects',
  {
    name: text().notNull(),
    siteId: belongsTo(() => sites, { onDelete: 'restrict' }),
  },
  (table) => [unique().on(table.tenantId, table.name)],
)

/** Two tables that point at each other, and one at itself. */
const teams: AnyResourceTable = resourceTable('teams', { leadId: belongsTo((): AnyResourceTable => people) })
const people: AnyResourceTable = resourceTable('people', {
  teamId: belongsTo((): AnyResourceTable => teams, { onDelete: 'cascade' }).notNull(),
  bossId: belongsTo((): AnyResourceTable => people),
})

/** What the columns in the third argument are when it runs; resourceTable types them as plain columns. */
const inIndex = (column: unknown): ExtraConfigColumn => column as ExtraConfigColumn

const mood = pgEnum('mood', ['sad', "it's", 'glad'])
/** Defaults, checks and indexes of every kind: what a second run compares. */
const samples = resourceTable(
  'samples',
  {
    label: text().default("it's \\ a `label` {owner} $1"),
    count: integer().notNull().default(-5),
    small: smallint().default(0),
    big: bigint({ mode: 'bigint' }).default(9_007_199_254_740_993n),
    amount: numeric({ precision: 10, scale: 2 }).default('12.50'),
    code: varchar({ length: 20 }).default('x'),
    fixed: char({ length: 3 }),
    flag: boolean().notNull().default(true),
    data: jsonb().default({}),
    list: jsonb().default([1, "x'y"]),
    mood: mood().notNull().default('sad'),
    day: date().default('2026-01-01'),
    at: timestamp({ withTimezone: true, precision: 3 }).defaultNow(),
    plain: timestamp(),
    token: text().default(sql`md5('a' || 'b')`),
    lower: text().generatedAlwaysAs(sql`lower(label)`),
    deletedAt: deletedAt(),
  },
  (table) => [
    uniqueIndex('samples_label_key')
      .on(table.tenantId, sql`lower(${table.label})`)
      .where(sql`${table.deletedAt} is null`),
    index().on(table.tenantId, inIndex(table.count).desc(), inIndex(table.code).nullsFirst()),
    index('samples_data_idx').using('gin', table.data),
    checkOf('samples_count_check', sql`${table.count} between -10 and 10`),
    checkOf('samples_code_check', sql`${table.code} in ('x', 'y')`),
  ],
)

describe.each(engines)('on $engine', ({ open }) => {
  let subject: Subject
  beforeEach(async () => void (subject = await open()))
  afterEach(() => subject.close())

  const run = (...tables: AnyResourceTable[]): ReturnType<typeof migrate> => migrate(subject, registryOf(tables))
  const faults = (...tables: AnyResourceTable[]): ReturnType<typeof check> => check(subject, registryOf(tables))

  test('makes everything that the start wants to see, and a second run does nothing', async () => {
    const first = await run(sites, projects, teams, people)
    expect(first.warnings).toEqual([])
    expect(first.applied).toEqual(
      expect.arrayContaining([
        'applied platform migration 0001_platform',
        'created table sites',
        'created table projects',
        'added foreign key projects_site_id_fk to projects',
        'forced row-level security on sites',
        'made policy plinth_tenant on projects',
        `granted delete, insert, select, update on sites to ${subject.roles.app}`,
      ]),
    )
    expect(await faults(sites, projects, teams, people)).toEqual([])

    const ddl = await watchDdl(subject.owner)
    expect(await run(sites, projects, teams, people)).toEqual({ applied: [], warnings: [], failed: [] })
    expect(await ddl()).toEqual([])
  })

  test('the owner owns it all', async () => {
    await run(sites, teams, people)
    const { tables, schemas } = await readCatalog(subject.owner)
    expect(new Set(tables.map((table) => table.owner))).toEqual(new Set([subject.roles.owner]))
    expect(schemas.find((schema) => schema.name === 'plinth')?.owner).toBe(subject.roles.owner)
  })

  test('knows its own defaults, checks, generated columns and indexes again', async () => {
    await run(samples)
    expect(await run(samples)).toEqual({ applied: [], warnings: [], failed: [] })
    expect(await faults(samples)).toEqual([])
    const stored = await inTenant(subject.app, tenants[0], async (connection) => {
      await connection.query('insert into samples (tenant_id, id) values ($1::uuid, $1::uuid)', [tenants[0]])
      return connection.query('select * from samples')
    })
    expect(stored).toMatchObject([
      {
        label: "it's \\ a `label` {owner} $1",
        count: -5,
        big: '9007199254740993',
        amount: '12.50',
        code: 'x',
        flag: true,
        data: '{}',
        mood: 'sad',
        day: '2026-01-01',
        lower: "it's \\ a `label` {owner} $1",
        version: 1,
      },
    ])
  })

  test('adds columns, tables and indexes that were declared later', async () => {
    await run(sites)
    await inTenant(subject.app, tenants[0], (connection) =>
      connection.query("insert into sites (tenant_id, id, name) values ($1::uuid, $1::uuid, 'Berlin')", [tenants[0]]),
    )
    const later = resourceTable(
      'sites',
      {
        name: text().notNull(),
        note: text(),
        rank: integer().notNull().default(7),
        nextId: belongsTo((): AnyResourceTable => later),
      },
      (table) => [
        index('sites_name_idx').on(table.tenantId, table.name),
        unique('sites_note_key').on(table.tenantId, table.note),
      ],
    )

    const more = resourceTable('projects', { siteId: belongsTo(() => later) })
    const report = await run(later, more)
    expect(report.applied.slice(0, 11)).toEqual([
      'created table projects',
      'added column sites.note',
      'added column sites.rank',
      'added column sites.next_id',
      'created index projects_recent_idx on projects',
      'created index projects_site_id_idx on projects',
      'created index projects_owner_user_id_idx on projects',
      'created index projects_owner_group_id_idx on projects',
      'created index sites_next_id_idx on sites',
      'created index sites_name_idx on sites',
      'added unique key sites_note_key to sites',
    ])
    expect(report.applied.slice(11, 13)).toEqual([
      'added foreign key projects_site_id_fk to projects',
      'added foreign key sites_next_id_fk to sites',
    ])
    expect(await faults(later, more)).toEqual([])
    const [row] = await inTenant(subject.app, tenants[0], (connection) =>
      connection.query('select name, note, rank from sites'),
    )
    expect(row).toEqual({ name: 'Berlin', note: null, rank: 7 })
  })

  test('makes enum types, tables that point at each other, and a database that belongs to it alone', async () => {
    await subject.owner.script('grant create on schema public to public')
    const { applied } = await run(teams, people, samples)
    expect(applied).toContain('created type mood')
    expect(applied).toContain('took from everybody the right to create in schema public')
    expect(applied.indexOf('added foreign key people_team_id_fk to people')).toBeGreaterThan(
      applied.indexOf('created table teams'),
    )
    expect(await faults(teams, people, samples)).toEqual([])
  })

  test('refuses what adding cannot mend, names all of it, and changes nothing', async () => {
    const before = resourceTable(
      'things',
      {
        kind: text().notNull(),
        title: text(),
        count: integer().notNull().default(1),
        gone: text().notNull(),
        state: mood().notNull(),
        slug: text(),
        siteId: belongsTo(() => sites, { onDelete: 'cascade' }),
      },
      (table) => [
        index('things_slug_idx').on(table.tenantId, table.slug),
        checkOf('things_count_check', sql`${table.count} > 0`),
        unique('things_title_key').on(table.tenantId, table.title),
      ],
    )
    await run(sites, before)
    const changedMood = pgEnum('mood', ['sad', 'glad'])
    const after = resourceTable(
      'things',
      {
        kind: integer().notNull(),
        title: text().notNull(),
        count: integer().notNull().default(2),
        state: changedMood().notNull(),
        slug: text(),
        siteId: belongsTo(() => sites, { onDelete: 'restrict' }),
        needed: text().notNull(),
        welcome: text(),
      },
      (table) => [
        index('things_slug_idx').on(table.tenantId, desc(table.slug)),
        checkOf('things_count_check', sql`${table.count} > 1`),
        unique('things_title_key').on(table.tenantId, table.slug),
      ],
    )
    // Without roles: those of the cluster come and go with other tests.
    const inDatabase = async (): Promise<unknown> => ({ ...(await readCatalog(subject.owner)), roles: [], presets: [] })
    const catalog = await inDatabase()
    const refused: unknown = await run(sites, after, projects).catch((error: unknown) => error)

    expect(refused).toBeInstanceOf(MigrationRefused)
    const { differences, message } = refused as MigrationRefused
    expect(differences).toEqual([
      "type mood has the values 'sad', 'it's', 'glad', declared are 'sad', 'glad'",
      'things.kind is text in the database and declared integer',
      'things.title allows NULL in the database and is declared NOT NULL',
      'things.needed is missing, and declared NOT NULL without a default: rows that are there would have no value',
      'things.gone is NOT NULL without default in the database and not declared: every insert would fail',
      expect.stringContaining('things has UNIQUE (tenant_id, title)'),
      'foreign key things_site_id_fk of things is on delete cascade on update no action, declared is on delete restrict on update no action',
      'things.count has the default 1 in the database, declared is 2',
      expect.stringContaining('index things_slug_idx is CREATE INDEX'),
      'check things_count_check of things is ((count > 0)) in the database, declared is "count" > 1',
    ])
    expect(message).toContain('npx drizzle-kit generate')
    expect(message).toContain("plinth.migrate({ folder: './drizzle' })")
    expect(await inDatabase()).toEqual(catalog)
  })

  test('adds keys and checks where the rows keep them, else names the rules that are broken', async () => {
    const plain = resourceTable('things', { slug: text(), count: integer() })
    await run(sites, plain)
    const insert = (slug: string): Promise<unknown> =>
      inTenant(subject.app, tenants[0], (connection) =>
        connection.query(
          'insert into things (tenant_id, id, slug, count) values ($1::uuid, gen_random_uuid(), $2::text, 5)',
          [tenants[0], slug],
        ),
      )
    for (const slug of ['a', 'a']) await insert(slug)
    const strict = resourceTable('things', { slug: text(), count: integer() }, (table) => [
      unique('things_slug_key').on(table.tenantId, table.slug),
      checkOf('things_count_check', sql`${table.count} > 9`),
      checkOf('things_fine_check', sql`${table.count} > 1`),
    ])
    const refused: unknown = await run(sites, strict).catch((error: unknown) => error)
    expect((refused as MigrationRefused).differences).toEqual([
      expect.stringContaining('added unique key things_slug_key to things, because rows that are there break it'),
      expect.stringContaining('added check things_count_check to things, because rows that are there break it'),
    ])
    const { tables } = await readCatalog(subject.owner)
    expect(tables.find((table) => table.name === 'things')?.constraints.map((one) => one.name)).toEqual(['things_pk'])

    await inTenant(subject.app, tenants[0], (connection) =>
      connection.query('update things set slug = id::text, count = 10'),
    )
    expect((await run(sites, strict)).applied).toEqual([
      'added unique key things_slug_key to things',
      'added check things_count_check to things',
      'added check things_fine_check to things',
    ])
  })

  test('takes over tables and policies that others made', async () => {
    await run(sites)
    await subject.owner.script(`
      alter table sites owner to current_user;
      drop policy plinth_app on sites;
      drop policy plinth_tenant on sites;
      create policy plinth_tenant on sites as restrictive to public using (tenant_id = nullif(current_setting('plinth.tenant', true), '')::uuid) with check (true);
      alter policy plinth_system on sites to public;
      alter table sites no force row level security;
      grant truncate, references, trigger on sites to "${subject.roles.app}";
      grant select on sites to public;`)
    const found = await faults(sites)
    expect(found.map((fault) => fault.path)).toEqual(
      expect.arrayContaining([
        'table public.sites',
        'table public.sites policy plinth_tenant',
        'table public.sites policy plinth_app',
        'table public.sites policy plinth_system',
      ]),
    )
    const { applied } = await run(sites)
    expect(applied).toEqual([
      expect.stringContaining('the owner of sites'),
      'forced row-level security on sites',
      'dropped the wrong policy plinth_tenant on sites',
      'made policy plinth_tenant on sites',
      'made policy plinth_app on sites',
      'mended policy plinth_system on sites',
      'took the rights of everybody on sites',
      expect.stringMatching(/^took (MAINTAIN, )?REFERENCES, TRIGGER, TRUNCATE on sites from /),
    ])
    expect(await faults(sites)).toEqual([])
    expect((await run(sites)).applied).toEqual([])
  })

  test('a statement that PostgreSQL refuses is named by its purpose, and nothing is left', async () => {
    await subject.owner.script('create view projects as select 1 as one')
    const error: unknown = await run(sites, projects).catch((refused: unknown) => refused)
    expect(String(error)).toMatch(/Migration stopped at "created table projects".*"projects" already exists/s)
    expect((await readCatalog(subject.owner)).tables.some((table) => table.name === 'sites')).toBe(false)
  })

  test('says where another prefix was used before', async () => {
    await run(sites)
    await expect(
      migrate(subject, registryOf([sites]), { rolePrefix: `${subject.prefix}x_`, appLogin: undefined }),
    ).rejects.toThrow(
      `Schema plinth of this database belongs to ${subject.roles.owner} and not to ${subject.prefix}x_owner`,
    )
  })

  test('does not take an invalid index for one', async () => {
    await run(sites)
    await subject.owner.query(`update pg_index set indisvalid = false where indexrelid = 'sites_recent_idx'::regclass`)
    await expect(run(sites)).rejects.toThrow('index sites_recent_idx is invalid')
  })

  test('does not touch a table of the host that has the name of a resource', async () => {
    await subject.owner.script('create table sites (id serial primary key, title text not null)')
    const refused: unknown = await run(sites).catch((error: unknown) => error)
    expect((refused as MigrationRefused).differences).toEqual(
      expect.arrayContaining([
        'sites.tenant_id is missing, and declared NOT NULL without a default: rows that are there would have no value',
        'sites.id is integer in the database and declared uuid',
        'sites has the primary key (id), declared is (tenant_id, id)',
      ]),
    )
    expect(await outcome(subject.owner.query('select plinth.sites'))).not.toBe('ok')
    const { tables } = await readCatalog(subject.owner)
    expect(tables.find((table) => table.name === 'sites')).toMatchObject({ rowSecurity: false, policies: [] })
  })
})
