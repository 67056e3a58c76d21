import { pgSchema, text, unique, uuid } from 'drizzle-orm/pg-core'
import { belongsTo, resourceTable, type Feature, type StartupFault } from '@plinth/core'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { asFaults } from './fault.ts'
import { check, inspect, migrate, onPGlite, onServer, registryOf, type Subject } from '../../tests/migration-fixture.ts'

// Each defect is planted in a database that was right, found, and taken out again.

const sites = resourceTable('sites', { name: text().notNull() })
const projects = resourceTable('projects', { name: text(), siteId: belongsTo(() => sites) }, (table) => [
  unique('projects_name_key').on(table.tenantId, table.name),
])
const log = pgSchema('plinth').table('check_log', { tenantId: uuid('tenant_id').notNull(), id: uuid('id').notNull() })
const feature: Feature = {
  name: 'log',
  tables: [log],
  migrations: [
    {
      id: '0001',
      sql: 'create table plinth.check_log (tenant_id uuid not null, id uuid not null); grant insert on plinth.check_log to {app}',
    },
    {
      id: '0002',
      sql: `-- Who writes it, says so.
create policy check_log_told on plinth.check_log as restrictive for insert to {app}
  with check (id is not null and current_setting('plinth.principal', true) <> '');
create policy check_log_gone on plinth.check_log as restrictive for insert to {app} with check (true);
drop policy check_log_gone on plinth.check_log;`,
    },
  ],
}
const registry = registryOf([sites, projects], [feature])

interface Defect {
  readonly name: string
  readonly plant: string
  readonly heal: string
  /** Path and part of the problem; each must be among the faults, and there are no others. */
  readonly found: readonly (readonly [path: string, problem: string])[]
  /** A part of some fix. */
  readonly fix: string
}

const ourRule = `tenant_id = nullif(current_setting('plinth.tenant', true), '')::uuid`

const toldAgain = `create policy check_log_told on plinth.check_log as restrictive for insert to {app} with check (id is not null and current_setting('plinth.principal', true) <> '')`

const defects: readonly Defect[] = [
  {
    name: 'drizzle-kit push: row-level security off, policies dropped',
    plant:
      'alter table sites disable row level security; drop policy plinth_tenant on sites; drop policy plinth_app on sites; drop policy plinth_system on sites',
    heal: 'migrate',
    found: [
      ['table public.sites', 'row-level security is off'],
      ['table public.sites policy plinth_tenant', 'is missing'],
      ['table public.sites policy plinth_app', 'is missing'],
      ['table public.sites policy plinth_system', 'is missing'],
    ],
    fix: 'drizzle-kit push does this in silence: never use it',
  },
  {
    name: 'drizzle-kit push: a policy without its USING',
    plant: 'drop policy plinth_tenant on sites; create policy plinth_tenant on sites as restrictive to public',
    heal: 'migrate',
    found: [['table public.sites policy plinth_tenant', 'to public using nothing']],
    fix: 'run plinth.migrate()',
  },
  {
    name: 'a policy of a feature, dropped by hand',
    plant: 'drop policy check_log_told on plinth.check_log',
    heal: toldAgain,
    found: [['table plinth.check_log policy check_log_told', 'is missing']],
    fix: 'create policy check_log_told on plinth.check_log as restrictive for insert to "{app}" with check (id is not null',
  },
  {
    name: 'a policy of a feature for the wrong role',
    plant: 'alter policy check_log_told on plinth.check_log to {system}',
    heal: `drop policy check_log_told on plinth.check_log; ${toldAgain}`,
    found: [
      [
        'table plinth.check_log policy check_log_told',
        'is restrictive for insert to {system}; it must be restrictive for insert to {app}',
      ],
    ],
    fix: 'alter policy "check_log_told" on "plinth"."check_log" to "{app}" with check (id is not null',
  },
  {
    name: 'a policy of a feature that lets everything through',
    plant: 'alter policy check_log_told on plinth.check_log with check (true)',
    heal: `drop policy check_log_told on plinth.check_log; ${toldAgain}`,
    found: [['table plinth.check_log policy check_log_told', 'says nothing of id any more (true)']],
    fix: 'alter policy "check_log_told" on "plinth"."check_log" to "{app}" with check (id is not null',
  },
  {
    name: 'a policy of a feature that lets in instead of keeping out',
    plant: `drop policy check_log_told on plinth.check_log; ${toldAgain.replace('restrictive', 'permissive')}`,
    heal: `drop policy check_log_told on plinth.check_log; ${toldAgain}`,
    found: [
      ['table plinth.check_log policy check_log_told', 'is permissive for insert to {app}; it must be restrictive'],
    ],
    fix: 'drop policy "check_log_told" on "plinth"."check_log"; create policy check_log_told',
  },
  {
    name: 'a permissive policy of the platform that nobody has any more',
    plant: 'drop policy plinth_lookup on plinth.tenants',
    heal: 'create policy plinth_lookup on plinth.tenants for select to {lookup} using (true)',
    found: [['table plinth.tenants policy plinth_lookup', 'is missing']],
    fix: 'create policy plinth_lookup on plinth.tenants for select to "{lookup}" using (true)',
  },
  {
    name: 'not forced',
    plant: 'alter table sites no force row level security',
    heal: 'alter table sites force row level security',
    found: [['table public.sites', 'not forced']],
    fix: 'alter table "public"."sites" force row level security;',
  },
  {
    name: 'a permissive tenant policy',
    plant: `drop policy plinth_tenant on sites; create policy plinth_tenant on sites to {app} using (${ourRule})`,
    heal: 'migrate',
    found: [['table public.sites policy plinth_tenant', 'is permissive for all']],
    fix: 'run plinth.migrate()',
  },
  {
    name: 'a tenant policy that lets everything through',
    plant: `alter policy plinth_tenant on sites using (${ourRule} or current_setting('plinth.tenant', true) is null)`,
    heal: 'migrate',
    found: [['table public.sites policy plinth_tenant', ' OR ']],
    fix: 'run plinth.migrate()',
  },
  {
    name: 'a tenant policy that does not bind writes',
    plant: 'alter policy plinth_tenant on sites with check (true)',
    heal: 'migrate',
    found: [['table public.sites policy plinth_tenant', 'with check true']],
    fix: 'run plinth.migrate()',
  },
  {
    name: 'a tenant policy for reading only',
    plant: `drop policy plinth_tenant on sites; create policy plinth_tenant on sites as restrictive for select to {app} using (${ourRule})`,
    heal: 'migrate',
    found: [['table public.sites policy plinth_tenant', 'for select']],
    fix: 'run plinth.migrate()',
  },
  {
    name: 'somebody else’s permissive policy',
    plant: 'create policy reports on sites for select using (true)',
    heal: 'drop policy reports on sites',
    found: [['table public.sites policy reports', 'that Plinth did not make']],
    fix: 'drop policy "reports" on "public"."sites";',
  },
  {
    name: 'TRUNCATE and TRIGGER for the runtime role',
    plant: 'grant truncate, trigger on sites to {app}',
    heal: 'migrate',
    found: [
      ['table public.sites', 'has TRIGGER'],
      ['table public.sites', 'has TRUNCATE'],
    ],
    fix: 'revoke truncate on "public"."sites" from',
  },
  {
    name: 'TRUNCATE for everybody on a platform table',
    plant: 'grant truncate on plinth.events to public',
    heal: 'revoke truncate on plinth.events from public',
    found: [['table plinth.events', 'everybody has TRUNCATE']],
    fix: 'from public;',
  },
  {
    name: 'a missing grant',
    plant: 'revoke update on sites from {app}',
    heal: 'migrate',
    found: [['table public.sites', 'may not update']],
    fix: 'run plinth.migrate()',
  },
  {
    name: 'a missing table, which takes the foreign key of others along',
    plant: 'drop table sites cascade',
    heal: 'migrate',
    found: [
      ['table public.sites', 'the table of site is missing'],
      ['table public.projects', 'has no foreign key (tenant_id, site_id)'],
    ],
    fix: 'run plinth.migrate()',
  },
  {
    name: 'a missing column and a column of another type',
    plant: 'alter table sites drop column name; alter table projects alter column name type varchar(10)',
    heal: 'alter table sites add column name text not null; alter table projects alter column name type text',
    found: [
      ['table public.sites.name', 'the column is missing'],
      ['table public.projects.name', 'is character varying(10) and declared text'],
    ],
    fix: 'npx drizzle-kit generate',
  },
  {
    name: 'a foreign key that crosses tenants',
    plant:
      'create unique index crossing on sites (id); alter table projects add constraint crossing foreign key (site_id) references sites (id)',
    heal: 'alter table projects drop constraint crossing; drop index crossing',
    found: [
      ['table public.projects foreign key crossing', 'reaches into every tenant'],
      ['table public.sites unique crossing', 'unique over all tenants'],
    ],
    fix: 'drop constraint "crossing"',
  },
  {
    name: 'a unique key without tenant',
    plant: 'alter table projects add constraint worldwide unique (name)',
    heal: 'alter table projects drop constraint worldwide',
    found: [['table public.projects unique worldwide', 'a refused value tells']],
    fix: 'drop constraint "worldwide"',
  },
  {
    name: 'a side table with tenant column and no policy',
    plant:
      'create table project_tags (tenant_id uuid not null, tag text); grant select, insert on project_tags to {app}',
    heal: 'drop table project_tags',
    found: [
      ['table public.project_tags', 'row-level security is off'],
      ['table public.project_tags policy plinth_tenant', 'is missing'],
      ['table public.project_tags policy plinth_app', 'is missing'],
      ['table public.project_tags policy plinth_system', 'is missing'],
    ],
    fix: 'declare it with resourceTable',
  },
  {
    name: 'a side table of the platform with tenant column and no policy',
    plant: 'create table plinth.side (tenant_id uuid)',
    heal: 'drop table plinth.side',
    found: [
      ['table plinth.side', 'row-level security is off'],
      ['table plinth.side policy plinth_tenant', 'is missing'],
      ['table plinth.side policy plinth_app', 'is missing'],
      ['table plinth.side policy plinth_system', 'is missing'],
    ],
    fix: 'run plinth.migrate()',
  },
  {
    name: 'a side table of the platform without tenant column, within reach',
    plant: 'create table plinth.side (secret text); grant select (secret) on plinth.side to {app}',
    heal: 'drop table plinth.side',
    found: [
      ['table plinth.side', 'row-level security is off'],
      ['table plinth.side', 'has no tenant column'],
    ],
    fix: 'revoke all on "plinth"."side"',
  },
  {
    name: 'the users within reach',
    plant: 'grant select (email) on plinth.users to {app}',
    heal: 'revoke select (email) on plinth.users from {app}',
    found: [['table plinth.users', 'the runtime login may select']],
    fix: 'revoke all on "plinth"."users"',
  },
  {
    name: 'the policy of a feature’s table',
    plant: 'drop policy plinth_tenant on plinth.check_log',
    heal: 'migrate',
    found: [['table plinth.check_log policy plinth_tenant', 'is missing']],
    fix: 'run plinth.migrate()',
  },
  {
    name: 'the policy of a platform table',
    plant: 'alter policy plinth_tenant on plinth.tenants using (true)',
    heal: `alter policy plinth_tenant on plinth.tenants using (id = nullif(current_setting('plinth.tenant', true), '')::uuid)`,
    found: [['table plinth.tenants policy plinth_tenant', 'using true']],
    fix: 'run plinth.migrate()',
  },
  {
    name: 'a view with the rights of its owner',
    plant: 'create view all_sites as select * from sites',
    heal: 'drop view all_sites',
    found: [['view public.all_sites', 'past the policies of whoever asks']],
    fix: 'alter view "public"."all_sites" set (security_invoker = true);',
  },
  {
    name: 'such a view in another schema, within reach',
    plant:
      'create schema reports; create view reports.sites as select count(*) from public.sites; grant select on reports.sites to {app}',
    heal: 'drop schema reports cascade',
    found: [['view reports.sites', 'past the policies']],
    fix: 'security_invoker',
  },
  {
    name: 'a materialized view within reach',
    plant: 'create materialized view site_report as select * from sites; grant select on site_report to {app}',
    heal: 'drop materialized view site_report',
    found: [['view public.site_report', 'is materialized']],
    fix: 'revoke all on "public"."site_report"',
  },
  {
    name: 'a SECURITY DEFINER function without search_path',
    plant: `create function peek(wanted text) returns bigint language sql security definer as 'select count(*) from public.sites'`,
    heal: 'drop function peek',
    found: [['function public.peek(wanted text)', 'SECURITY DEFINER']],
    fix: 'alter function "public"."peek"(wanted text) set search_path = pg_catalog, pg_temp;',
  },
  {
    name: 'CREATE on the platform’s schema',
    plant: 'grant create on schema plinth to {app}',
    heal: 'revoke create on schema plinth from {app}',
    found: [['runtime login {app}', 'may create objects in schema plinth']],
    fix: 'revoke create on schema plinth',
  },
  {
    name: 'BYPASSRLS',
    plant: 'alter role {app} bypassrls',
    heal: 'alter role {app} nobypassrls',
    found: [['runtime login {app}', 'has BYPASSRLS']],
    fix: 'nobypassrls;',
  },
  {
    name: 'CREATEROLE',
    plant: 'alter role {app} createrole',
    heal: 'alter role {app} nocreaterole',
    found: [['runtime login {app}', 'has CREATEROLE']],
    fix: 'nocreaterole;',
  },
  {
    name: 'membership in the owner',
    plant: 'grant {owner} to {app}',
    heal: 'revoke {owner} from {app}',
    found: [
      ['runtime login {app}', 'is a member of {owner}'],
      ['runtime login {app}', 'may create objects in schema plinth'],
      ['runtime login {app}', 'may create objects in schema public'],
    ],
    fix: 'revoke "{owner}" from "{app}";',
  },
  {
    name: 'membership in the system role',
    plant: 'grant {system} to {app}',
    heal: 'revoke {system} from {app}',
    found: [
      ['runtime login {app}', 'is a member of {system}'],
      ['table plinth.rate_buckets', 'the runtime login may delete, select'],
      ['table plinth.users', 'the runtime login may delete, insert, select, update'],
    ],
    fix: 'revoke "{system}" from "{app}";',
  },
  {
    name: 'owning a table',
    plant: 'alter table sites owner to {app}',
    heal: 'migrate',
    found: [['runtime login {app}', 'owns sites']],
    fix: 'run plinth.migrate()',
  },
  {
    name: 'a tenant that is set from the start',
    plant: `alter role {app} set plinth.tenant = 'aaaaaaaa-0000-4000-8000-000000000001'`,
    heal: 'alter role {app} reset plinth.tenant',
    found: [
      [
        'setting plinth.tenant=aaaaaaaa-0000-4000-8000-000000000001',
        'is set from the start of every session, and not by migrate()',
      ],
    ],
    fix: 'reset plinth.tenant;',
  },
  {
    name: 'a setting that the runtime role could give itself',
    plant: 'alter role {app} set default_transaction_read_only = on',
    heal: 'alter role {app} reset default_transaction_read_only',
    found: [
      ['setting default_transaction_read_only=on', 'is set from the start of every session, and not by migrate()'],
    ],
    fix: 'reset default_transaction_read_only;',
  },
  {
    name: 'a migration that did not run',
    plant: `update plinth.migrations set feature = 'gol' where feature = 'log'`,
    heal: `update plinth.migrations set feature = 'log' where feature = 'gol'`,
    found: [['database migrations', 'not applied: log 0001']],
    fix: 'run plinth.migrate()',
  },
]

describe.each([
  { engine: 'PostgreSQL', open: () => onServer(inject('postgresUrl')) },
  { engine: 'PGlite', open: onPGlite },
])('on $engine', ({ open }) => {
  let subject: Subject
  beforeAll(async () => {
    subject = await open()
    await migrate(subject, registry)
  })
  afterAll(() => subject.close())

  const fill = (sql: string, quote = '"'): string =>
    sql.replaceAll(
      /\{(owner|app|system|lookup)\}/g,
      (_, role: 'owner' | 'app' | 'system' | 'lookup') => `${quote}${subject.roles[role]}${quote}`,
    )

  test('a migrated database has no fault', async () => {
    expect(await check(subject, registry)).toEqual([])
  })

  test.each(defects)('$name', async ({ plant, heal, found, fix }) => {
    await subject.owner.script(fill(plant))
    const faults = await check(subject, registry)
    if (heal === 'migrate') await migrate(subject, registry)
    else await subject.owner.script(fill(heal))
    for (const [path, problem] of found) {
      expect(faults).toContainEqual({
        path: fill(path, ''),
        problem: expect.stringContaining(fill(problem, '')) as string,
        fix: expect.any(String) as string,
      })
    }
    expect(faults.map((fault) => fault.path).sort()).toEqual(found.map(([path]) => fill(path, '')).sort())
    expect(faults.map((fault) => fault.fix).join('\n')).toContain(fill(fix, ''))
    expect(await check(subject, registry)).toEqual([])
  })

  test.each(defects)('$name: the SQL that is printed mends it as it stands', async ({ plant, heal }) => {
    await subject.owner.script(fill(plant))
    const found = (await inspect(subject, registry)).filter((one) => one.severity === 'error')
    expect(asFaults(found)).toEqual(await check(subject, registry))
    const mendable = found.filter((one) => one.sql !== undefined)
    for (const sql of new Set(mendable.map((one) => one.sql))) await subject.owner.script(sql ?? '')
    const left = await check(subject, registry)
    for (const one of mendable) expect(left).not.toContainEqual({ path: one.path, problem: one.problem, fix: one.fix })
    // Every finding that no SQL mends says what else does.
    for (const one of found.filter(({ sql }) => sql === undefined))
      expect(one.fix).toMatch(/plinth\.migrate\(|DATABASE_URL|drizzle-kit generate/)
    // What was planted and is harmless now goes too.
    for (const sql of heal === 'migrate' ? [] : fill(heal).split('; '))
      await subject.owner.query(sql).catch(() => undefined)
    await migrate(subject, registry)
    expect(await check(subject, registry)).toEqual([])
  })

  test('the login that migrates may not serve', async () => {
    const faults = await check(subject, registry, subject.owner)
    expect(faults).toContainEqual(
      expect.objectContaining({
        problem: expect.stringContaining('is a superuser') as string,
        fix: expect.stringContaining('DATABASE_OWNER_URL') as string,
      }) as StartupFault,
    )
  })

  test('the owner of the database may not', async () => {
    if (subject.engine === 'PGlite') return
    const name = new URL(subject.url).pathname.slice(1)
    await subject.owner.script(`alter database "${name}" owner to "${subject.roles.app}"`)
    expect((await check(subject, registry)).map((fault) => fault.problem)).toEqual([
      expect.stringContaining('owns the database'),
    ])
    await subject.owner.script(`alter database "${name}" owner to current_user`)
  })

  test('the system role may not serve either', async () => {
    const faults = await check(subject, registry, subject.system)
    expect(faults.map((fault) => fault.problem)).toEqual(
      expect.arrayContaining([
        `is ${subject.roles.system}, which sees every tenant`,
        expect.stringContaining('is not a member of'),
      ]),
    )
  })
})

describe('an empty database', () => {
  test('is one fault, not one for each table', async () => {
    const subject = await onServer(inject('postgresUrl'))
    await migrate(subject, registry)
    await subject.owner.script('drop schema plinth cascade')
    expect(await check(subject, registry)).toEqual([
      {
        path: 'database',
        problem: 'is not migrated: there is no schema plinth',
        fix: 'run plinth.migrate() (plinth migrate on the command line)',
      },
    ])
    await subject.close()
  })
})
