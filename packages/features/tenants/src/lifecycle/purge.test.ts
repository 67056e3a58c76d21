import {
  belongsTo,
  defineResource,
  resourceTable,
  scopeOf,
  statement,
  systemPrincipal,
  type AnyResourceTable,
  type Platform,
} from '@plinth/core'
import { text } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { peoplePlatform, type PeoplePlatform, type Person } from '../../tests/people-platform.ts'
import { PurgeRound } from './purge-round.ts'
import { purgeCommand, purgeSteps } from './purge-tenants.ts'

const folders = resourceTable('folders', {
  title: text().notNull(),
  parentId: belongsTo((): AnyResourceTable => folders),
})
const papers = resourceTable('papers', { title: text().notNull(), folderId: belongsTo(() => folders).notNull() })

const DAY = 86_400_000
const path = '/api/v1/tenants'

describe.each(['shared', 'schema'] as const)('the end of a tenant, isolation %s', (isolation) => {
  let platform: PeoplePlatform
  let parts: Platform
  let owner: Person
  const told: unknown[] = []
  beforeAll(async () => {
    platform = await peoplePlatform({
      isolation,
      resources: [defineResource({ table: folders }), defineResource({ table: papers })],
      features: [
        {
          name: 'spy',
          start: (started) => void (parts = started),
          on: { 'tenant.deleted': (_, { data }) => Promise.resolve(void told.push(data)) },
        },
      ],
    })
    owner = await platform.person()
  })
  afterAll(() => platform.close())

  const purge = (): Promise<Readonly<Record<string, unknown>>> =>
    purgeCommand.run(parts, {}, { note: () => undefined, ask: () => Promise.resolve(undefined) }) as never

  async function filled(slug: string): Promise<string> {
    const made = await platform.ask(owner, 'POST', path, { name: slug, slug }, { in: null })
    expect(made.status, made.body + platform.log.text()).toBe(201)
    const { id } = made.json as { id: string }
    const make = async (resource: string, body: object): Promise<string> => {
      const reply = await platform.ask(owner, 'POST', `/api/v1/${resource}`, body, {
        in: id,
        headers: { 'idempotency-key': `${resource}-${JSON.stringify(body)}` },
      })
      expect(reply.status, reply.body).toBe(201)
      return (reply.json as { id: string }).id
    }
    const outer = await make('folders', { title: 'outer' })
    const inner = await make('folders', { title: 'inner', parentId: outer })
    await make('papers', { title: 'one', folderId: inner })
    await make('groups', { name: 'team' })
    await platform.ask(owner, 'POST', '/api/v1/invitations', { email: `guest@${slug}.test` }, { in: id })
    return id
  }

  /** As many tenants with nothing in them. */
  async function founded(count: number): Promise<string[]> {
    const ids: string[] = []
    for (let at = 0; at < count; at += 1) {
      const slug = `many-${crypto.randomUUID().slice(0, 13)}`
      const { tenant } = await parts.database.foundTenant(
        { slug, name: slug },
        (made) =>
          scopeOf(parts, {
            principal: systemPrincipal(parts.registry.permissions, 'test'),
            tenant: made,
            requestId: slug,
          }),
        () => Promise.resolve(),
      )
      ids.push(tenant.id)
    }
    return ids
  }

  /** Their end was asked for, and nobody has heard of it. */
  async function ended(ids: readonly string[], from: string): Promise<void> {
    await platform.stored(
      `update plinth.tenants set status = 'pending_deletion', delete_after = $2::timestamptz + $3::text::interval
       where id = any ($1::text::uuid[])`,
      [`{${ids.join(',')}}`, platform.clock.now().toISOString(), from],
    )
  }

  /** Which of them there still are. */
  async function there(ids: readonly string[]): Promise<readonly unknown[]> {
    const rows = await platform.stored(
      'select id::text from plinth.tenants where id = any ($1::text::uuid[]) order by 1',
      [`{${ids.join(',')}}`],
    )
    return rows.map(({ id }) => id)
  }

  /** Its days are over, and everybody has heard of its end. */
  async function due(id: string): Promise<void> {
    await platform.stored(
      `update plinth.tenants set status = 'pending_deletion', delete_after = $2::timestamptz, deletion_announced_at = $2::timestamptz
       where id = $1::uuid`,
      [id, new Date(platform.clock.now().getTime() - 2 * DAY).toISOString()],
    )
  }

  async function rowsOf(id: string): Promise<Readonly<Record<string, number>>> {
    const tables = await platform.stored(
      `select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
       join pg_attribute a on a.attrelid = c.oid where c.relkind = 'r' and a.attname = 'tenant_id' and n.nspname !~ '^pg_'`,
    )
    const counts: Record<string, number> = {}
    for (const { name } of tables) {
      const [row] = await platform.stored(`select count(*)::int as n from ${String(name)} where tenant_id = $1::uuid`, [
        id,
      ])
      if (Number(row!['n']) > 0) counts[String(name)] = Number(row!['n'])
    }
    return counts
  }

  test('comes after the days of grace, and nothing of it is left; others are not touched', async () => {
    const [gone, stays] = [await filled(`gone-${isolation}`), await filled(`stays-${isolation}`)]
    const before = await rowsOf(stays)
    expect(Object.keys(before).length).toBeGreaterThan(5)
    expect((await platform.ask(owner, 'DELETE', `${path}/${gone}`, undefined, { in: null })).status).toBe(204)
    expect((await platform.ask(owner, 'GET', '/api/v1/folders', undefined, { in: gone })).status).toBe(423)
    platform.clock.advance(29 * DAY)
    await purge()
    expect(Object.keys(await rowsOf(gone)).length).toBeGreaterThan(5)
    platform.clock.advance(DAY)
    // Features hear of it first: until they have, nothing goes.
    await purge()
    expect(Object.keys(await rowsOf(gone)).length).toBeGreaterThan(5)
    platform.database.startBackground()
    await expect.poll(() => told).toEqual([{ id: gone, slug: `gone-${isolation}` }])
    await expect.poll(async () => Number((await purge())['rows'])).toBeGreaterThan(5)
    expect(await rowsOf(gone)).toEqual({})
    expect(await platform.stored('select id from plinth.tenants where id = $1::uuid', [gone])).toEqual([])
    expect(
      await platform.stored(
        `select nspname from pg_namespace where nspname = 'tenant_' || replace($1::text, '-', '')`,
        [gone],
      ),
    ).toEqual([])
    expect(await rowsOf(stays)).toEqual(before)
    expect((await platform.ask(owner, 'GET', '/api/v1/folders', undefined, { in: gone })).status).toBe(403)
    expect((await platform.ask(owner, 'GET', '/api/v1/folders', undefined, { in: stays })).status).toBe(200)
  })

  test('is nothing that a process of the release before does, past the log, and its call fails nowhere', async () => {
    const id = await filled(`older-${isolation}`)
    await due(id)
    const before = await rowsOf(id)
    const [called] = await parts.database.system((system) =>
      system.run(
        statement`select plinth.purge_tenants(${platform.clock.now()}::text::timestamptz, true, 5000) as gone`,
      ),
    )
    expect(called).toEqual({ gone: 0 })
    expect(await rowsOf(id)).toEqual(before)
    await purge()
    expect(await rowsOf(id)).toEqual({})
  })

  test('goes in bounded steps, and a schema is dropped only of a tenant whose end was asked for', async () => {
    const id = await filled(`steps-${isolation}`)
    await expect(platform.stored('select plinth.drop_tenant_schema($1::uuid)', [id])).rejects.toThrow(
      'not pending deletion',
    )
    await due(id)
    const round = new PurgeRound(parts)
    const steps: number[] = []
    do steps.push((await round.step(2)).rows)
    while (steps.at(-1) !== 0 && steps.length < 100)
    expect(steps.length).toBeGreaterThan(4)
    // Folders refer to each other: those that are left go together.
    expect(Math.max(...steps)).toBeLessThanOrEqual(4)
    expect(await rowsOf(id)).toEqual({})
  })
  test('is announced of all of them, and those that wait for it to be heard keep nobody waiting', async () => {
    const ids = await founded(22)
    const late = ids.pop()!
    await ended(ids, '-2 days')
    await ended([late], '-1 days')
    // Nobody hands the announcements on: they wait.
    await platform.stored(
      'create function public.keep() returns trigger language plpgsql as $$ begin return null; end $$',
    )
    await platform.stored(
      `create trigger keep before update of delivered_at on plinth.events for each row execute function public.keep()`,
    )
    await purge()
    const untold = await platform.stored(
      `select id from plinth.tenants where status = 'pending_deletion' and deletion_announced_at is null`,
    )
    expect(untold).toEqual([])
    await platform.stored(`update plinth.tenants set deletion_announced_at = $2::timestamptz where id = $1::uuid`, [
      late,
      new Date(platform.clock.now().getTime() - 2 * DAY).toISOString(),
    ])
    await purge()
    expect(await there([late, ...ids])).toEqual([...ids].toSorted())
    await platform.stored('drop function public.keep() cascade')
    await ended(ids, '1 day')
  })

  test('of one that cannot be removed is told once a round, and the others go', async () => {
    const ids = await founded(3)
    await ended(ids, '-2 days')
    await platform.stored(
      'create table public.kept_by (tenant uuid not null references plinth.tenants (id) deferrable initially deferred)',
    )
    await platform.stored('insert into public.kept_by values ($1::uuid)', [ids[0]!])
    await platform.stored(
      `update plinth.tenants set deletion_announced_at = $1::timestamptz where status = 'pending_deletion'`,
      [new Date(platform.clock.now().getTime() - 2 * DAY).toISOString()],
    )
    const lines = (): readonly unknown[] =>
      platform.log.of('tenant_purge_failed').map(({ fields }) => fields['tenantId'])
    const before = lines().length
    for (const step of purgeSteps(parts)) await step((work) => parts.database.system(work))
    expect(await there(ids)).toEqual([ids[0]])
    expect(lines().slice(before)).toEqual([ids[0]])
    await expect(purge()).rejects.toThrow('1 could not be removed')
    await platform.stored('drop table public.kept_by')
    expect(Number((await purge())['rows'])).toBe(1)
    expect(await there(ids)).toEqual([])
  })
})
