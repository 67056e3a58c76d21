import { boolean, integer, jsonb, text } from 'drizzle-orm/pg-core'
import { belongsTo, defineResource, resourceTable } from '@plinth/core'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { z } from 'zod'
import { openPlatform, type OpenPlatform } from './open-platform.ts'

const shelves = resourceTable('shelves', { name: text().notNull() })
const books = resourceTable('books', {
  title: text().notNull(),
  state: text({ enum: ['new', 'read'] })
    .notNull()
    .default('new'),
  pages: integer(),
  lent: boolean().notNull().default(false),
  isbn: text(),
  pin: text(),
  inner: text(),
  score: integer(),
  data: jsonb(),
  shelfId: belongsTo(() => shelves),
})
const book = defineResource({
  table: books,
  fields: {
    title: { schema: (title) => title.min(2).max(50), sort: true, filter: true, search: true },
    pages: { sort: true, filter: true },
    state: { filter: true },
    isbn: { immutable: true },
    pin: { secret: true },
    inner: { hidden: true },
    score: { readOnly: true },
  },
  actions: {
    finish: {
      input: z.object({ score: z.int().min(1).max(5) }),
      run: (ctx, row, input) => ctx.update(books, row.id, { state: 'read', score: input.score }),
    },
  },
})
const resources = [defineResource({ table: shelves, operations: { delete: false } }), book]

let platform: OpenPlatform
let call: OpenPlatform['call']
beforeAll(async () => {
  platform = await openPlatform(inject('postgresUrl'), resources)
  call = platform.call
})
afterAll(() => platform.close())

const add = async (body: object = { title: 'A book' }): Promise<string> =>
  (await call('acme', 'POST', '/api/v1/books', body)).json['id'] as string

describe('create', () => {
  test('201, Location, ETag and the row; what the server owns cannot be assigned', async () => {
    const answer = await call('acme', 'POST', '/api/v1/books', {
      title: 'Emma',
      id: crypto.randomUUID(),
      tenantId: crypto.randomUUID(),
      ownerUserId: crypto.randomUUID(),
      createdAt: '2000-01-01T00:00:00Z',
      version: 9,
      inner: 'x',
      score: 5,
      nope: 1,
    })
    expect(answer.status).toBe(201)
    expect(answer.headers.get('location')).toBe(`/api/v1/books/${String(answer.json['id'])}`)
    expect(answer.headers.get('etag')).toMatch(/^"1-[0-9a-f]{6}"$/)
    expect(answer.headers.get('cache-control')).toBe('private, no-cache')
    expect(answer.json).toMatchObject({ title: 'Emma', state: 'new', version: 1, ownerUserId: null, score: null })
    for (const key of ['tenantId', 'inner', 'pin', 'nope']) expect(answer.json).not.toHaveProperty(key)
    expect(answer.json['createdAt']).not.toContain('2000')
  })

  test('every fault of the input at once, by JSON pointer', async () => {
    const answer = await call('acme', 'POST', '/api/v1/books', { title: 'x', state: 'lost', pages: 1.5 })
    expect(answer.status).toBe(400)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(answer.json.errors?.map((fault) => fault.path)).toEqual(['/title', '/state', '/pages'])
  })

  test('a reference to nothing and one into another tenant are told alike', async () => {
    const foreign = (await call('beta', 'POST', '/api/v1/shelves', { name: 'B' })).json['id']
    const [a, b] = [
      await call('acme', 'POST', '/api/v1/books', { title: 'aa', shelfId: foreign }),
      await call('acme', 'POST', '/api/v1/books', { title: 'aa', shelfId: crypto.randomUUID() }),
    ]
    expect(a.json.errors).toEqual([{ path: '/shelfId', code: 'reference_not_found', message: expect.any(String) }])
    expect(a.json.errors).toEqual(b.json.errors)
  })
})

describe('read and conditional requests', () => {
  test('304 for the tag, 200 for another mask; fields chooses', async () => {
    const id = await add()
    const first = await call('acme', 'GET', `/api/v1/books/${id}`)
    const etag = first.headers.get('etag')!
    expect(first.headers.get('vary')).toBe('Authorization, Cookie, X-API-Key, X-Tenant-ID')
    expect((await call('acme', 'GET', `/api/v1/books/${id}`, undefined, { 'if-none-match': etag })).status).toBe(304)
    expect(
      (await call('acme', 'GET', `/api/v1/books/${id}`, undefined, { 'if-none-match': `W/${etag}, "x"` })).status,
    ).toBe(304)
    const masked = await call('acme', 'GET', `/api/v1/books/${id}?fields=title`, undefined, { 'if-none-match': etag })
    expect([masked.status, masked.json]).toEqual([200, { title: 'A book' }])
    expect((await call('acme', 'GET', `/api/v1/books/${id}?fields=pin`)).status).toBe(400)
  })

  test('HEAD is GET without the body, the unversioned path is the same row', async () => {
    const id = await add()
    const head = await call('acme', 'HEAD', `/api/books/${id}`)
    expect([head.status, head.text]).toEqual([200, ''])
    expect(head.headers.get('etag')).toMatch(/^"1-/)
  })
})

describe('update', () => {
  test('PATCH changes what it names, null stores NULL, {} changes nothing', async () => {
    const id = await add({ title: 'Old', pages: 3 })
    expect((await call('acme', 'PATCH', `/api/v1/books/${id}`, { pages: null })).json).toMatchObject({
      title: 'Old',
      pages: null,
      version: 2,
    })
    expect((await call('acme', 'PATCH', `/api/v1/books/${id}`, {})).json).toMatchObject({ version: 2 })
    expect((await call('acme', 'PATCH', `/api/v1/books/${id}`, { title: null })).json.errors?.[0]).toMatchObject({
      path: '/title',
      code: 'not_nullable',
    })
    const merge = await call(
      'acme',
      'PATCH',
      `/api/v1/books/${id}`,
      { title: 'New' },
      { 'content-type': 'application/merge-patch+json' },
    )
    expect(merge.json).toMatchObject({ title: 'New', version: 3 })
  })

  test('objects in json columns merge', async () => {
    const id = await add({ title: 'Data', data: { a: 1, b: { c: 2, d: 3 } } })
    const answer = await call('acme', 'PATCH', `/api/v1/books/${id}`, { data: { a: null, b: { c: 9 } } })
    expect(answer.json['data']).toEqual({ b: { c: 9, d: 3 } })
  })

  test('what GET gave can be PUT; absent fields take their default or null, secrets and immutable fields stay', async () => {
    const id = await add({ title: 'Whole', pages: 7, state: 'read', pin: 'secret', isbn: 'i-1', lent: true })
    const got = (await call('acme', 'GET', `/api/v1/books/${id}`)).json
    expect((await call('acme', 'PUT', `/api/v1/books/${id}`, got)).json).toMatchObject({
      ...got,
      version: 2,
      updatedAt: expect.any(String),
    })
    const replaced = await call('acme', 'PUT', `/api/v1/books/${id}`, { title: 'Only' })
    expect(replaced.json).toMatchObject({ title: 'Only', pages: null, state: 'new', lent: false, isbn: 'i-1' })
    expect(await platform.stored(`select pin from books where id = '${id}'`)).toEqual([{ pin: 'secret' }])
  })

  test('an immutable field is absent or equal', async () => {
    const id = await add({ title: 'Fixed', isbn: 'i-1' })
    for (const method of ['PATCH', 'PUT']) {
      expect((await call('acme', method, `/api/v1/books/${id}`, { title: 'Same', isbn: 'i-1' })).status).toBe(200)
      expect(
        (await call('acme', method, `/api/v1/books/${id}`, { title: 'Other', isbn: 'i-2' })).json.errors?.[0],
      ).toMatchObject({ path: '/isbn', code: 'immutable' })
    }
  })

  test('100 writers with one version: exactly one wins, the others are told', async () => {
    const id = await add()
    const etag = (await call('acme', 'GET', `/api/v1/books/${id}`)).headers.get('etag')!
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, n) =>
        call('acme', 'PATCH', `/api/v1/books/${id}`, { pages: n }, { 'if-match': etag }),
      ),
    )
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1)
    expect(answers.filter((answer) => answer.status === 412)).toHaveLength(99)
    expect((await call('acme', 'GET', `/api/v1/books/${id}`)).json['version']).toBe(2)
  })

  test.each(['"x"', '1', '"1-abcdef", "2-abcdef"', '""'])('If-Match %s is none of our tags', async (tag) => {
    expect(
      (await call('acme', 'PATCH', `/api/v1/books/${await add()}`, { pages: 1 }, { 'if-match': tag })).status,
    ).toBe(412)
  })
})

describe('lists', () => {
  test('a cursor walk meets every row once, NULLs last both ways', async () => {
    const marker = crypto.randomUUID().slice(0, 8)
    for (const pages of [3, null, 1, 3, null, 2, 3]) await add({ title: `walk ${marker}`, pages })
    for (const [sort, order] of [
      ['pages', [1, 2, 3, 3, 3, null, null]],
      ['-pages', [3, 3, 3, 2, 1, null, null]],
    ] as const) {
      const seen: unknown[] = []
      const ids = new Set<unknown>()
      let cursor = ''
      do {
        const answer = await call(
          'acme',
          'GET',
          `/api/v1/books?title=walk%20${marker}&sort=${sort}&pageSize=2${cursor === '' ? '' : `&cursor=${cursor}`}`,
        )
        const { data, page } = answer.json as unknown as {
          data: { id: string; pages: number | null }[]
          page: { nextCursor: string | null; page: number | null }
        }
        for (const row of data) {
          seen.push(row.pages)
          ids.add(row.id)
        }
        if (cursor !== '') expect(page.page).toBeNull()
        cursor = page.nextCursor ?? ''
      } while (cursor !== '')
      expect(seen).toEqual(order)
      expect(ids.size).toBe(7)
    }
  })

  test('a cursor of another tenant, sort or filter is refused', async () => {
    const { json } = await call('acme', 'GET', '/api/v1/books?pageSize=1')
    const cursor = (json['page'] as { nextCursor: string }).nextCursor
    expect((await call('acme', 'GET', `/api/v1/books?cursor=${cursor}`)).status).toBe(200)
    for (const [who, query] of [
      ['beta', ''],
      ['acme', '&sort=title'],
      ['acme', '&state=new'],
      ['acme', '&fields=id'],
      ['acme', '&search=x'],
    ] as const) {
      expect((await call(who, 'GET', `/api/v1/books?cursor=${cursor}${query}`)).json).toMatchObject({
        code: 'invalid_cursor',
        status: 400,
      })
    }
  })

  test('filters, search and the exact count', async () => {
    const marker = crypto.randomUUID().slice(0, 8)
    for (const [title, pages] of [
      [`${marker} one`, 1],
      [`${marker} two`, 2],
      [`${marker} 100%_`, 3],
    ] as const)
      await add({ title, pages })
    const titles = async (query: string): Promise<unknown> =>
      (
        (await call('acme', 'GET', `/api/v1/books?sort=pages&count=exact&${query}`)).json as unknown as {
          data: { title: string }[]
        }
      ).data.map((row) => row.title.slice(9))
    expect(await titles(`search=${marker.toUpperCase()}`)).toEqual(['one', 'two', '100%_'])
    expect(await titles(`search=${marker}&pages[gte]=2`)).toEqual(['two', '100%_'])
    expect(await titles(`title[contains]=100%25_`)).toEqual(['100%_'])
    expect(await titles(`title[in]=${marker}%20one,${marker}%20two`)).toEqual(['one', 'two'])
    const counted = await call('acme', 'GET', `/api/v1/books?search=${marker}&count=exact&pageSize=1`)
    expect(counted.json['page']).toMatchObject({ total: 3, hasMore: true, page: 1, pageSize: 1 })
  })
})

describe('delete and actions', () => {
  test('204, then 404; a disabled operation is 405 with Allow', async () => {
    const id = await add()
    expect((await call('acme', 'DELETE', `/api/v1/books/${id}`)).status).toBe(204)
    expect((await call('acme', 'DELETE', `/api/v1/books/${id}`)).status).toBe(404)
    const shelf = (await call('acme', 'POST', '/api/v1/shelves', { name: 's' })).json['id'] as string
    const refused = await call('acme', 'DELETE', `/api/v1/shelves/${shelf}`)
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, PUT, PATCH, HEAD, OPTIONS'])
  })

  test('a parent that is still referenced stays', async () => {
    const open = await openPlatform(inject('postgresUrl'), [defineResource({ table: shelves }), book])
    const own = (await open.call('acme', 'POST', '/api/v1/shelves', { name: 's' })).json['id'] as string
    await open.call('acme', 'POST', '/api/v1/books', { title: 'On it', shelfId: own })
    expect((await open.call('acme', 'DELETE', `/api/v1/shelves/${own}`)).json).toMatchObject({
      status: 409,
      code: 'still_referenced',
    })
    await open.close()
  })

  test('an action validates its input and answers with the row; it may write what is read-only', async () => {
    const id = await add()
    expect((await call('acme', 'POST', `/api/v1/books/${id}/finish`, { score: 9 })).json.errors?.[0]?.path).toBe(
      '/score',
    )
    const answer = await call('acme', 'POST', `/api/v1/books/${id}/finish`, { score: 4 })
    expect([answer.status, answer.json['state'], answer.json['score']]).toEqual([200, 'read', 4])
    expect((await call('beta', 'POST', `/api/v1/books/${id}/finish`, { score: 4 })).status).toBe(404)
    expect((await call('reader', 'POST', `/api/v1/books/${id}/finish`, { score: 4 })).status).toBe(403)
  })
})
