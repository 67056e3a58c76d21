import {
  belongsTo,
  createPlinth,
  defineResource,
  deletedAt,
  resourceTable,
  StartupError,
  type Resource,
} from '@plinth/core'
import { embedded } from '@plinth/postgres'
import { testJournal, testPlatform, type TestPlatform, type TestReply } from '@plinth/testing'
import { text, unique } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const tags = resourceTable('tags', { name: text().notNull(), deletedAt: deletedAt() })
const sites = resourceTable('sites', { name: text().notNull() })
const siteTags = resourceTable(
  'site_tags',
  {
    siteId: belongsTo(() => sites, { onDelete: 'cascade' }).notNull(),
    tagId: belongsTo(() => tags, { onDelete: 'cascade' }).notNull(),
  },
  (table) => [unique('site_tags_key').on(table.tenantId, table.siteId, table.tagId)],
)
const resources = [
  defineResource({ table: tags, links: { sites: siteTags } }),
  defineResource({ table: sites, strict: true, links: { tags: siteTags } }),
  defineResource({ table: siteTags }),
]

let platform: TestPlatform
beforeAll(async () => {
  platform = await testPlatform({
    resources,
    features: [testJournal({ listen: () => undefined })],
    actors: {
      noTies: ['site:*', 'tag:read', 'siteTag:read'],
      adds: ['site:*', 'tag:read', 'siteTag:read', 'siteTag:create'],
      blind: ['site:*', 'tag:*'],
    },
  })
})
afterAll(() => platform.close())

const as =
  (who: string) =>
  (method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<TestReply> =>
    platform.request(platform.a.actors[who], method, `/api/v1/${path}`, body, headers)
const full = as('full')
const idOf = (reply: TestReply): string => {
  expect(reply.status, reply.body).toBe(201)
  return (reply.json as { id: string }).id
}
const tag = async (name: string, who = 'full'): Promise<string> => idOf(await as(who)('POST', 'tags', { name }))
const site = async (tagIds?: readonly string[]): Promise<string> =>
  idOf(await full('POST', 'sites', { name: 'site', ...(tagIds && { tagIds }) }))
const tagsOf = async (id: string, who = 'full'): Promise<readonly string[]> =>
  ((await as(who)('GET', `sites/${id}?include=tags`)).json as { tags: { data: { name: string }[] } }).tags.data
    .map((row) => row.name)
    .sort()
const errorsOf = (reply: TestReply): readonly unknown[] => (reply.json as { errors: unknown[] }).errors

describe('read', () => {
  test('include from both ends, newest tie first; deleted rows are absent', async () => {
    const ids = [await tag('one'), await tag('two'), await tag('gone')]
    const id = await site()
    for (const each of ids) await full('POST', 'site-tags', { siteId: id, tagId: each })
    await full('DELETE', `tags/${ids[2]}`)
    expect((await full('GET', `sites/${id}?include=tags&fields=id,tags.name`)).json).toEqual({
      id,
      tags: { data: [{ name: 'two' }, { name: 'one' }], hasMore: false },
    })
    expect((await full('GET', `tags/${ids[0]}?include=sites`)).json).toMatchObject({ sites: { data: [{ id }] } })
  })

  test('neither a tie nor a row beyond the scope of the reader is shown; without either permission there is no such include', async () => {
    const mine = await tag('mine', 'own')
    const theirs = await tag('theirs')
    const id = idOf(await as('own')('POST', 'sites', { name: 'own' }))
    await as('own')('POST', 'site-tags', { siteId: id, tagId: mine })
    await full('POST', 'site-tags', { siteId: id, tagId: theirs })
    expect(await tagsOf(id, 'own')).toEqual(['mine'])
    // His tag, somebody else's tie.
    const other = await tag('other', 'own')
    await full('POST', 'site-tags', { siteId: id, tagId: other })
    expect(await tagsOf(id, 'own')).toEqual(['mine'])
    expect(await tagsOf(id)).toEqual(['mine', 'other', 'theirs'])
    const refused = await as('blind')('GET', `sites/${id}?include=tags`)
    expect(refused.status).toBe(400)
  })
})

describe('write', () => {
  test('create, PUT and PATCH take the set; absent, it stays', async () => {
    const [red, green, blue] = [await tag('red'), await tag('green'), await tag('blue')]
    const id = await site([red, green, red])
    expect(await tagsOf(id)).toEqual(['green', 'red'])
    expect((await full('PATCH', `sites/${id}`, { tagIds: [green, blue] })).status).toBe(200)
    expect(await tagsOf(id)).toEqual(['blue', 'green'])
    expect((await full('PUT', `sites/${id}`, { name: 'named' })).status).toBe(200)
    expect(await tagsOf(id)).toEqual(['blue', 'green'])
    expect((await full('PUT', `sites/${id}`, { name: 'named', tagIds: [] })).status).toBe(200)
    expect(await tagsOf(id)).toEqual([])
  })

  test('the set is part of the row for If-Match: one change, one version more; none for what is so already', async () => {
    const [red, green] = [await tag('red'), await tag('green')]
    const id = await site([red])
    const before = await full('GET', `sites/${id}`)
    const same = await full('PATCH', `sites/${id}`, { tagIds: [red] })
    expect(same.json).toMatchObject({ version: 1 })
    const changed = await full('PATCH', `sites/${id}`, { tagIds: [green] }, { 'if-match': before.headers['etag']! })
    expect(changed.json).toMatchObject({ version: 2 })
    expect(changed.headers['etag']).toMatch(/^"2-/)
    const stale = await full('PATCH', `sites/${id}`, { tagIds: [] }, { 'if-match': before.headers['etag']! })
    expect(stale.status).toBe(412)
    expect(await tagsOf(id)).toEqual(['green'])
    expect((await full('PATCH', `sites/${id}`, { name: 'both', tagIds: [red] })).json).toMatchObject({
      name: 'both',
      version: 3,
    })
  })

  test('a set beside fields that are stripped makes a new version too', async () => {
    const [id, tied] = [await tag('loose'), await site()]
    const before = await full('GET', `tags/${id}`)
    const changed = await full('PATCH', `tags/${id}`, { siteIds: [tied], unknown: 1 })
    expect(changed.json).toMatchObject({ version: 2 })
    const stale = await full('PATCH', `tags/${id}`, { siteIds: [] }, { 'if-match': before.headers['etag']! })
    expect(stale.status).toBe(412)
  })

  test('all or nothing: a wrong id leaves the row and its ties as they were', async () => {
    const red = await tag('red')
    const id = await site([red])
    const nobody = crypto.randomUUID()
    const reply = await full('PATCH', `sites/${id}`, { name: 'changed', tagIds: [red, nobody] })
    expect(reply.status).toBe(400)
    expect(errorsOf(reply)).toEqual([expect.objectContaining({ path: '/tagIds/1', code: 'reference_not_found' })])
    expect((await full('GET', `sites/${id}`)).json).toMatchObject({ name: 'site', version: 1 })
    const before = (await full('GET', 'sites?count=exact')).json as { page: { total: number } }
    expect((await full('POST', 'sites', { name: 'never', tagIds: [nobody] })).status).toBe(400)
    expect(((await full('GET', 'sites?count=exact')).json as typeof before).page.total).toBe(before.page.total)
    for (const tagIds of ['x', [1], ['x'], null, {}, Array(101).fill(red)])
      expect((await full('PATCH', `sites/${id}`, { tagIds })).status, JSON.stringify(tagIds)).toBe(400)
  })

  test("another tenant's row answers as one that never was", async () => {
    const theirs = (
      (await platform.request(platform.b.actors.full, 'POST', '/api/v1/tags', { name: 'b' })).json as { id: string }
    ).id
    const id = await site()
    const foreign = await full('PATCH', `sites/${id}`, { tagIds: [theirs] })
    const nobody = await full('PATCH', `sites/${id}`, { tagIds: [crypto.randomUUID()] })
    expect(errorsOf(foreign)).toEqual(errorsOf(nobody))
  })

  test('each tie needs its own permission: update of the row is not enough', async () => {
    const [red, green] = [await tag('red'), await tag('green')]
    const id = await site([red])
    expect((await as('noTies')('PATCH', `sites/${id}`, { tagIds: [red] })).status).toBe(200)
    expect((await as('noTies')('PATCH', `sites/${id}`, { tagIds: [red, green] })).status).toBe(403)
    expect((await as('noTies')('PATCH', `sites/${id}`, { tagIds: [] })).status).toBe(403)
    expect((await as('adds')('PATCH', `sites/${id}`, { tagIds: [red, green] })).status).toBe(200)
    expect((await as('adds')('PATCH', `sites/${id}`, { tagIds: [green] })).status).toBe(403)
    expect(await tagsOf(id)).toEqual(['green', 'red'])
    // And the ties are not enough without the row.
    expect((await as('reader')('PATCH', `sites/${id}`, { tagIds: [] })).status).toBe(403)
  })

  test('what the writer does not see is neither counted nor untied', async () => {
    const theirs = await tag('theirs')
    const his = await tag('his', 'own')
    const id = idOf(await as('own')('POST', 'sites', { name: 'own', tagIds: [his] }))
    await full('PATCH', `sites/${id}`, { tagIds: [his, theirs] })
    expect((await as('own')('PATCH', `sites/${id}`, { tagIds: [] })).status).toBe(200)
    expect(await tagsOf(id)).toEqual(['theirs'])
    // A tie that is there and that he does not see: to tie it again is no error and no second tie.
    await full('PATCH', `sites/${id}`, { tagIds: [theirs, his] })
    expect((await as('own')('PATCH', `sites/${id}`, { tagIds: [his] })).status).toBe(200)
    expect(await tagsOf(id)).toEqual(['his', 'theirs'])
  })

  test('ties are recorded like rows that were written by themselves', async () => {
    const recorded = async (): Promise<number> => {
      const [row] = await platform.superuser.query(
        `select count(*)::int as n from plinth.test_journal t where tenant_id = '${platform.a.id}' and to_jsonb(t)::text like '%siteTag%'`,
      )
      return Number(row?.['n'])
    }
    const [red, green] = [await tag('red'), await tag('green')]
    const before = await recorded()
    const id = await site([red])
    await full('PATCH', `sites/${id}`, { tagIds: [green] })
    // One tie made, then another made and the first one deleted.
    expect((await recorded()) - before).toBe(3)
  })

  test('an idempotency key covers row and ties', async () => {
    const red = await tag('red')
    const headers = { 'idempotency-key': crypto.randomUUID() }
    const first = await full('POST', 'sites', { name: 'once', tagIds: [red] }, headers)
    const again = await full('POST', 'sites', { name: 'once', tagIds: [red] }, headers)
    expect(again.headers['idempotency-replayed']).toBe('true')
    expect(again.body).toBe(first.body)
    expect(await tagsOf(idOf(first))).toEqual(['red'])
  })

  test('100 sets at the same time: the one that came last, whole', async () => {
    const pool = await Promise.all(Array.from({ length: 6 }, (_, at) => tag(`t${at}`)))
    const id = await site()
    const sets = Array.from({ length: 100 }, (_, at) => [pool[at % 6]!, pool[(at + 1 + (at % 4)) % 6]!])
    const replies = await Promise.all(sets.map((tagIds) => full('PATCH', `sites/${id}`, { tagIds })))
    expect(new Set(replies.map((reply) => reply.status))).toEqual(new Set([200]))
    const now = (
      (await full('GET', `sites/${id}?include=tags&fields=id,tags.id`)).json as {
        tags: { data: { id: string }[] }
      }
    ).tags.data.map((row) => row.id)
    expect(sets.map((set) => [...new Set(set)].sort().join())).toContain([...now].sort().join())
  })
})

test('OpenAPI has the set in bodies and the rows in answers', () => {
  const { components } = platform.plinth.openapi() as unknown as {
    components: { schemas: Record<string, { properties: Record<string, { type?: string }> }> }
  }
  for (const name of ['SiteCreate', 'SitePatch', 'SiteReplace'])
    expect(components.schemas[name]!.properties['tagIds']).toMatchObject({ type: 'array', maxItems: 100 })
  expect(components.schemas['SiteWithIncludes']!.properties).toHaveProperty('tags')
})

test('a wrong declaration is a fault at start, with what to write', () => {
  const faults = (links: Parameters<typeof defineResource>[0]['links'], ...more: Resource[]): readonly string[] => {
    try {
      createPlinth({
        database: embedded('memory://'),
        resources: [defineResource({ table: sites, links: links! }), defineResource({ table: tags }), ...more],
        env: { ENVIRONMENT: 'development' },
      })
    } catch (error) {
      if (error instanceof StartupError)
        return error.faults.map((fault) => `${fault.path}: ${fault.problem} → ${fault.fix}`)
      throw error
    }
    return []
  }
  const loose = resourceTable('site_labels', {
    siteId: belongsTo(() => sites, { inverse: 'labels' }).notNull(),
    tagId: belongsTo(() => tags).notNull(),
    weight: text().notNull(),
    deletedAt: deletedAt(),
  })
  expect(faults({ tags: siteTags }, defineResource({ table: siteTags }))).toEqual([])
  expect(faults({ tags: siteTags })).toEqual([
    'resource site.links.tags: is a table that is no resource of this platform → add its resource to createPlinth({ resources: […] })',
  ])
  expect(faults({ tags })).toEqual([
    'resource site.links.tags: tags does not tie sites to one other resource → give it one belongsTo(() => sites).notNull() and one belongsTo(() => others).notNull()',
  ])
  expect(faults({ tags: loose }, defineResource({ table: loose, operations: { create: false } }))).toEqual([
    'resource site.links.tags: site_labels may hold the same tie twice → unique().on(table.tenantId, table.siteId, table.tagId)',
    'resource site.links.tags: site_labels is soft-deleted, and a tie is there or it is not → drop deletedAt there',
    'resource site.links.tags: a set of ids cannot give site_labels.weight, which is NOT NULL without default → weight: ….default(…)',
  ])
  expect(faults({ siteTags }, defineResource({ table: siteTags }))).toEqual([
    'resource site.links.siteTags: include=siteTags would mean the site-tags by their siteId too → links: { linkedSiteTags: … }',
  ])
})
