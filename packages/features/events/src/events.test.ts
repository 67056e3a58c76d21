import { defineResource, eventOf, on, problem, resourceTable, statement } from '@plinth/core'
import { events } from '@plinth/events'
import { testPlatform, type TestPlatform, type TestReply } from '@plinth/testing'
import { text } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'

const sites = resourceTable('sites', {
  name: text().notNull(),
  contact: text(),
  token: text(),
  internal: text(),
  price: text(),
})
const site = defineResource({
  table: sites,
  fields: {
    contact: { personal: 'email' },
    token: { secret: true },
    internal: { hidden: true },
    price: { restricted: true },
  },
})
const tags = resourceTable('tags', { name: text().notNull() })
const notes = resourceTable('notes', { words: text().notNull(), inner: text() })
const note = defineResource({
  table: notes,
  fields: { inner: { restricted: true } },
  events: {
    version: 2,
    upcast: {
      1: (data) => {
        const { text: words, ...more } = data as { readonly text?: string }
        if (words === undefined) throw new Error('there never was a note without a text')
        return { ...more, words }
      },
    },
  },
})
let poison = true
const handlers = [
  on(eventOf(site, 'deleted'), 'fragile', () =>
    poison ? Promise.reject(new Error('the receiver is away')) : Promise.resolve(),
  ),
]

interface Listed {
  readonly data: readonly { readonly id: string; readonly type: string; readonly key: string; readonly state: string }[]
  readonly page: { readonly hasMore: boolean; readonly nextCursor: string | null }
}

let platform: TestPlatform
const get = (who: string, path: string, of: 'a' | 'b' = 'a'): Promise<TestReply> =>
  platform.request(platform[of].actors[who], 'GET', `/api/v1/events${path}`)
const list = async (path = '', of: 'a' | 'b' = 'a'): Promise<Listed> => (await get('full', path, of)).json as Listed

beforeAll(async () => {
  platform = await testPlatform({
    resources: [site, defineResource({ table: tags }), note],
    features: [events()],
    actors: { integrator: ['event:read'], nobody: ['site:read'] },
    plinth: { handlers },
  })
  for (const of of ['a', 'b'] as const)
    for (let at = 0; at < 12; at += 1) {
      const body = { name: `${of} ${at}`, contact: `${of}@canary.example`, token: 'canary-t', price: 'canary-p' }
      await platform.request(platform[of].actors['full'], 'POST', '/api/v1/sites', body)
    }
  await platform.request(platform.a.actors['full'], 'POST', '/api/v1/tags', { name: 'red' })
  await vi.waitUntil(async () => (await list('?state=waiting')).data.length === 0, { timeout: 20_000 })
})
afterAll(() => platform.close())

describe('the events of a tenant', () => {
  test('are its own, newest first, page after page, each once', async () => {
    const seen: string[] = []
    let next: string | null = ''
    do {
      const page: Listed = await list(`?pageSize=5&type=site.*${next && `&cursor=${encodeURIComponent(next)}`}`)
      seen.push(...page.data.map(({ id }) => id))
      next = page.page.nextCursor
    } while (next !== null)
    expect(seen).toHaveLength(12)
    expect(new Set(seen).size).toBe(12)
    const all = await list('?pageSize=100')
    expect(all.data[0]).toMatchObject({
      type: 'tag.created',
      version: 1,
      state: 'delivered',
      data: { name: 'red' },
      actor: { kind: expect.any(String) as string },
    })
    expect(all.data.slice(1).map(({ id }) => id)).toEqual(seen)
    const others = await list('?pageSize=100', 'b')
    expect(others.data).toHaveLength(12)
    expect(JSON.stringify(all)).not.toContain('"b 3"')
    expect(seen.filter((id) => others.data.some((one) => one.id === id))).toEqual([])
  })

  test('carry no personal, secret, hidden or restricted value', async () => {
    const { text: answer } = await get('full', '?pageSize=100').then((reply) => ({ text: JSON.stringify(reply.json) }))
    expect(answer).not.toMatch(/canary/)
    expect(answer).toContain('"contact":"[masked]"')
  })

  test('are found by type, key, state and time', async () => {
    const [first] = (await list('?type=site.created&pageSize=1')).data
    expect((await list(`?key=${first!.key}`)).data.map(({ id }) => id)).toEqual([first!.id])
    expect((await list('?type=tag.*')).data).toHaveLength(1)
    expect((await list('?type=tag.deleted')).data).toEqual([])
    const now = platform.clock.now().toISOString()
    expect((await list(`?since=${now}`)).data.length).toBeGreaterThan(0)
    expect((await list(`?until=${now}`)).data).toEqual([])
  })

  test('of a type that there is not are refused, with the nearest ones, unless some are stored', async () => {
    for (const [type, near] of [
      ['sit.*', "There are no events 'sit.*'. Nearest: site.*"],
      ['site.creatd', "There are no events 'site.creatd'. Nearest: site.created"],
      ['somethingElse.*', "There are no events 'somethingElse.*'. GET /events/catalog has all types."],
    ] as const) {
      const { status, json } = await get('full', `?type=${type}`)
      expect([status, json]).toMatchObject([400, { code: 'invalid_query', errors: [{ path: '?type' }] }])
      expect((json as { readonly detail: string }).detail).toContain(near)
    }
    // What a release before this one called something, of this tenant alone.
    await platform.superuser.query(
      `insert into plinth.events (tenant_id, id, type, key, data, actor_kind, actor_id, request_id, traceparent, occurred_at, delivered_at)
       values ($1::uuid, gen_random_uuid(), 'place.created', 'k', '{}', 'system', 'system', 'r', e'no trace\\n', now(), now())`,
      [platform.b.id],
    )
    for (const type of ['place.created', 'place.*']) {
      expect((await get('full', `?type=${type}`, 'b')).json).toMatchObject({
        // What is no trace is told as none, whoever wrote it there.
        data: [{ type: 'place.created', traceparent: null }],
      })
      expect((await get('full', `?type=${type}&state=parked`, 'b')).json).toMatchObject({ data: [] })
      expect((await get('full', `?type=${type}`)).status).toBe(400)
    }
    await platform.superuser.query(`delete from plinth.events where type = 'place.created'`)
  })

  test.each([
    '?type=site',
    '?type=*',
    '?state=lost',
    '?since=yesterday',
    '?pageSize=0',
    '?pageSize=101',
    '?limit=1',
    '?cursor=1~x',
    '?cursor=x',
  ])('%s is refused', async (query) => {
    expect((await get('full', query)).status).toBe(400)
  })

  test('a cursor is good for its tenant and its filter alone', async () => {
    const { nextCursor } = (await list('?pageSize=2')).page
    const cursor = encodeURIComponent(nextCursor!)
    expect((await get('full', `?pageSize=3&cursor=${cursor}`)).status).toBe(200)
    for (const reply of [
      await get('full', `?type=site.*&cursor=${cursor}`),
      await get('full', `?cursor=${cursor}`, 'b'),
    ])
      expect(reply.json).toMatchObject({ status: 400, code: 'invalid_cursor' })
  })

  test('are read one by one as in the list, within the tenant alone', async () => {
    for (const event of (await list('?type=site.*&pageSize=2')).data) {
      const one = await get('full', `/${event.id}`)
      expect([one.status, one.json]).toEqual([200, event])
      for (const path of [event.id.toUpperCase(), `${event.id}?`])
        expect((await get('full', `/${path}`)).json).toEqual(event)
      expect(await get('full', `/${event.id}`, 'b')).toMatchObject({ status: 404, json: { code: 'not_found' } })
    }
    for (const none of ['0198c0de-0000-4000-8000-000000000000', 'x', "'", 'site.created'])
      expect((await get('full', `/${none}`)).status).toBe(404)
    const [first] = (await list('?pageSize=1')).data
    expect((await get('full', `/${first!.id}?type=x`)).status).toBe(400)
    expect((await get('nobody', `/${first!.id}`)).status).toBe(403)
    expect((await platform.request(undefined, 'GET', `/api/v1/events/${first!.id}`)).status).toBe(401)
  })

  test('are read by who may read events, whatever else he may', async () => {
    expect((await get('integrator', '')).status).toBe(200)
    expect((await get('nobody', '')).status).toBe(403)
    expect((await get('nobody', '/catalog')).status).toBe(403)
    expect((await platform.request(undefined, 'GET', '/api/v1/events')).status).toBe(401)
  })

  test('the runtime login may read them and nothing else, and never why a handler failed', async () => {
    await platform.plinth.asSystem('test', platform.a.slug, () => Promise.resolve())
    const scope = {
      tenantId: platform.a.id,
      actor: { kind: 'user', id: 'x' },
      facts: { principalId: 'x', userId: null, groupIds: [] },
      requestId: 'r',
      now: new Date(),
    } as const
    const asApp = (given: ReturnType<typeof statement>) =>
      platform.database.transaction(scope, (transaction) => transaction.run(given))
    // Without a word about the tenant in the statement: row-level security alone.
    const [row] = await asApp(
      statement`select count(*)::int as n, count(distinct tenant_id)::int as t from plinth.events`,
    )
    expect(row).toEqual({ n: 13, t: 1 })
    for (const refused of [
      statement`select last_error from plinth.events`,
      statement`update plinth.events set attempts = 0`,
      statement`delete from plinth.events`,
    ])
      await expect(asApp(refused)).rejects.toMatchObject({ status: expect.any(Number) as number })
  })
})

describe('what was stored by another release', () => {
  const put = (type: string, version: number, data: object): Promise<unknown> =>
    platform.superuser.query(
      `insert into plinth.events (tenant_id, id, type, version, key, data, actor_kind, actor_id, request_id, occurred_at, delivered_at)
       values ($1::uuid, gen_random_uuid(), $2::text, $3::text::smallint, 'old:1', $4::text::jsonb, 'system', 'system', 'r', now(), now())`,
      [platform.a.id, type, String(version), JSON.stringify(data)],
    )
  afterAll(() => platform.superuser.query(`delete from plinth.events where key = 'old:1'`))
  const old = async (): Promise<readonly unknown[]> =>
    (await list('?key=old:1&pageSize=100')).data.map((event) => {
      const { version, data, asStored } = event as unknown as Record<string, unknown>
      return { version, data, asStored }
    })

  test('shows nothing of a field that became restricted, secret or personal since', async () => {
    const was = { name: 'n', price: 'canary-p', token: 'canary-t', internal: 'canary-i', contact: 'canary@example.com' }
    await put('site.created', 1, was)
    expect(await old()).toEqual([{ version: 1, data: { name: 'n', contact: '[masked]' }, asStored: false }])
  })

  test('is brought to this one where that goes; else shown as it is stored, and a page stays a page', async () => {
    await put('note.created', 1, { text: 'x', inner: 'canary' })
    await put('note.created', 1, { inner: 'canary' })
    await put('note.created', 3, { words: 'y', inner: 'canary', unheard: 'canary' })
    const before = platform.log.lines.length
    expect((await old()).slice(0, 3)).toEqual([
      { version: 3, data: { words: 'y' }, asStored: true },
      { version: 1, data: {}, asStored: true },
      { version: 2, data: { words: 'x' }, asStored: false },
    ])
    const lines = platform.log.lines.slice(before)
    expect(lines.map(({ level, event }) => [level, event])).toEqual([['error', 'event_not_read']])
  })
})

test('each of two layers keeps tenants apart alone, and without both they are not', async () => {
  const scope = {
    tenantId: platform.a.id,
    actor: { kind: 'user', id: 'x' },
    facts: { principalId: 'x', userId: null, groupIds: [] },
    requestId: 'r',
    now: new Date(),
  } as const
  const withoutCondition = async (): Promise<unknown> =>
    (
      await platform.database.transaction(scope, (transaction) =>
        transaction.run(statement`select count(distinct tenant_id)::int as tenants from plinth.events`),
      )
    )[0]?.['tenants']
  expect(await withoutCondition()).toBe(1)
  await platform.superuser.query('alter policy plinth_tenant on plinth.events using (true)')
  try {
    expect(await withoutCondition()).toBe(2)
    expect(JSON.stringify(await list('?pageSize=100'))).not.toContain('"b 3"')
    const [theirs] = (await list('?pageSize=1', 'b')).data
    expect((await get('full', `/${theirs!.id}`)).status).toBe(404)
  } finally {
    await platform.superuser.query(
      `alter policy plinth_tenant on plinth.events using (tenant_id = nullif(current_setting('plinth.tenant', true), '')::uuid)`,
    )
  }
})

test('the catalogue has every type with the schema of its data', async () => {
  const { data } = (await get('integrator', '/catalog')).json as {
    readonly data: readonly { readonly type: string; readonly schema: { readonly properties: object } }[]
  }
  expect(data.map(({ type }) => type)).toEqual([...platform.plinth.registry.events.keys()])
  const created = data.find(({ type }) => type === 'site.created')!
  expect(created).toMatchObject({
    version: 1,
    description: 'A site was created.',
    schema: { type: 'object', properties: { name: { type: 'string' }, contact: { const: '[masked]' } } },
  })
  expect(Object.keys(created.schema.properties)).not.toEqual(expect.arrayContaining(['token']))
  expect(Object.keys(created.schema.properties)).not.toEqual(expect.arrayContaining(['internal']))
  expect(Object.keys(created.schema.properties)).not.toEqual(expect.arrayContaining(['price']))
})

test('what was set aside is listed with its reason, taken up again, and given up', async () => {
  const { full } = platform.a.actors
  const command = (name: string, options: Record<string, string> = {}) =>
    platform.plinth.commands
      .find((one) => one.name === `events:${name}`)!
      .run(options, {
        note: () => undefined,
        ask: () => Promise.resolve(undefined),
      })
  const parkOne = async (): Promise<string> => {
    const { key } = (await list('?type=site.created&pageSize=1')).data[0]!
    await platform.request(full, 'DELETE', `/api/v1/sites/${key.slice(5)}`)
    await vi.waitFor(async () => expect((await list('?type=site.deleted')).data[0]).toMatchObject({ attempts: 1 }), {
      timeout: 20_000,
    })
    // As after the last attempt.
    const [row] = await platform.superuser.query(
      'update plinth.events set parked_at = now() where delivered_at is null returning id',
    )
    return String(row?.['id'])
  }
  const id = await parkOne()
  expect((await list('?state=parked')).data.map((event) => event.id)).toEqual([id])
  expect(await command('parked')).toEqual({
    events: [expect.stringMatching(`^${id} site.deleted site:.* attempts: fragile: the receiver is away$`) as string],
  })
  expect(await command('parked', { tenant: platform.b.slug })).toEqual({ events: [] })
  await expect(command('redrive', { id: 'x' })).rejects.toThrow(problem('validation_failed').message)
  expect(await command('redrive', { type: 'site.created' })).toEqual({ redriven: 0 })
  poison = false
  expect(await command('redrive', { tenant: platform.a.slug })).toEqual({ redriven: 1 })
  await vi.waitFor(
    async () => expect((await list('?type=site.deleted')).data[0]).toMatchObject({ state: 'delivered' }),
    {
      timeout: 20_000,
    },
  )
  expect(await command('redrive')).toEqual({ redriven: 0 })
  await platform.superuser.query(
    'update plinth.events set delivered_at = null, parked_at = now() where id = $1::uuid',
    [id],
  )
  expect(await command('discard', { id })).toEqual({ discarded: 1 })
  await expect(command('discard', { id })).rejects.toMatchObject({ code: 'not_found' })
})
