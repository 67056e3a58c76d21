import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Feature } from '@plinth/core'
import { furnish, openArchive, type ArchivePlatform } from './open-archive.ts'

let platform: ArchivePlatform
beforeAll(async () => {
  platform = await openArchive()
}, 120_000)
afterAll(() => platform.close())

test('every table of tenants says whether its rows go along, and nothing is said of others', async () => {
  const live = await platform.stored(`
    select case n.nspname when 'public' then c.relname else n.nspname || '.' || c.relname end as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
    where c.relkind in ('r', 'p') and n.nspname in ('plinth', 'public') and a.attname = 'tenant_id'`)
  const said = [...platform.plinth.registry.travels.keys()].sort()
  expect(said).toEqual(live.map((row) => String(row['name'])).sort())
})

test('a column that is named in what is said is there', async () => {
  for (const [table, travel] of platform.plinth.registry.travels) {
    if (travel.stays !== undefined) {
      expect(travel.stays.length, table).toBeGreaterThan(10)
      continue
    }
    const named = [...(travel.users ?? []), ...(travel.leaves ?? []), ...(travel.settles ?? []), travel.sealed?.column]
    const [schema, name] = table.includes('.') ? table.split('.') : ['public', table]
    const rows = await platform.stored(
      'select column_name from information_schema.columns where table_schema = $1::text and table_name = $2::text',
      [schema!, name!],
    )
    const columns = rows.map((row) => row['column_name'])
    for (const column of named) if (column !== undefined) expect(columns, table).toContain(column)
  }
})

const silent: Feature = {
  name: 'silent',
  migrations: [
    {
      id: '0001_trays',
      sql: `create table plinth.trays (tenant_id uuid not null, id uuid not null, primary key (tenant_id, id));
        alter table plinth.trays enable row level security, force row level security;
        create policy plinth_tenant on plinth.trays as restrictive to {app}
          using (tenant_id = nullif(current_setting('plinth.tenant', true), '')::uuid);
        create policy plinth_app on plinth.trays to {app} using (true) with check (true);
        create policy plinth_system on plinth.trays to {system} using (true) with check (true);
        grant select, insert, update, delete on plinth.trays to {app}, {system};`,
    },
  ],
}

test('a table that says nothing is named, and nothing is exported; one line of its feature mends it', async () => {
  const mute = await openArchive({ features: [silent] })
  await expect(mute.export()).rejects.toMatchObject({
    code: 'not_ready',
    detail: expect.stringContaining('plinth.trays holds rows of tenants, and no feature says') as unknown,
  })
  await mute.close()
  const speaking = await openArchive({ features: [{ ...silent, travels: { 'plinth.trays': {} } }] })
  await speaking.stored('insert into plinth.trays values ($1::uuid, gen_random_uuid())', [speaking.a.id])
  expect((await speaking.export()).lines.join('\n')).toContain('"table":"plinth.trays"')
  await speaking.close()
}, 60_000)

test('of two features that speak of one table one is wrong: a fault at start', async () => {
  await expect(
    openArchive({ features: [{ name: 'busybody', travels: { 'plinth.groups': { stays: 'because I say so' } } }] }),
  ).rejects.toThrow(/the platform says already whether its rows go along/)
})

test('what nobody signs in with is in the archive, and nothing else of an account', async () => {
  await furnish(platform)
  const [user] = await platform.stored(`select user_id from plinth.memberships limit 1`)
  const userId = String(user!['user_id'])
  await platform.stored(
    `insert into plinth.passwords (user_id, hash, changed_at) values ($1::uuid, 'canary-password', now())`,
    [userId],
  )
  await platform.stored(
    `insert into plinth.sessions (id, tenant_id, owner_user_id, created_at, updated_at, kind, token_hash, authenticated_at,
       last_seen_at, expires_at, ends_at)
     values (gen_random_uuid(), $1::uuid, $2::uuid, now(), now(), 'cookie', 'canary-session', now(), now(), now(), now())`,
    [platform.a.id, userId],
  )
  await platform.stored(
    `insert into plinth.api_keys (tenant_id, id, owner_user_id, created_at, updated_at, name, key_prefix, role)
     values ($1::uuid, gen_random_uuid(), $2::uuid, now(), now(), 'canary-key', 'canary-prefix', 'user')`,
    [platform.a.id, userId],
  )
  await platform.stored(`update plinth.invitations set token_hash = 'canary-invitation'`)
  await platform.stored(`update plinth.domains set token = 'canary-domain'`)
  await platform.stored(`update plinth.users set superadmin = true where id = $1::uuid`, [userId])
  const { lines } = await platform.export()
  const text = lines.join('\n')
  expect(text).toContain(userId)
  expect(text).not.toContain('canary-')
  expect(text).not.toContain('superadmin')
  // Nor a row of anybody else.
  expect(text).not.toContain(platform.b.id)
  for (const rows of (await platform.twoTenants()).b.values())
    for (const row of rows) if (row.role === 'own') expect(text).not.toContain(row.id)
})
