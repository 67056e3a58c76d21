import { text, unique } from 'drizzle-orm/pg-core'
import { belongsTo, resourceTable } from '@plinth/core'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { tenantSchema } from '../isolation/tenant-schema.ts'
import {
  inTenant,
  migrate,
  onPGlite,
  onServer,
  outcome,
  registryOf,
  tenants,
  type Subject,
} from '../../tests/migration-fixture.ts'

// What the migrated database itself keeps apart, asked as each of its roles, without any filter in the query.

const sites = resourceTable('sites', { name: text().notNull() })
const projects = resourceTable('projects', { name: text().notNull(), siteId: belongsTo(() => sites) }, (table) => [
  unique('projects_name_key').on(table.tenantId, table.name),
])
const registry = registryOf([sites, projects])
const [a, b] = tenants
const ids = { [a]: 'aaaaaaaa-0000-4000-8000-00000000000a', [b]: 'bbbbbbbb-0000-4000-8000-00000000000b' } as const

describe.each(
  (['shared', 'schema'] as const).flatMap((isolation) => [
    { engine: 'PostgreSQL', isolation, open: () => onServer(inject('postgresUrl')) },
    { engine: 'PGlite', isolation, open: onPGlite },
  ]),
)('on $engine, isolation $isolation', ({ open, isolation }) => {
  let subject: Subject
  const placeOf = (tenant: string): string => (isolation === 'shared' ? 'public' : tenantSchema(tenant))
  const places = [...new Set(tenants.map(placeOf))]
  const sitesOfA = `${placeOf(a)}.sites`

  beforeAll(async () => {
    subject = await open()
    await migrate(subject, registry, { isolation })
    for (const tenant of tenants) {
      await subject.system.query(
        `insert into plinth.tenants (id, slug, name) values ($1::uuid, 'tenant-' || left($1::text, 1), 'A tenant')`,
        [tenant],
      )
      if (isolation === 'schema') await subject.system.query('select plinth.make_tenant_schema($1::uuid)', [tenant])
      await inTenant(subject.app, tenant, async (connection) => {
        await connection.query(
          `insert into ${placeOf(tenant)}.sites (tenant_id, id, name) values ($1::uuid, $2::uuid, 'canary ' || left($1::text, 1))`,
          [tenant, ids[tenant]],
        )
        await connection.query(
          `insert into ${placeOf(tenant)}.projects (tenant_id, id, name) values ($1::uuid, $2::uuid, 'same name')`,
          [tenant, ids[tenant]],
        )
      })
    }
  })
  afterAll(() => subject.close())

  const count = async (sql: string, driver = subject.app): Promise<number> =>
    Number((await driver.query(`select count(*)::int4 as n from (${sql}) x`))[0]?.['n'])
  const asA = <T>(sql: string): Promise<T> =>
    inTenant(subject.app, a, (connection) => connection.query(sql)) as Promise<T>

  test('no tenant is no rows, an empty one too; nonsense is an error', async () => {
    expect(await count(`select * from ${sitesOfA}`)).toBe(0)
    expect(await inTenant(subject.app, '', (connection) => connection.query(`select * from ${sitesOfA}`))).toEqual([])
    expect(
      await outcome(
        inTenant(subject.app, "' or true --", (connection) => connection.query(`select * from ${sitesOfA}`)),
      ),
    ).toBe('22P02')
  })

  test('a tenant sees its own rows, and the setting ends with the transaction', async () => {
    expect(await asA(`select name from ${sitesOfA}`)).toEqual([{ name: 'canary a' }])
    expect(await asA('select slug from plinth.tenants')).toEqual([{ slug: 'tenant-a' }])
    expect(await count(`select * from ${sitesOfA}`)).toBe(0)
  })

  test('foreign rows cannot be written, changed, deleted or moved', async () => {
    expect(
      await outcome(asA(`insert into ${sitesOfA} (tenant_id, id, name) values ('${b}', gen_random_uuid(), 'x')`)),
    ).toBe('42501')
    expect(await outcome(asA(`update ${sitesOfA} set tenant_id = '${b}'`))).toBe('42501')
    expect(await asA(`update ${sitesOfA} set name = 'taken' where tenant_id = '${b}' returning name`)).toEqual([])
    expect(await asA(`delete from ${sitesOfA} where id = '${ids[b]}' returning name`)).toEqual([])
  })

  test('a reference into another tenant does not exist, and a unique key asks in its tenant only', async () => {
    expect(await outcome(asA(`update ${placeOf(a)}.projects set site_id = '${ids[b]}'`))).toBe('23503')
    expect(await outcome(asA(`update ${placeOf(a)}.projects set site_id = '${ids[a]}'`))).toBe('ok')
    expect(
      await outcome(
        asA(`insert into ${placeOf(a)}.projects (tenant_id, id, name) values ('${a}', gen_random_uuid(), 'same name')`),
      ),
    ).toBe('23505')
  })

  test('nobody at run time truncates, alters or switches row-level security off', async () => {
    for (const driver of [subject.app, subject.system]) {
      for (const sql of [
        `truncate ${sitesOfA}`,
        'truncate plinth.events',
        `alter table ${sitesOfA} disable row level security`,
        `drop policy plinth_tenant on ${sitesOfA}`,
        `create table ${placeOf(a)}.x ()`,
        'create table public.x ()',
        'create table plinth.x ()',
      ]) {
        expect([sql, await outcome(driver.query(sql))]).toEqual([sql, '42501'])
      }
    }
  })

  test('the system role sees all tenants, by a policy of its own', async () => {
    const all = places.map((place) => `select * from ${place}.sites`).join(' union all ')
    expect(await count(all, subject.system)).toBe(2)
    expect(await count('select * from plinth.tenants', subject.system)).toBe(2)
  })

  test('the runtime login has the rights on platform tables that it needs and no other', async () => {
    for (const table of ['users', 'events'])
      expect([table, await outcome(asA(`select * from plinth.${table}`))]).toEqual([table, '42501'])
    for (const table of ['memberships', 'user_roles']) {
      expect([table, await outcome(asA(`select * from plinth.${table}`))]).toEqual([table, 'ok'])
      expect([table, await outcome(asA(`delete from plinth.${table}`))]).toEqual([table, '42501'])
    }
    expect(
      await outcome(asA(`insert into plinth.groups (tenant_id, id, name) values ('${b}', gen_random_uuid(), 'x')`)),
    ).toBe('42501')
    expect(await outcome(asA(`update plinth.tenants set name = 'x'`))).toBe('42501')
    expect(await outcome(asA(`update plinth.idempotency_keys set sealed = 'x'`))).toBe('42501')
    expect(await outcome(asA(`insert into plinth.migrations (feature, id, checksum) values ('x', 'x', 'x')`))).toBe(
      '42501',
    )
    const event = (
      tenant: string,
    ): string => `insert into plinth.events (tenant_id, id, type, key, data, actor_kind, actor_id, request_id, occurred_at)
      values ('${tenant}', gen_random_uuid(), 'site.created', 'k', '{}', 'user', 'u', 'r', now())`
    expect(await outcome(asA(event(a)))).toBe('ok')
    expect(await outcome(asA(event(b)))).toBe('42501')
    const key = (
      tenant: string,
    ): string => `insert into plinth.idempotency_keys (tenant_id, principal, key, fingerprint, sealed, expires_at)
      values ('${tenant}', 'p', 'k', 'f', 's', now())`
    expect(await outcome(asA(key(a)))).toBe('ok')
    expect(await outcome(asA(key(b)))).toBe('42501')
    expect(await asA('delete from plinth.idempotency_keys returning key')).toEqual([{ key: 'k' }])
  })

  test('find_tenant gives one tenant by slug or id, to those who may ask', async () => {
    const find = async (wanted: string): Promise<unknown> =>
      await subject.app.query('select slug, status from plinth.find_tenant($1::text)', [wanted])
    expect(await find('tenant-b')).toEqual([{ slug: 'tenant-b', status: 'active' }])
    expect(await find(a)).toEqual([{ slug: 'tenant-a', status: 'active' }])
    expect(await find(a.toUpperCase())).toEqual([{ slug: 'tenant-a', status: 'active' }])
    for (const nobody of ['', '%', 'tenant-_', 'TENANT-A', `{${a}}`, "' or true --", a.replaceAll('-', '')])
      expect(await find(nobody)).toEqual([])
    const [rights] = await subject.owner.query(
      `select has_function_privilege('public', 'plinth.find_tenant(text)', 'execute') as everybody`,
    )
    expect(rights).toEqual({ everybody: false })
  })

  test('a slug cannot be the id of another tenant', async () => {
    const insert = (slug: string): Promise<string> =>
      outcome(
        subject.system.query(`insert into plinth.tenants (id, slug, name) values (gen_random_uuid(), $1::text, 'x')`, [
          slug,
        ]),
      )
    for (const slug of [a, '', '-a', 'a-', 'A', 'a b', 'a\n', 'ä', 'x'.repeat(64)])
      expect([slug, await insert(slug)]).toEqual([slug, '23514'])
    expect(await insert('x'.repeat(63))).toBe('ok')
  })

  test('as owner under FORCE an UPDATE touches nothing in silence; a backfill opens the table for its own transaction', async () => {
    const asOwner = async (statements: readonly string[]): Promise<number> => {
      let touched = 0
      await subject.owner.transaction(async (connection) => {
        await connection.query(`set local role "${subject.roles.owner}"`)
        for (const sql of statements) touched += (await connection.query(sql)).length
      })
      return touched
    }
    const backfill = places.map((place) => `update ${place}.sites set name = name || '!' returning id`)
    const opening = places.map((place) => `alter table ${place}.sites no force row level security`)
    const closing = places.map((place) => `alter table ${place}.sites force row level security`)
    expect(await asOwner(backfill)).toBe(0)
    expect(await asOwner([...opening, ...backfill, ...closing])).toBe(2)
    expect(await asA(`select name from ${sitesOfA}`)).toEqual([{ name: 'canary a!' }])
    expect(await asOwner([`select * from ${sitesOfA}`])).toBe(0)
  })

  test('who leaves a tenant leaves its groups; who is no member cannot be in one', async () => {
    const user = 'cccccccc-0000-4000-8000-00000000000c'
    const run = (sql: string): Promise<string> => outcome(subject.system.query(sql))
    expect(await run(`insert into plinth.users (id, email) values ('${user}', 'Ann@example.org')`)).toBe('ok')
    expect(await run(`insert into plinth.users (id, email) values (gen_random_uuid(), 'ann@EXAMPLE.org')`)).toBe(
      '23505',
    )
    expect(await run(`insert into plinth.groups (tenant_id, id, name) values ('${a}', '${user}', 'Staff')`)).toBe('ok')
    const join = `insert into plinth.group_members (tenant_id, group_id, user_id) values ('${a}', '${user}', '${user}')`
    expect(await run(join)).toBe('23503')
    expect(
      await run(
        `insert into plinth.memberships (tenant_id, id, user_id) values ('${a}', gen_random_uuid(), '${user}')`,
      ),
    ).toBe('ok')
    expect(await run(join)).toBe('ok')
    expect(await run(`delete from plinth.memberships where user_id = '${user}'`)).toBe('ok')
    expect(await count('select * from plinth.group_members', subject.system)).toBe(0)
  })
})
