import { createPlinth, defineResource, resourceTable, StartupError } from '@plinth/core'
import { embedded } from '@plinth/postgres'
import { boolean, integer, text } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { openPlatform, tokenOf, type Answered, type OpenPlatform } from './open-platform.ts'

const shades = resourceTable('shades', {
  name: text().notNull(),
  depth: integer(),
  builtIn: boolean().notNull().default(false),
})
const builtIn = ['amber', 'coral', 'jade', 'plum'].map((name, at) => ({
  key: name,
  values: { name, depth: at === 2 ? null : at * 10 },
}))
const shade = defineResource({
  table: shades,
  fields: {
    name: { filter: true, sort: true, search: true },
    depth: { filter: true, sort: true },
    builtIn: { readOnly: true, filter: true },
  },
  builtIn: () => builtIn,
})

let platform: OpenPlatform
const ask = (method: string, path: string, body?: unknown, who = 'acme'): Promise<Answered> =>
  platform.call(who, method, `/api/v1/shades${path}`, body)
type Shade = { readonly id: string; readonly name: string; readonly depth: number | null; readonly createdAt: string }
const rows = (reply: Answered): readonly Shade[] => reply.json['data'] as Shade[]
const page = (reply: Answered): { nextCursor: string | null; hasMore: boolean; total?: number } =>
  reply.json['page'] as never

beforeAll(async () => {
  platform = await openPlatform(inject('postgresUrl'), [shade], [], {
    services: [
      { name: 'painter', permissions: ['shade:read', 'shade:create', 'shade:update:own', 'shade:delete:own'] },
    ],
  })
  for (const [at, name] of ['azure', 'blue', 'cyan', 'denim', 'ebony', 'indigo', 'lime', 'mauve', 'rose'].entries())
    await ask('POST', '', { name, depth: at % 3 === 0 ? null : at * 5 })
})
afterAll(() => platform.close())

test('they are read, filtered, searched and counted like the rows of the tenant', async () => {
  const all = await ask('GET', '?count=exact&pageSize=100')
  expect([rows(all).length, page(all).total]).toEqual([13, 13])
  const [coral] = rows(await ask('GET', '?name=coral'))
  expect(coral).toMatchObject({ name: 'coral', depth: 10, builtIn: true, ownerUserId: null })
  const one = await ask('GET', `/${coral!.id}`)
  expect([one.status, one.json]).toEqual([200, coral])
  expect((await ask('GET', `/${coral!.id.toUpperCase()}`)).status).toBe(200)
  expect((await platform.call('beta', 'GET', `/api/v1/shades/${coral!.id}`)).json).toEqual(coral)
  const tag = one.headers.get('etag')!
  const again = await platform.call('acme', 'GET', `/api/v1/shades/${coral!.id}`, undefined, { 'if-none-match': tag })
  expect(again.status).toBe(304)
  expect(
    rows(await ask('GET', '?search=LU'))
      .map((row) => row.name)
      .sort(),
  ).toEqual(['blue', 'plum'])
  expect(rows(await ask('GET', '?builtIn=true')).length).toBe(4)
  const deep = rows(await ask('GET', '?depth[gte]=20&sort=name')).map((row) => row.name)
  expect(deep).toEqual(['ebony', 'indigo', 'mauve', 'plum', 'rose'])
  const csv = await platform.plinth.fetch(
    new Request('http://test/api/v1/shades?format=csv', { headers: { authorization: `Bearer ${tokenOf('acme')}` } }),
  )
  expect((await csv.text()).split('\n').filter((line) => line !== '').length).toBe(14)
})

test.each(['name', '-name', 'depth,name', '-depth,-name', 'id', '-createdAt', '-depth'])(
  'sorted by %s, every page and every cursor is a piece of one order',
  async (sort) => {
    const whole = rows(await ask('GET', `?sort=${sort}&pageSize=100`)).map((row) => row.id)
    expect(new Set(whole).size).toBe(13)
    for (const size of [1, 2, 3, 5, 12]) {
      const paged: string[] = []
      for (let at = 1; at <= Math.ceil(13 / size); at += 1)
        paged.push(...rows(await ask('GET', `?sort=${sort}&page=${at}&pageSize=${size}`)).map((row) => row.id))
      expect(paged, `pages of ${size}`).toEqual(whole)
      const walked: string[] = []
      for (let cursor: string | null = '', first = true; first || cursor !== null; first = false) {
        const after = first ? '' : `&cursor=${encodeURIComponent(cursor ?? '')}`
        const reply = await ask('GET', `?sort=${sort}&pageSize=${size}${after}`)
        walked.push(...rows(reply).map((row) => row.id))
        cursor = page(reply).nextCursor
      }
      expect(walked, `cursors of ${size}`).toEqual(whole)
    }
  },
)

test('the order is the one that was asked for', async () => {
  const listed = rows(await ask('GET', '?sort=-depth,name&pageSize=100'))
  const expected = [...listed].sort((left, right) => {
    if (left.depth !== right.depth)
      return left.depth === null ? 1 : right.depth === null ? -1 : right.depth - left.depth
    return left.name < right.name ? -1 : 1
  })
  // The last key runs the way of the one before it, and names differ.
  expect(listed.map((row) => row.name)).toEqual(expected.map((row) => row.name))
})

test('nobody changes them: 409, after what is wrong otherwise', async () => {
  const [jade] = rows(await ask('GET', '?name=jade'))
  const answers = async (who: string): Promise<readonly string[]> => {
    const replies = [
      await ask('PATCH', `/${jade!.id}`, { name: 'x' }, who),
      await ask('PATCH', `/${jade!.id}`, {}, who),
      await ask('PUT', `/${jade!.id}`, { name: 'x' }, who),
      await ask('DELETE', `/${jade!.id}`, undefined, who),
    ]
    return replies.map((reply) => `${reply.status} ${String(reply.json['code'])}`)
  }
  expect(await answers('acme')).toEqual(Array.from({ length: 4 }, () => '409 built_in'))
  expect(await answers('painter')).toEqual(Array.from({ length: 4 }, () => '403 permission_denied'))
  expect((await ask('PATCH', `/${jade!.id}`, { name: 5 })).json['code']).toBe('validation_failed')
  expect((await ask('GET', `/${jade!.id}`)).json).toEqual(jade)
  const bulk = await ask('POST', '/bulk', { operations: [{ op: 'delete', id: jade!.id }] })
  expect(bulk.status).toBe(404)
  expect(await platform.stored('select name from public.shades where built_in')).toEqual([])
})

test('code reads them too, and asks what it may', async () => {
  const acme = await platform.principal('acme')
  const found = await platform.plinth.as(acme, 'acme', async (ctx) => ({
    names: (await ctx.list(shades, { where: { builtIn: true }, sort: ['name'] })).map((row) => row.name),
    can: [ctx.can('shade:read'), ctx.can('shade:delete')],
  }))
  expect(found).toEqual({ names: ['amber', 'coral', 'jade', 'plum'], can: [true, true] })
  const painter = await platform.principal('reader')
  await platform.plinth.as(painter, 'acme', async (ctx) => {
    expect([ctx.can('shade:read'), ctx.can('shade:update')]).toEqual([true, false])
    expect(() => ctx.can('shade:paint')).toThrow('shade:')
    expect(() => ctx.can('shade:read:own')).toThrow('there is no permission')
  })
})

test('a table that cannot tell them from others is a fault at start', () => {
  const plain = resourceTable('plain', { name: text().notNull() })
  const make = (): unknown =>
    createPlinth({
      database: embedded('memory://'),
      resources: [defineResource({ table: plain, builtIn: () => [] })],
      env: { ENVIRONMENT: 'development', SECRET_KEYS: `k1:${'A'.repeat(43)}=` },
    })
  expect(make).toThrow(StartupError)
  expect(make).toThrow('no column that tells built-in rows from others')
})
