import {
  belongsTo,
  createPlinth,
  defineResource,
  resourceTable,
  StartupError,
  type Draft,
  type EventRecord,
  type Feature,
  type Resource,
  type Row,
} from '@plinth/core'
import { embedded } from '@plinth/postgres'
import { testPlatform, type TestPlatform, type TestReply } from '@plinth/testing'
import { bigint, boolean, getTableConfig, integer, text, uuid } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest'
import { keyed, plans, tickets, type drawers } from './keys-tables.ts'

type Json = Readonly<Record<string, unknown>>

const heard: EventRecord[] = []
const listening: Feature = { name: 'listening', on: { '*': async (_, event) => void heard.push(event) } }

describe.each(['postgres', 'pglite'] as const)('%s', (kind) => {
  let platform: TestPlatform
  beforeAll(async () => {
    platform = await testPlatform({ resources: keyed, kind, features: [listening] })
  })
  afterAll(() => platform.close())

  const ask = (
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
    who: 'full' | 'shared' = 'full',
    tenant: 'a' | 'b' = 'a',
  ): Promise<TestReply> => platform.request(platform[tenant].actors[who], method, `/api/v1/${path}`, body, headers)
  const add = async (path: string, body: Json, tenant: 'a' | 'b' = 'a'): Promise<string> => {
    const reply = await ask('POST', path, body, undefined, 'full', tenant)
    expect(reply.status, reply.body).toBe(201)
    return (reply.json as { id: string }).id
  }
  const codes = (reply: TestReply): readonly string[] =>
    (reply.json as { errors?: readonly { path: string; code: string }[] }).errors?.map(
      (fault) => `${fault.path} ${fault.code}`,
    ) ?? []
  const ids = (reply: TestReply): readonly string[] =>
    (reply.json as { data: { id: string }[] }).data.map((row) => row.id)

  describe('numbers that the database makes', () => {
    test('go out as text, and lead back to the row', async () => {
      const created = await ask('POST', 'tickets', { id: 7_000_000, title: 'first' })
      expect(created.status, created.body).toBe(201)
      const { id } = created.json as { id: string }
      expect(id).toMatch(/^[1-9]\d{0,5}$/)
      expect(created.headers['location']).toBe(`/api/v1/tickets/${id}`)
      const read = await ask('GET', `tickets/${id}`)
      expect(read.json).toEqual(created.json)
      expect((await ask('GET', `tickets/${id}`, undefined, { 'if-none-match': read.headers['etag']! })).status).toBe(
        304,
      )
      const patched = await ask(
        'PATCH',
        `tickets/${id}`,
        { title: 'second', id: '1' },
        { 'if-match': read.headers['etag']! },
      )
      expect(patched.json).toMatchObject({ id, title: 'second', version: 2 })
      expect(
        (await ask('PATCH', `tickets/${id}`, { title: 'late' }, { 'if-match': read.headers['etag']! })).status,
      ).toBe(412)
      expect((await ask('PATCH', `tickets/${id}`, {})).json).toMatchObject({ id, version: 2 })
      expect((await ask('PUT', `tickets/${id}`, { ...(patched.json as Json), title: 'third' })).json).toMatchObject({
        id,
      })
      expect((await ask('POST', `tickets/${id}/rename`, { title: 'fourth' })).json).toMatchObject({
        id,
        title: 'fourth',
      })
      expect((await ask('DELETE', `tickets/${id}`)).status).toBe(204)
      expect((await ask('GET', `tickets/${id}`)).status).toBe(404)
    })

    test('another spelling of a number is another row, which is not there', async () => {
      const id = await add('tickets', { title: 'spelled' })
      const odd = [`0${id}`, `+${id}`, `${id}.0`, `${id}e0`, `%20${id}`, `${id}%20`, `0x${id}`, `${id},1`, `-${id}`]
      for (const text of [
        ...odd,
        '2147483648',
        '-2147483649',
        '9'.repeat(40),
        '1e9',
        'NaN',
        "1'--",
        '-0',
        '%F0%9F%92%A9',
        '١',
      ]) {
        for (const [method, body] of [
          ['GET'],
          ['PATCH', { title: 'x' }],
          ['PUT', { title: 'x' }],
          ['DELETE'],
        ] as const) {
          const reply = await ask(method, `tickets/${encodeURI(text)}`, body)
          expect(reply.status, `${method} ${text}: ${reply.body}`).toBe(404)
        }
        const filtered = await ask('GET', `tickets?id=${encodeURI(text)}`)
        if (text === `-${id}`) expect(ids(filtered)).toEqual([])
        else expect(filtered.status, text).toBe(400)
        const referred = await ask('POST', 'tickets', { title: 'child', parentId: decodeURI(encodeURI(text)) })
        expect(referred.status, text).toBe(400)
      }
      expect(codes(await ask('POST', 'tickets', { title: 'child', parentId: Number(id) }))).toEqual([
        '/parentId invalid_type',
      ])
      expect(codes(await ask('POST', 'tickets', { title: 'child', parentId: '2147483647' }))).toEqual([
        '/parentId reference_not_found',
      ])
      expect((await ask('GET', `tickets/${id}`)).json).toMatchObject({ title: 'spelled', version: 1 })
    })

    test('sort as numbers, page by page, under a cursor', async () => {
      const made: string[] = []
      for (let at = 0; at < 12; at += 1) made.push(await add('tickets', { title: `sorted ${at}` }))
      const [first] = made
      for (const sort of ['id', '-id', 'title,-id', '-createdAt']) {
        const found: string[] = []
        let cursor: string | null = null
        do {
          const reply: TestReply = await ask(
            'GET',
            `tickets?pageSize=5&sort=${sort}${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
          )
          expect(reply.status, reply.body).toBe(200)
          found.push(...ids(reply))
          cursor = (reply.json as { page: { nextCursor: string | null } }).page.nextCursor
        } while (cursor !== null)
        expect(new Set(found).size).toBe(found.length)
        const own = found.filter((id) => made.includes(id))
        expect(own).toHaveLength(12)
        if (sort === 'id') expect(own).toEqual(made)
        if (sort === '-id') expect(own).toEqual([...made].reverse())
      }
      expect(ids(await ask('GET', `tickets?id[in]=${made.join()}&sort=id`))).toEqual(made)
      expect((await ask('GET', `tickets?id[gt]=${first!}`)).status).toBe(400)
    })

    test('of another tenant answer as if they had never been', async () => {
      const foreign = await add('tickets', { title: 'theirs' }, 'b')
      const strip = (reply: TestReply): string => reply.body.replace(/"requestId":"[^"]*"/, '')
      for (const [method, body] of [['GET'], ['PATCH', { title: 'x' }], ['PUT', { title: 'x' }], ['DELETE']] as const) {
        const [theirs, never] = [
          await ask(method, `tickets/${foreign}`, body),
          await ask(method, 'tickets/2147483600', body),
        ]
        expect(theirs.status).toBe(404)
        expect(strip(theirs)).toBe(strip(never))
      }
      const [theirs, never] = [
        await ask('POST', 'tickets', { title: 'x', parentId: foreign }),
        await ask('POST', 'tickets', { title: 'x', parentId: '2147483600' }),
      ]
      expect(strip(theirs)).toBe(strip(never))
      expect((await ask('GET', `tickets/${foreign}`, undefined, undefined, 'full', 'b')).status).toBe(200)
    })

    test('beyond a double stay exact; parents and children are found; cascades run', async () => {
      const ticketId = await add('tickets', { title: 'parent' })
      const id = await add('entries', { title: 'one', ticketId })
      const answer = await add('entries', { title: 'two', ticketId, entryId: id })
      expect(BigInt(id) > 2n ** 53n).toBe(true)
      expect(BigInt(answer)).toBe(BigInt(id) + 1n)
      expect((await ask('GET', `entries/${answer}`)).json).toMatchObject({ id: answer, entryId: id, ticketId })
      expect(ids(await ask('GET', `entries?entryId=${id}`))).toEqual([answer])
      const whole = await ask('GET', `tickets/${ticketId}?include=entries`)
      expect((whole.json as { entries: { data: Json[] } }).entries.data.map((row) => row['id'])).toEqual([answer, id])
      expect((await ask('GET', `entries/${answer}?include=ticket,entry`)).json).toMatchObject({
        ticket: { id: ticketId },
        entry: { id },
      })
      expect((await ask('DELETE', `entries/${id}`)).status).toBe(409)
      expect((await ask('DELETE', `tickets/${ticketId}`)).status).toBe(204)
      expect((await ask('GET', `entries/${answer}`)).status).toBe(404)
    })

    test('are strings in code, and in events', async () => {
      heard.length = 0
      const id = await add('tickets', { title: 'for code' })
      const reply = await ask('POST', `tickets/${id}/answer`)
      expect(reply.json).toMatchObject({ ticket: id, found: 1 })
      const createdEvent = (): EventRecord | undefined => heard.find((event) => event.key === `ticket:${id}`)
      await expect.poll(createdEvent, { timeout: 10_000 }).toMatchObject({ type: 'ticket.created' })
      expect(createdEvent()!.data).toMatchObject({ id, parentId: null })
    })

    test('one key, one row', async () => {
      const headers = { 'idempotency-key': `ticket-${kind}` }
      const replies = await Promise.all(
        Array.from({ length: 20 }, () => ask('POST', 'tickets', { title: `once ${kind}` }, headers)),
      )
      const made = replies.filter((reply) => reply.status === 201)
      expect(new Set(made.map((reply) => (reply.json as Json)['id'])).size).toBe(1)
      expect(ids(await ask('GET', `tickets?title=${encodeURIComponent(`once ${kind}`)}`))).toHaveLength(1)
    })
  })

  describe('texts that the client gives', () => {
    test('are needed, kept, and never changed', async () => {
      expect(codes(await ask('POST', 'plans', { title: 'nameless' }))).toEqual(['/id required'])
      const created = await ask('POST', 'plans', { id: 'pro-2.1_~X', title: 'Pro' })
      expect(created.status, created.body).toBe(201)
      expect(created.headers['location']).toBe('/api/v1/plans/pro-2.1_~X')
      const read = await ask('GET', 'plans/pro-2.1_~X')
      expect(read.json).toEqual(created.json)
      expect((await ask('GET', 'plans/PRO-2.1_~X')).status).toBe(404)
      expect(codes(await ask('PATCH', 'plans/pro-2.1_~X', { id: 'free' }))).toEqual(['/id immutable'])
      expect((await ask('PATCH', 'plans/pro-2.1_~X', { id: 'pro-2.1_~X', title: 'Same' })).json).toMatchObject({
        version: 2,
      })
      expect((await ask('PUT', 'plans/pro-2.1_~X', { title: 'Put' })).json).toMatchObject({
        id: 'pro-2.1_~X',
        version: 3,
      })
      expect((await ask('PUT', 'plans/pro-2.1_~X', { ...(read.json as Json) })).status).toBe(200)
      expect((await ask('POST', 'plans/pro-2.1_~X/retire')).json).toMatchObject({ title: 'retired' })
    })

    test('are taken once in a tenant, and free in the next', async () => {
      await add('plans', { id: 'once', title: 'ours' })
      const again = await ask('POST', 'plans', { id: 'once', title: 'again' })
      expect(again.status).toBe(409)
      expect(codes(again)).toEqual(['/id taken'])
      await add('plans', { id: 'once', title: 'theirs' }, 'b')
      expect((await ask('GET', 'plans/once')).json).toMatchObject({ title: 'ours' })
      expect((await ask('DELETE', 'plans/once')).status).toBe(204)
      expect((await ask('GET', 'plans/once')).status).toBe(404)
      expect((await ask('GET', 'plans/once', undefined, undefined, 'full', 'b')).json).toMatchObject({
        title: 'theirs',
      })
      expect((await ask('POST', 'plans', { id: 'once', title: 'back' })).status).toBe(409)
      const racers = await Promise.all(
        Array.from({ length: 100 }, (_, at) => ask('POST', 'plans', { id: 'race', title: `racer ${at}` })),
      )
      expect(racers.map((reply) => reply.status).filter((status) => status === 201)).toHaveLength(1)
      expect(racers.every((reply) => reply.status === 201 || reply.status === 409)).toBe(true)
    })

    test.each([
      '',
      '.',
      '..',
      '-a',
      '~a',
      'a/b',
      'a b',
      'a%2Fb',
      'ä',
      '💩',
      'a\u202e',
      'a?b',
      'a#b',
      '?stale',
      '?denied',
      'a\nb',
      'x'.repeat(129),
      'a:b',
      "a'b",
    ])('%j is none', async (id) => {
      const reply = await ask('POST', 'plans', { id, title: 'odd' })
      expect(reply.status, reply.body).toBe(400)
      expect(codes(reply)[0]).toMatch(/^\/id /)
      if (id === '') return
      expect((await ask('GET', `plans?id=${encodeURIComponent(id)}`)).status).toBe(400)
      expect([400, 404, 405]).toContain((await ask('PATCH', `plans/${encodeURIComponent(id)}`, { title: 'x' })).status)
      expect(codes(await ask('POST', 'tickets', { title: 'x', planId: id }))[0]).toMatch(/^\/planId /)
    })

    test.each(['bulk', 'clear', 'create', 'list', 'new', 'retire'])('%s is a path', async (id) => {
      expect(codes(await ask('POST', 'plans', { id, title: 'path' }))).toEqual(['/id reserved'])
    })

    test('may be as short as the column, narrowed, or made by a default', async () => {
      expect(codes(await ask('POST', 'regions', { id: 'a'.repeat(9) }))).toEqual(['/id too_big'])
      expect(codes(await ask('POST', 'regions', { id: 'A' }))).toEqual(['/id invalid_format'])
      expect(await add('regions', { id: 'north' })).toBe('north')
      expect(await add('drawers', { title: 'made' })).toMatch(/^drawer-\d+$/)
      expect(await add('drawers', { id: 'given', title: 'given' })).toBe('given')
      expect((await ask('GET', 'drawers/given')).status).toBe(200)
    })

    test('are referred to, and followed', async () => {
      await add('plans', { id: 'big', title: 'Big' })
      const id = await add('tickets', { title: 'on a plan', planId: 'big' })
      expect(codes(await ask('POST', 'tickets', { title: 'x', planId: 'none' }))).toEqual([
        '/planId reference_not_found',
      ])
      expect((await ask('GET', `tickets/${id}?include=plan`)).json).toMatchObject({
        planId: 'big',
        plan: { title: 'Big' },
      })
      expect((await ask('GET', 'plans/big?include=tickets')).json).toMatchObject({ tickets: { data: [{ id }] } })
      expect(ids(await ask('GET', 'tickets?planId[in]=big,none'))).toEqual([id])
      await add('plans', { id: 'small', title: 'Small' })
      expect(ids(await ask('GET', 'plans?id[in]=big,small&sort=id'))).toEqual(['big', 'small'])
      const page = await ask('GET', 'plans?id[in]=big,small&sort=-id&pageSize=1')
      const { nextCursor } = (page.json as { page: { nextCursor: string } }).page
      expect(ids(await ask('GET', `plans?id[in]=big,small&sort=-id&pageSize=1&cursor=${nextCursor}`))).toEqual(['big'])
    })
  })

  test('bulk: ids in the order of the operations, whoever makes them', async () => {
    const bulk = (path: string, operations: readonly object[]): Promise<TestReply> =>
      ask('POST', `${path}/bulk`, { operations })
    const results = (reply: TestReply): readonly { id: string; row?: { id: string; title: string } }[] => {
      expect(reply.status, reply.body).toBe(200)
      return (reply.json as { results: { id: string }[] }).results
    }
    const titles = Array.from({ length: 12 }, (_, at) => `bulk ${at}`)
    const numbered = results(
      await bulk(
        'tickets',
        titles.map((title) => ({ op: 'create', data: { title } })),
      ),
    )
    expect(numbered.map((result) => result.row!.title)).toEqual(titles)
    for (const { id, row } of numbered) expect(id).toBe(row!.id)
    const named = results(
      await bulk('plans', [
        { op: 'create', data: { id: 'Case', title: 'upper' } },
        { op: 'create', data: { id: 'case', title: 'lower' } },
      ]),
    )
    expect(named.map(({ id, row }) => [id, row!.title])).toEqual([
      ['Case', 'upper'],
      ['case', 'lower'],
    ])
    const [first, second] = numbered.map((result) => result.id)
    const mixed = results(
      await bulk('tickets', [
        { op: 'update', id: second, data: { title: 'changed' } },
        { op: 'delete', id: first },
      ]),
    )
    expect(mixed.map((result) => result.id)).toEqual([second, first])
    for (const id of [`0${second!}`, 'abc', '9'.repeat(30), '1e1'])
      expect(
        (
          await bulk('tickets', [
            { op: 'delete', id: second },
            { op: 'delete', id },
          ])
        ).status,
        id,
      ).toBe(404)
    expect((await ask('GET', `tickets/${second!}`)).json).toMatchObject({ title: 'changed', version: 2 })
    expect((await bulk('plans', [{ op: 'create', data: { id: 'new', title: 'x' } }])).status).toBe(400)
  })

  test('code cannot change a key', async () => {
    const system = platform.plinth.asSystem('a test', platform.a.slug, async (ctx) => {
      await ctx.create(plans, { id: 'by-code', title: 'x' })
      await ctx.update(plans, 'by-code', { id: 'by-code', title: 'y' })
      await ctx.update(plans, 'by-code', { id: 'other' })
    })
    await expect(system).rejects.toMatchObject({ code: 'validation_failed' })
  })

  test('a second migration finds nothing to do, and the catalog is as declared', async () => {
    expect((await platform.database.migrate({})).applied).toEqual([])
    // The order that drizzle-kit writes the primary key in.
    expect(
      getTableConfig(tickets as never)
        .columns.map((column) => column.name)
        .slice(0, 2),
    ).toEqual(['tenant_id', 'id'])
    expect(await platform.database.check()).toEqual([])
  })

  test('OpenAPI says what an id is', () => {
    const { components } = platform.plinth.openapi() as unknown as {
      components: { schemas: Record<string, { properties: Record<string, Json>; required: string[] }> }
    }
    expect(components.schemas['Ticket']!.properties['id']).toMatchObject({ type: 'string', readOnly: true })
    expect(components.schemas['Ticket']!.properties['planId']).toMatchObject({
      anyOf: [{ type: 'string', 'x-references': 'plans' }, { type: 'null' }],
    })
    expect(components.schemas['PlanCreate']!.required).toContain('id')
    expect(components.schemas['TicketCreate']!.properties).not.toHaveProperty('id')
  })
})

test('in types an id is a string; a draft has it where the client gives it', () => {
  expectTypeOf<Row<typeof tickets>['id']>().toEqualTypeOf<string>()
  expectTypeOf<Row<typeof tickets>['planId']>().toEqualTypeOf<string | null>()
  expectTypeOf<Draft<typeof plans>['id']>().toEqualTypeOf<string>()
  expectTypeOf<Draft<typeof drawers>['id']>().toEqualTypeOf<string | undefined>()
  expectTypeOf<Draft<typeof tickets>>().not.toHaveProperty('id')
})

describe('faults at start', () => {
  const faultsOf = (...resources: Resource[]): readonly string[] => {
    try {
      createPlinth({ database: embedded(), resources, env: { ENVIRONMENT: 'test' } })
      return []
    } catch (error) {
      if (!(error instanceof StartupError)) throw error
      return error.faults
        .filter((fault) => fault.path.startsWith('resource'))
        .map((fault) => `${fault.path}: ${fault.problem}. ${fault.fix}`)
    }
  }

  test('a reference says the type of the key it points at', () => {
    const users = resourceTable('plain_things', { name: text() })
    const pointing = resourceTable('pointing_things', {
      ticketId: belongsTo(() => tickets, { onDelete: 'cascade', inverse: 'things' }),
      thingId: belongsTo(() => users, { key: 'text' }),
    })
    expect(faultsOf(...keyed, defineResource({ table: users }), defineResource({ table: pointing }))).toEqual([
      "resource pointingThing.fields.ticketId: is uuid, and the ids of tickets are integer. ticketId: belongsTo(() => tickets, { key: 'integer', onDelete: 'cascade', inverse: 'things' })",
      'resource pointingThing.fields.thingId: is text, and the ids of plain_things are uuid. thingId: belongsTo(() => plainThings)',
    ])
  })

  test('not every column is a key', () => {
    const odd = (column: Parameters<typeof resourceTable>[1][string]): readonly string[] =>
      faultsOf(defineResource({ table: resourceTable('odd_things', { id: column }) }))
    expect(odd(uuid())[0]).toMatch(/is a uuid, which every table has by itself/)
    expect(odd(boolean())[0]).toMatch(/cannot be a key/)
    expect(odd(text({ enum: ['a'] }))[0]).toMatch(/cannot be a key/)
    expect(odd(integer())[0]).toMatch(/nobody makes.*id: integer\(\)\.generatedAlwaysAsIdentity\(\)/)
    expect(odd(bigint({ mode: 'bigint' }))[0]).toMatch(/nobody makes.*mode: 'bigint'/)
    expect(odd(text('thing_id'))[0]).toMatch(/is called thing_id in SQL/)
    const secret = resourceTable('odd_things', { id: text() })
    expect(faultsOf(defineResource({ table: secret, fields: { id: { secret: true } } }))[0]).toMatch(
      /id\.secret: is no fact about a key/,
    )
  })
})
