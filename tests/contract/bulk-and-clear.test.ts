import { integer, jsonb, text, uniqueIndex } from 'drizzle-orm/pg-core'
import { sql } from 'drizzle-orm'
import { belongsTo, defineResource, deletedAt, resourceTable } from '@plinth/core'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { ledger } from './ledger.ts'
import { openPlatform, type Answered, type OpenPlatform } from './open-platform.ts'

const boxes = resourceTable('boxes', { name: text().notNull() })
const items = resourceTable(
  'items',
  {
    name: text().notNull(),
    size: integer().notNull().default(1),
    data: jsonb(),
    code: text(),
    boxId: belongsTo(() => boxes),
    deletedAt: deletedAt(),
  },
  (table) => [
    uniqueIndex('items_name_key')
      .on(table.tenantId, table.name)
      .where(sql`deleted_at is null`),
  ],
)
const plains = resourceTable('plains', { name: text().notNull() })
const quiets = resourceTable('quiets', { name: text().notNull() })
const resources = [
  defineResource({ table: boxes, operations: { clear: true } }),
  defineResource({
    table: items,
    fields: { name: { schema: (name) => name.max(40) }, code: { immutable: true } },
    operations: { clear: true },
  }),
  defineResource({ table: plains, operations: { delete: false } }),
  defineResource({ table: quiets, operations: { bulk: false } }),
]

let platform: OpenPlatform
let call: OpenPlatform['call']
beforeAll(async () => {
  platform = await openPlatform(inject('postgresUrl'), resources, [ledger], {
    services: [
      { name: 'creator', permissions: ['item:create', 'item:read'] },
      { name: 'own', permissions: ['item:*:own', 'item:read'] },
      { name: 'blind', permissions: ['item:create', 'item:update:own', 'item:delete:own'] },
    ],
  })
  call = platform.call
})
afterAll(() => platform.close())

let made = 0
const name = (): string => `item ${++made}`
const bulk = (operations: unknown, who = 'acme', headers: Record<string, string> = {}): Promise<Answered> =>
  call(who, 'POST', '/api/v1/items/bulk', { operations }, headers)
const add = async (body: object = {}): Promise<string> =>
  (await call('acme', 'POST', '/api/v1/items', { name: name(), ...body })).json['id'] as string
const read = async (id: string): Promise<Answered> => call('acme', 'GET', `/api/v1/items/${id}`)
type Result = { op: string; id: string; status: number; row?: Record<string, unknown> }
const resultsOf = (answer: Answered): readonly Result[] => answer.json['results'] as readonly Result[]

describe('bulk', () => {
  test('each in order, with the status it would have had; each with its record and event', async () => {
    const [changed, gone] = [await add({ data: { a: 1, b: { c: 2 } } }), await add()]
    const answer = await bulk([
      { op: 'create', data: { name: 'bulk a' } },
      { op: 'create', data: { name: 'bulk b', size: 3 } },
      { op: 'update', id: changed, version: 1, data: { size: 9, data: { a: null, b: { d: 4 } } } },
      { op: 'delete', id: gone, version: 1 },
      { op: 'create', data: { name: 'bulk c' } },
      { op: 'update', id: changed, data: {} },
    ])
    expect(answer.status).toBe(200)
    const results = resultsOf(answer)
    expect(results.map(({ op, status }) => [op, status])).toEqual([
      ['create', 201],
      ['create', 201],
      ['update', 200],
      ['delete', 204],
      ['create', 201],
      ['update', 200],
    ])
    expect(results[1]?.row).toMatchObject({ name: 'bulk b', size: 3, version: 1 })
    expect(results[2]?.row).toMatchObject({ id: changed, size: 9, data: { b: { c: 2, d: 4 } }, version: 2 })
    expect(results[3]).toEqual({ op: 'delete', id: gone, status: 204 })
    expect(results[5]?.row).toMatchObject({ version: 2 })
    expect((await read(gone)).status).toBe(404)
    const ids = results.map(({ id }) => id)
    const entries = await platform.stored(
      `select event, count(*)::int as n from plinth.ledger_entries where target in ('${ids.join("','")}') group by 1 order by 1`,
    )
    expect(entries).toEqual([
      { event: 'created', n: 5 },
      { event: 'deleted', n: 1 },
      { event: 'updated', n: 1 },
    ])
    const events = await platform.stored(
      `select data ->> 'name' as name from plinth.events where key = 'item:${ids[1]}' and type = 'item.created'`,
    )
    expect(events).toEqual([{ name: 'bulk b' }])
  })

  test('any failure rolls all back and names its row', async () => {
    const id = await add({ code: 'fixed' })
    const fresh = { op: 'create', data: { name: name() } }
    const cases: readonly (readonly [object, number, string, string])[] = [
      [{ op: 'update', id: crypto.randomUUID(), data: { size: 2 } }, 404, 'not_found', '/operations/1'],
      [{ op: 'update', id: 'none', data: { size: 2 } }, 404, 'not_found', '/operations/1'],
      [{ op: 'update', id, version: 7, data: { size: 2 } }, 412, 'version_mismatch', '/operations/1'],
      [{ op: 'delete', id, version: 7 }, 412, 'version_mismatch', '/operations/1'],
      [{ op: 'update', id, data: { code: 'other' } }, 400, 'immutable', '/operations/1/data/code'],
      [fresh, 409, 'taken', '/operations/1/data/name'],
      [
        { op: 'create', data: { name: 'x', boxId: crypto.randomUUID() } },
        400,
        'reference_not_found',
        '/operations/1/data/boxId',
      ],
      [{ op: 'create', data: { size: 1 } }, 400, 'required', '/operations/1/data/name'],
      [{ op: 'update', id, data: { name: null } }, 400, 'not_nullable', '/operations/1/data/name'],
      [{ op: 'update', data: {} }, 400, 'required', '/operations/1/id'],
      [{ op: 'upsert', data: {} }, 400, 'invalid_value', '/operations/1/op'],
      [{ op: 'create' }, 400, 'required', '/operations/1/data'],
    ]
    for (const [operation, status, code, path] of cases) {
      const answer = await bulk([fresh, operation])
      expect([answer.status, answer.json.errors?.map((fault) => [fault.path, fault.code])]).toEqual([
        status,
        [[path, code]],
      ])
    }
    expect((await call('acme', 'GET', '/api/v1/items?count=exact')).text).not.toContain(`"${fresh.data.name}"`)
  })

  test('of many creates the one in the way is named, wherever it stands', async () => {
    const taken = name()
    await add({ name: taken })
    for (const place of [0, 5, 9]) {
      const operations = Array.from({ length: 10 }, (_, at) => ({
        op: 'create',
        data: { name: at === place ? taken : name() },
      }))
      const answer = await bulk(operations)
      expect([answer.status, answer.json.errors?.[0]?.path]).toEqual([409, `/operations/${place}/data/name`])
    }
  })

  test('every fault of the data at once; from 1 to 100 operations; no query', async () => {
    const answer = await bulk([
      { op: 'create', data: {} },
      { op: 'create', data: { name: 'x'.repeat(41), size: 'x' } },
    ])
    expect(answer.json.errors?.map((fault) => fault.path)).toEqual([
      '/operations/0/data/name',
      '/operations/1/data/name',
      '/operations/1/data/size',
    ])
    expect((await bulk([])).status).toBe(400)
    expect((await bulk(Array.from({ length: 101 }, () => ({ op: 'create', data: { name: name() } })))).status).toBe(400)
    expect((await call('acme', 'POST', '/api/v1/items/bulk?x=1', { operations: [] })).status).toBe(400)
  })

  test('each asks its own permission; who may do none is told so before his body is read', async () => {
    const id = await add()
    expect((await bulk('nonsense', 'reader')).status).toBe(403)
    expect((await bulk([{ op: 'create', data: { name: name() } }], 'creator')).status).toBe(200)
    const answer = await bulk(
      [
        { op: 'create', data: { name: name() } },
        { op: 'delete', id, data: 7 },
      ],
      'creator',
    )
    expect([answer.status, answer.json.errors?.[0]?.path]).toEqual([403, '/operations/1'])
    // Rows of others are seen, and not his to change.
    const own = await bulk([{ op: 'update', id, data: { size: 2 } }], 'own')
    expect([own.status, own.json.errors?.[0]?.path]).toEqual([403, '/operations/0'])
    expect((await bulk([{ op: 'update', id, data: { size: 2 } }], 'beta')).status).toBe(404)
  })

  test('who may not read is not told by a bulk which rows there are', async () => {
    const id = await add()
    const answers = [id, crypto.randomUUID()].flatMap((each) => [
      bulk([{ op: 'update', id: each, data: { size: 1 } }], 'blind'),
      bulk([{ op: 'delete', id: each }], 'blind'),
      bulk([{ op: 'create', data: { name: name() } }, ...[each, id].map((of) => ({ op: 'delete', id: of }))], 'blind'),
    ])
    for (const answer of await Promise.all(answers))
      expect([answer.status, answer.json['code']]).toEqual([404, 'not_found'])
    expect((await read(id)).json['version']).toBe(1)
  })

  test('one idempotency key covers all of it', async () => {
    const key = { 'idempotency-key': crypto.randomUUID() }
    const operations = [{ op: 'create', data: { name: name() } }]
    const first = await bulk(operations, 'acme', key)
    const second = await bulk(operations, 'acme', key)
    expect([second.status, second.headers.get('idempotency-replayed'), second.text]).toEqual([200, 'true', first.text])
    expect((await bulk([{ op: 'create', data: { name: name() } }], 'acme', key)).status).toBe(422)
  })

  test('only what the resource allows; switched off it is not there', async () => {
    const answer = await call('acme', 'POST', '/api/v1/plains/bulk', { operations: [{ op: 'delete', id: 'x' }] })
    expect([answer.status, answer.json.errors?.[0]?.path]).toEqual([400, '/operations/0/op'])
    expect((await call('acme', 'POST', '/api/v1/quiets/bulk', { operations: [] })).status).toBe(405)
  })

  test('100 at once over the same rows in different orders: all happen, none waits for ever', async () => {
    const ids = await Promise.all(Array.from({ length: 10 }, () => add()))
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, round) => {
        const order = ids.map((_id, at) => ids[(at * 3 + round) % ids.length]!)
        return bulk(order.map((id) => ({ op: 'update', id, data: { size: round } })))
      }),
    )
    expect(answers.filter((answer) => answer.status !== 200)).toEqual([])
    for (const id of ids) expect((await read(id)).json['version']).toBe(101)
  })

  test('100 at once under one version: one wins', async () => {
    const [a, b] = [await add(), await add()]
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, round) =>
        bulk([
          { op: 'update', id: round % 2 ? a : b, version: 1, data: { size: round } },
          { op: 'update', id: round % 2 ? b : a, version: 1, data: { size: round } },
          { op: 'create', data: { name: name() } },
        ]),
      ),
    )
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1)
    expect(answers.filter((answer) => answer.status === 412)).toHaveLength(99)
    expect((await read(a)).json['size']).toBe((await read(b)).json['size'])
  })
})

describe('clear', () => {
  test('off unless declared, confirmed by the word, and by nothing else', async () => {
    expect((await call('acme', 'DELETE', '/api/v1/plains?confirm=plains')).status).toBe(405)
    const refused = await Promise.all(
      ['', '?confirm=', '?confirm=item', '?confirm=items&name=x', '?name=x', '?confirm=boxes'].map((query) =>
        call('acme', 'DELETE', `/api/v1/items${query}`),
      ),
    )
    expect(refused.map((answer) => answer.status)).toEqual(Array.from({ length: 6 }, () => 400))
    expect((await call('reader', 'DELETE', '/api/v1/items')).status).toBe(403)
    expect((await call('creator', 'DELETE', '/api/v1/items?confirm=items')).status).toBe(403)
  })

  test('deletes what is there, softly, each row with record and event; not what is another tenant’s, nor out of scope', async () => {
    const theirs = (await call('beta', 'POST', '/api/v1/items', { name: 'theirs' })).json['id'] as string
    const id = await add()
    expect((await call('own', 'DELETE', '/api/v1/items?confirm=items')).json).toEqual({ deleted: 0 })
    const [count] = await platform.stored(
      `select count(*)::int as n from items where deleted_at is null and name <> 'theirs'`,
    )
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => call('acme', 'DELETE', '/api/v1/items?confirm=items')),
    )
    expect(answers.map((answer) => answer.status)).toEqual(Array.from({ length: 20 }, () => 200))
    // However many clear at once, each row is deleted once.
    expect(answers.reduce((sum, answer) => sum + (answer.json['deleted'] as number), 0)).toBe(count?.['n'])
    const entries = await platform.stored(
      `select event from plinth.ledger_entries where target = '${id}' and event = 'deleted'`,
    )
    expect(entries).toHaveLength(1)
    expect((await call('acme', 'POST', `/api/v1/items/${id}/restore`)).status).toBe(200)
    expect((await call('beta', 'GET', `/api/v1/items/${theirs}`)).status).toBe(200)
  })

  test('what is referred to stays, and then all of it', async () => {
    const box = (await call('acme', 'POST', '/api/v1/boxes', { name: 'b' })).json['id'] as string
    await call('acme', 'POST', '/api/v1/boxes', { name: 'c' })
    await add({ boxId: box })
    const answer = await call('acme', 'DELETE', '/api/v1/boxes?confirm=boxes')
    expect([answer.status, answer.json['code']]).toEqual([409, 'still_referenced'])
    expect((await call('acme', 'GET', '/api/v1/boxes')).json['data']).toHaveLength(2)
  })

  test('more than a batch', async () => {
    await platform.stored(
      `insert into plains (tenant_id, id, name, created_at, updated_at) select tenant_id, gen_random_uuid(), 'x', now(), now() from boxes, generate_series(1, 700) limit 1`,
    )
    await platform.stored(
      `insert into items (tenant_id, id, name, size, created_at, updated_at) select b.tenant_id, gen_random_uuid(), 'many ' || n, 1, now(), now() from (select tenant_id from boxes limit 1) b, generate_series(1, 1234) n`,
    )
    const answer = await call('acme', 'DELETE', '/api/v1/items?confirm=items')
    expect(answer.json['deleted']).toBeGreaterThanOrEqual(1234)
    expect((await call('acme', 'GET', '/api/v1/items')).json['data']).toEqual([])
  })
})
