import { pgSchema, text, timestamp, uuid, integer, jsonb } from 'drizzle-orm/pg-core'
import { defineResource, resourceTable, singleTenant, type EventRecord, type Feature } from '@plinth/core'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { openPlatform, type OpenPlatform } from './open-platform.ts'

const notes = resourceTable('notes', { text: text().notNull(), pin: text(), email: text() })
const note = defineResource({
  table: notes,
  fields: { pin: { secret: true }, email: { personal: 'email' } },
  actions: {
    touch: { run: (ctx, row) => ctx.update(notes, row.id, { text: `${row.text}!` }) },
    look: { run: () => undefined },
  },
})

/** A feature that keeps a row of every write, hears of writes and provisions tenants: all that a feature can do with data. */
const entries = pgSchema('plinth').table('ledger_entries', {
  tenantId: uuid('tenant_id').notNull(),
  id: uuid('id').notNull(),
  target: uuid('target').notNull(),
  event: text('event').notNull(),
  resource: text('resource').notNull(),
  actor: text('actor').notNull(),
  version: integer('version'),
  requestId: text('request_id').notNull(),
  at: timestamp('at', { withTimezone: true }).notNull(),
  before: jsonb('before'),
  after: jsonb('after'),
})
const heard: EventRecord[] = []
let failing = 0
const ledger: Feature = {
  name: 'ledger',
  tables: [entries],
  migrations: [
    {
      id: '0001_ledger',
      sql: `create table plinth.ledger_entries (
      tenant_id uuid not null, id uuid not null, target uuid not null, event text not null check (event <> 'look'), resource text not null,
      actor text not null, version int, request_id text not null, at timestamptz not null, before jsonb, after jsonb, primary key (tenant_id, id))`,
    },
  ],
  record: (write) => [
    {
      table: entries,
      values: {
        tenantId: write.tenantId,
        id: write.newId,
        target: write.id,
        event: write.event,
        resource: write.resource,
        actor: write.actorId,
        version: write.version,
        requestId: write.requestId,
        at: write.time,
        before: write.before,
        after: write.after,
      },
    },
  ],
  on: {
    '*': (_ctx, event) => {
      if (failing > 0) {
        failing -= 1
        return Promise.reject(new Error('not now'))
      }
      heard.push(event)
      return Promise.resolve()
    },
  },
  provision: async (ctx, tenant) => void (await ctx.create(notes, { text: `Welcome, ${tenant.name}` })),
}

let platform: OpenPlatform
let call: OpenPlatform['call']
beforeAll(async () => {
  platform = await openPlatform(inject('postgresUrl'), [note], [ledger])
  call = platform.call
})
afterAll(() => platform.close())

const kept = (id: string): ReturnType<OpenPlatform['stored']> =>
  platform.stored(
    `select event, resource, actor, version, request_id, before, after from plinth.ledger_entries where target = '${id}' order by version nulls last, at`,
  )
const eventually = async (check: () => boolean): Promise<void> => {
  for (let tries = 0; tries < 200 && !check(); tries += 1) await new Promise((resolve) => setTimeout(resolve, 50))
  expect(check()).toBe(true)
}

test('provision wrote in the transaction that founded the tenant', async () => {
  const { json } = await call('acme', 'GET', '/api/v1/notes')
  expect(json['data']).toMatchObject([{ text: 'Welcome, Acme' }])
})

test('every write leaves its row: who, what, before and after, without secrets', async () => {
  const created = await call(
    'acme',
    'POST',
    '/api/v1/notes',
    { text: 'one', pin: 'CANARY', email: 'canary@example.com' },
    { 'x-request-id': 'request-one' },
  )
  const id = created.json['id'] as string
  await call('acme', 'PATCH', `/api/v1/notes/${id}`, { text: 'two' })
  await call('acme', 'POST', `/api/v1/notes/${id}/touch`)
  await call('acme', 'DELETE', `/api/v1/notes/${id}`)
  const rows = await kept(id)
  expect(rows.map((row) => row['event'])).toEqual(['created', 'updated', 'touch', 'deleted'])
  expect(rows[0]).toMatchObject({
    resource: 'note',
    actor: 'acme',
    version: 1,
    request_id: 'request-one',
    before: null,
  })
  expect(JSON.parse(rows[1]?.['before'] as string)).toMatchObject({ text: 'one' })
  expect(JSON.parse(rows[1]?.['after'] as string)).toMatchObject({ text: 'two' })
  expect(rows[3]?.['after']).toBeNull()
  expect(JSON.stringify(rows)).not.toMatch(/canary/i)
})

test('a record that fails rolls the write back and answers 503', async () => {
  await platform.stored('alter table plinth.ledger_entries add constraint refuses check (target is null) not valid')
  const { json } = await call('acme', 'GET', '/api/v1/notes')
  const before = (json['data'] as unknown[]).length
  const answer = await call('acme', 'POST', '/api/v1/notes', { text: 'lost' })
  expect(answer.json).toMatchObject({ status: 503, code: 'record_failed' })
  expect(answer.headers.get('retry-after')).not.toBeNull()
  await platform.stored('alter table plinth.ledger_entries drop constraint refuses')
  expect(((await call('acme', 'GET', '/api/v1/notes')).json['data'] as unknown[]).length).toBe(before)
})

test('handlers hear of every committed write, in order per row, again after a failure', async () => {
  const { json } = await call('acme', 'POST', '/api/v1/notes', { text: 'heard', pin: 'CANARY' })
  const id = json['id'] as string
  failing = 1
  await call('acme', 'PATCH', `/api/v1/notes/${id}`, { text: 'heard twice' })
  await call('acme', 'POST', `/api/v1/notes/${id}/touch`)
  await call('acme', 'POST', `/api/v1/notes/${id}/look`)
  await call('acme', 'DELETE', `/api/v1/notes/${id}`)
  const own = (): EventRecord[] => heard.filter((event) => event.key === `note:${id}`)
  await eventually(() => own().length >= 5)
  expect(own().map((event) => event.type)).toEqual([
    'note.created',
    'note.updated',
    'note.touch',
    'note.look',
    'note.deleted',
  ])
  expect(JSON.stringify(own())).not.toContain('CANARY')
})

test('what was rolled back is never heard of', async () => {
  const before = heard.length
  expect((await call('acme', 'POST', '/api/v1/notes', { text: 1 })).status).toBe(400)
  await new Promise((resolve) => setTimeout(resolve, 700))
  expect(heard.length).toBe(before)
})

test('the order of features and resources means nothing', async () => {
  const things = resourceTable('things', { name: text() })
  const features: readonly Feature[] = [ledger, singleTenantLess('a'), singleTenantLess('b')]
  const orders = [
    [0, 1, 2],
    [2, 1, 0],
    [1, 2, 0],
    [2, 0, 1],
  ]
  const documents = new Set<string>()
  for (const order of orders) {
    const resources =
      order[0] === 0 ? [note, defineResource({ table: things })] : [defineResource({ table: things }), note]
    const open = await openPlatform(
      inject('postgresUrl'),
      resources,
      order.map((at) => features[at]!),
    )
    documents.add(
      JSON.stringify([open.plinth.openapi(), open.plinth.routes.map((route) => `${route.method} ${route.path}`)]),
    )
    await open.close()
  }
  expect(documents.size).toBe(1)
}, 60_000)

function singleTenantLess(name: string): Feature {
  return { name, errors: { [`${name}_failed`]: { status: 400, title: name, help: `${name}.` } } }
}

test('a slot filled twice is a fault at start', async () => {
  await expect(
    openPlatform(inject('postgresUrl'), [note], [singleTenant(), { ...singleTenant(), name: 'again' }]),
  ).rejects.toThrow(/tenant slot is filled by/)
})
