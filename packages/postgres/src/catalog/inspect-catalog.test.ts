import { index, text, unique } from 'drizzle-orm/pg-core'
import { belongsTo, resourceTable } from '@plinth/core'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { inspect, migrate, onPGlite, onServer, registryOf, type Subject } from '../../tests/migration-fixture.ts'

// What works and should be mended all the same: each is planted, found, and mended by exactly the SQL that is printed.

const sites = resourceTable('sites', { name: text().notNull() }, (table) => [
  index('sites_name_index').on(table.tenantId, table.name),
])
const projects = resourceTable('projects', { name: text(), siteId: belongsTo(() => sites) }, (table) => [
  unique('projects_name_key').on(table.tenantId, table.name),
])
const registry = registryOf([sites, projects])

const defects = [
  {
    name: 'a declared index that was dropped',
    plant: 'drop index sites_name_index',
    code: 'index_missing',
    path: 'table public.sites',
    sql: /^create index (concurrently )?"sites_name_index" on "public"."sites" using btree \("tenant_id", "name"\);$/,
  },
  {
    name: 'the index of a reference',
    plant: 'drop index projects_site_id_idx',
    code: 'index_missing',
    path: 'table public.projects',
    sql: /^create index (concurrently )?"projects_site_id_idx" on "public"."projects" using btree \("tenant_id", "site_id", /,
  },
  {
    name: 'a reference that is not declared, without an index',
    plant:
      'alter table sites add column parent_id uuid, add constraint by_hand foreign key (tenant_id, parent_id) references sites (tenant_id, id)',
    code: 'reference_without_index',
    path: 'table public.sites foreign key by_hand',
    sql: /^create index (concurrently )?"sites_tenant_id_parent_id_index" on "public"."sites" \("tenant_id", "parent_id"\);$/,
    heal: 'alter table sites drop column parent_id',
  },
  {
    name: 'an index whose building was interrupted',
    plant: `update pg_index set indisvalid = false where indexrelid = 'sites_name_index'::regclass`,
    code: 'index_invalid',
    path: 'table public.sites index sites_name_index',
    sql: /^reindex index (concurrently )?"public"."sites_name_index";$/,
  },
  {
    name: 'a login with BYPASSRLS',
    plant: 'create role {prefix}reports login bypassrls',
    code: 'role_bypassrls',
    path: 'role {prefix}reports',
    sql: /^alter role "\w+reports" nobypassrls;$/,
    heal: 'drop role {prefix}reports',
  },
  {
    name: 'a role of the platform as superuser',
    plant: 'alter role {prefix}system superuser',
    code: 'role_superuser',
    path: 'role {prefix}system',
    sql: /^alter role "\w+system" nosuperuser;$/,
  },
] as const

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

  // Roles are the cluster's: those of other test files come and go.
  const found = async () =>
    (await inspect(subject, registry)).filter(
      (one) => !one.path.startsWith('role ') || one.path.startsWith(`role ${subject.prefix}`),
    )
  const fill = (text: string): string => text.replaceAll('{prefix}', subject.prefix)

  test('a migrated database has no finding', async () => {
    expect(await found()).toEqual([])
  })

  test.each(defects)('$name', async ({ plant, code, path, sql, ...rest }) => {
    await subject.owner.script(fill(plant))
    const findings = await found()
    expect(findings.map((one) => [one.code, one.severity, one.path])).toEqual([[code, 'warning', fill(path)]])
    const [finding] = findings
    expect(finding?.sql).toMatch(sql)
    expect(finding?.fix).toBe(finding?.sql)
    expect(finding?.sql?.includes('concurrently')).toBe(
      subject.engine === 'PostgreSQL' && String(finding?.sql).includes('index'),
    )
    await subject.owner.query(finding?.sql ?? '')
    expect(await found()).toEqual([])
    if ('heal' in rest) await subject.owner.script(fill(rest.heal))
  })

  test('a unique key that is gone is found, and migrate() puts it back', async () => {
    await subject.owner.script('alter table projects drop constraint projects_name_key')
    expect(await found()).toEqual([
      {
        code: 'constraint_missing',
        severity: 'warning',
        path: 'table public.projects',
        problem: expect.stringContaining('projects_name_key') as string,
        fix: expect.stringContaining('plinth migrate') as string,
      },
    ])
    await migrate(subject, registry)
    expect(await found()).toEqual([])
  })

  test('who migrates is told of each step before it is committed, and after', async () => {
    await subject.owner.script('drop table projects')
    const told: string[] = []
    await migrate(subject, registry, { onProgress: ({ state, step }) => told.push(`${state} ${step}`) })
    const running = told.indexOf('running created table projects')
    expect(running).toBeGreaterThan(-1)
    expect(told.indexOf('done created table projects')).toBeGreaterThan(running)
    expect(told.join('\n')).not.toContain('become')
  })
})
