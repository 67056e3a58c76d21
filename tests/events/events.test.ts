import {
  defineEvent,
  defineJob,
  defineResource,
  eventOf,
  everyEvent,
  on,
  readEvent,
  resourceTable,
  type EventRecord,
} from '@plinth/core'
import { events } from '@plinth/events'
import { jobs } from '@plinth/jobs'
import { capturedLog, testPlatform, type TestPlatform } from '@plinth/testing'
import { text } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { depot } from '../../packages/testing/src/resources/depot.ts'

describe('what generated writes tell', () => {
  let platform: TestPlatform
  beforeAll(async () => {
    platform = await testPlatform({
      resources: depot,
      features: [{ name: 'listener', on: { '*': () => Promise.resolve() } }],
    })
  })
  afterAll(() => platform.close())

  test('is what the catalogue says: every column kind, read back and compared with its schema', async () => {
    const { a } = await platform.twoTenants()
    const { full } = platform.a.actors
    const seen = new Set<string>()
    for (const resource of platform.plinth.registry.resources) {
      for (const row of a.get(resource.name) ?? []) {
        const path = `/api/v1/${resource.path}/${row.id}`
        const patch = resource.name === 'crate' ? { pieces: 3 } : {}
        await platform.request(full, 'PATCH', path, patch, { 'content-type': 'application/merge-patch+json' })
        await platform.request(full, 'DELETE', path)
        await platform.request(full, 'POST', `${path}/restore`)
      }
    }
    const { events } = platform.plinth.registry
    for (const row of await platform.superuser.query('select type, version, data from plinth.events')) {
      const type = String(row['type'])
      const data: unknown = JSON.parse(String(row['data']))
      const event = readEvent(events, { type, version: Number(row['version']), data } as EventRecord)
      const known = events.get(type)!
      // Strictly: what the schema does not know must not be there either.
      const schema = known.schema instanceof z.ZodObject ? known.schema.strict() : known.schema
      expect(schema.safeParse(event.data), `${type}: ${JSON.stringify(event.data)}`).toMatchObject({ success: true })
      seen.add(type)
    }
    const wanted = platform.plinth.registry.resources.filter(({ operations }) => operations.delete)
    expect([...seen]).toEqual(expect.arrayContaining(wanted.map(({ name }) => `${name}.deleted`)))
    expect([...seen]).toEqual(expect.arrayContaining(['crate.updated', 'document.restored']))
  })
})

describe('a product', () => {
  const sites = resourceTable('sites', { name: text().notNull() })
  const siteVisited = defineEvent('site.visited', {
    version: 2,
    schema: z.object({ siteId: z.string(), by: z.string() }),
    upcast: { 1: (data: { site: string }) => ({ siteId: data.site, by: 'unknown' }) },
  })
  const site = defineResource({
    table: sites,
    actions: {
      visit: {
        input: z.object({ by: z.string(), wrong: z.boolean().default(false) }),
        run: async (ctx, row, { by, wrong }) => {
          await ctx.update(sites, row.id, { name: `visited by ${by}` })
          await ctx.emit(siteVisited, `site:${row.id}`, wrong ? ({ by } as never) : { siteId: row.id, by })
        },
      },
    },
  })
  const heard: string[] = []
  const handlers = [
    on(eventOf(site, 'created'), 'greet', async (ctx, { data, requestId }) => {
      const { id } = await ctx.read(sites, data.id)
      heard.push(
        `${ctx.tenant.slug} ${data.name} ${id === data.id} ${requestId === ctx.requestId} ${ctx.principal.name}`,
      )
    }),
    on(siteVisited, 'count', (_, { data }) => Promise.resolve(void heard.push(`${data.siteId.length} ${data.by}`))),
  ]
  let platform: TestPlatform
  beforeAll(async () => {
    platform = await testPlatform({ resources: [site], plinth: { events: [siteVisited], handlers } })
  })
  afterAll(() => platform.close())

  test('hears of rows and of its own events, in the tenant in which they happened', async () => {
    const { full } = platform.a.actors
    const { json } = await platform.request(full, 'POST', '/api/v1/sites', { name: 'Bakery' })
    const { id } = json as { readonly id: string }
    expect((await platform.request(full, 'POST', `/api/v1/sites/${id}/visit`, { by: 'ann' })).status).toBe(200)
    await vi.waitFor(() => expect(heard).toHaveLength(2), { timeout: 20_000 })
    expect(heard).toEqual([`acme-agency Bakery true true greet: site.created`, '36 ann'])

    // What the schema refuses is a mistake of the code that emits: nothing of its transaction is kept.
    const wrong = await platform.request(full, 'POST', `/api/v1/sites/${id}/visit`, { by: 'eve', wrong: true })
    expect(wrong.status).toBe(500)
    expect((await platform.request(full, 'GET', `/api/v1/sites/${id}`)).json).toMatchObject({ name: 'visited by ann' })
    expect(platform.log.text()).toContain('site.visited is not as its schema says: /siteId')
  })

  test('reads what the release before left in the outbox', async () => {
    heard.splice(0)
    await platform.superuser.query(
      `insert into plinth.events (tenant_id, id, type, version, key, data, actor_kind, actor_id, request_id, occurred_at)
       values ($1::uuid, gen_random_uuid(), 'site.visited', 1, 'k', '{"site":"s"}', 'system', 'system', 'r', now())`,
      [platform.a.id],
    )
    await vi.waitFor(() => expect(heard).toEqual(['1 unknown']), { timeout: 20_000 })
  })
})

describe('the trace of a request', () => {
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
  const traceparent = `00-${trace}-00f067aa0ba902b7-01`
  const sites = resourceTable('sites', { name: text().notNull() })
  const siteVisited = defineEvent('site.visited', { schema: z.object({}) })
  const count = defineJob({ name: 'site.count', input: z.object({}), run: () => undefined })
  const site = defineResource({
    table: sites,
    actions: { visit: { run: (ctx, row) => ctx.emit(siteVisited, `site:${row.id}`, {}) } },
  })
  const heard: (readonly [string, string | undefined, string | undefined])[] = []
  const handlers = [
    on(everyEvent, 'listen', async (ctx, event) => {
      heard.push([event.type, ctx.traceparent, event.traceparent])
      ctx.log.info('event_heard', { type: event.type })
      if (event.type === 'site.visited') await ctx.enqueue(count, {})
    }),
  ]
  const log = capturedLog()
  let platform: TestPlatform
  beforeAll(async () => {
    platform = await testPlatform({
      resources: [site],
      features: [events(), jobs()],
      plinth: { events: [siteVisited], handlers, jobs: [count], log },
    })
  })
  afterAll(() => platform.close())

  test('goes on to those who hear of it, and to what they ask for', async () => {
    const { full } = platform.a.actors
    const send = (method: string, path: string, given: string | undefined, body?: unknown) =>
      platform.request(full, method, `/api/v1/sites${path}`, body, {
        ...(given !== undefined && { traceparent: given }),
        ...(method === 'PATCH' && { 'content-type': 'application/merge-patch+json' }),
      })
    const { json } = await send('POST', '', traceparent, { name: 'Bakery' })
    const { id } = json as { readonly id: string }
    await send('PATCH', `/${id}`, 'no trace', { name: 'Butcher' })
    await send('POST', '/bulk', traceparent, { operations: [{ op: 'create', data: { name: 'Florist' } }] })
    await send('POST', `/${id}/visit`, traceparent, {})
    await send('DELETE', `/${id}`, undefined)
    const ofSites = ['site.created', 'site.created', 'site.deleted', 'site.updated', 'site.visit', 'site.visited']
    const wanted = ['job.completed', ...ofSites]
    await vi.waitFor(() => expect(heard.map(([type]) => type).sort()).toEqual(wanted), { timeout: 20_000 })
    for (const [type, ofContext, ofEvent] of heard) {
      const expected = ['site.updated', 'site.deleted'].includes(type) ? undefined : traceparent
      expect([type, ofContext, ofEvent]).toEqual([type, expected, expected])
    }
    const lines = log.of('event_heard').map(({ fields }) => [fields['type'], fields['traceId']])
    expect(lines).toContainEqual(['site.visited', trace])
    expect(lines).toContainEqual(['site.updated', undefined])
    // What a request set going is found under its trace, at the level debug, and what was said is not in it.
    const debug = (name: string) =>
      log.of(name).filter(({ level, fields }) => level === 'debug' && fields['traceId'] === trace)
    // Said after the commit, in which the handler was heard.
    await vi.waitFor(() => {
      expect(
        debug('event_handled').map(({ fields }) => `${String(fields['handler'])} ${String(fields['type'])}`),
      ).toEqual(expect.arrayContaining(['listen site.created', 'listen site.visited', 'listen job.completed']))
      expect(debug('job_completed')).toMatchObject([
        { fields: { job: 'site.count', attempt: 1, milliseconds: expect.any(Number) as number } },
      ])
    })
    expect(JSON.stringify(log.lines)).not.toMatch(/Bakery|Florist/)
    const { json: list } = await platform.request(full, 'GET', '/api/v1/events?type=site.updated')
    expect(list).toMatchObject({ data: [{ traceparent: null }] })
    expect((await platform.request(full, 'GET', '/api/v1/events?type=site.visited')).json).toMatchObject({
      data: [{ traceparent }],
    })
  })

  test('is none where what is stored is none', async () => {
    heard.splice(0)
    await platform.superuser.query(
      `insert into plinth.events (tenant_id, id, type, key, data, actor_kind, actor_id, request_id, occurred_at, traceparent)
       values ($1::uuid, gen_random_uuid(), 'site.visited', 'k', '{}', 'system', 'system', 'r', now(), e'x\\r\\nCookie: x')`,
      [platform.a.id],
    )
    await vi.waitFor(() => expect(heard[0]).toEqual(['site.visited', undefined, undefined]), { timeout: 20_000 })
  })
})
