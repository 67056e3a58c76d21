import { jsonb, text, timestamp } from 'drizzle-orm/pg-core'
import {
  belongsTo,
  defineResource,
  deletedAt,
  resourceTable,
  serviceTokens,
  type Principal,
  type Row,
} from '@plinth/core'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { z } from 'zod'
import { openPlatform, tokenOf, type OpenPlatform } from './open-platform.ts'

const folders = resourceTable('folders', { name: text().notNull(), deletedAt: deletedAt() })
const papers = resourceTable('papers', {
  title: text().notNull(),
  pin: text(),
  when: timestamp({ withTimezone: true }),
  data: jsonb(),
  folderId: belongsTo(() => folders),
})
let release: () => void = () => undefined
let visits = 0
const visit = (_row: Row<typeof papers>, _input: undefined, _signal: AbortSignal): Promise<{ n: number }> => {
  visits += 1
  return new Promise((resolve) => (release = () => resolve({ n: visits })))
}
const paper = defineResource({
  table: papers,
  fields: { pin: { secret: true, immutable: true }, title: { search: true } },
  actions: {
    visit: { outside: visit, run: () => undefined },
    tags: { input: z.object({ items: z.array(z.string()) }), run: () => undefined },
  },
})

let platform: OpenPlatform
let call: OpenPlatform['call']
beforeAll(async () => {
  const narrow = serviceTokens([
    { name: 'own', token: tokenOf('own'), tenant: 'acme', permissions: ['*:*:own', 'paper:read'] },
    { name: 'group', token: tokenOf('group'), tenant: 'acme', permissions: ['paper:create:group', 'paper:read'] },
  ])
  platform = await openPlatform(
    inject('postgresUrl'),
    [defineResource({ table: folders }), paper],
    [{ ...narrow, name: 'narrow' }],
    {
      limits: { outside: 500 },
    },
  )
  call = platform.call
})
afterAll(() => platform.close())
const add = async (table: string, body: object): Promise<string> =>
  (await call('acme', 'POST', `/api/v1/${table}`, body)).json['id'] as string

describe('what a body may cost', () => {
  test('a text without a length of its own ends at 10,000 characters, a json value at 256 KB', async () => {
    expect(
      (await call('acme', 'POST', '/api/v1/papers', { title: 'x'.repeat(10_001) })).json.errors?.[0],
    ).toMatchObject({ path: '/title', code: 'too_big' })
    expect(
      (await call('acme', 'POST', '/api/v1/papers', { title: 'x', data: { a: 'y'.repeat(262_144) } })).status,
    ).toBe(400)
    const id = await add('papers', { title: 'grows', data: { a: 'y'.repeat(200_000) } })
    expect((await call('acme', 'PATCH', `/api/v1/papers/${id}`, { data: { b: 'y'.repeat(200_000) } })).status).toBe(400)
  })

  test('at most 50,000 members are read and 100 faults are told', async () => {
    const id = await add('papers', { title: 'x' })
    const tags = (items: unknown): ReturnType<typeof call> =>
      call('acme', 'POST', `/api/v1/papers/${id}/tags`, { items })
    expect((await tags(Array.from({ length: 60_000 }, () => 0))).json).toMatchObject({
      status: 400,
      code: 'body_too_complex',
    })
    expect((await tags(Array.from({ length: 1_000 }, () => 0))).json.errors).toHaveLength(100)
  })

  test('a number that JSON cannot hold and a year that ISO cannot print are refused', async () => {
    expect((await call('acme', 'POST', '/api/v1/papers', '{"title":"x","data":[1e999]}')).status).toBe(400)
    for (const when of ['0001-01-01T00:00:00+14:00', '9999-12-31T23:59:59-14:00']) {
      expect((await call('acme', 'POST', '/api/v1/papers', { title: 'x', when })).json.errors?.[0]?.path).toBe('/when')
    }
  })

  test('a search is at most 200 characters', async () => {
    expect((await call('acme', 'GET', `/api/v1/papers?search=${'x'.repeat(201)}`)).json.errors?.[0]).toMatchObject({
      code: 'too_long',
    })
  })
})

describe('slow work', () => {
  test('the same row is at work once; what never ends is ended by the limit', async () => {
    const id = await add('papers', { title: 'slow' })
    const before = visits
    const answers = Promise.all(Array.from({ length: 20 }, () => call('acme', 'POST', `/api/v1/papers/${id}/visit`)))
    const statuses = (await answers).map((answer) => answer.status)
    expect(visits - before).toBe(1)
    expect(statuses.filter((status) => status === 409)).toHaveLength(19)
    expect(statuses.filter((status) => status === 503)).toHaveLength(1)
    release()
    // The row is free again.
    const again = call('acme', 'POST', `/api/v1/papers/${id}/visit`)
    await expect.poll(() => visits).toBe(before + 2)
    release()
    expect((await again).status).toBe(200)
  })

  test('a row that moved on meanwhile is a conflict, not a failed precondition', async () => {
    const id = await add('papers', { title: 'moves' })
    const before = visits
    const visiting = call('acme', 'POST', `/api/v1/papers/${id}/visit`)
    await expect.poll(() => visits).toBe(before + 1)
    await call('acme', 'PATCH', `/api/v1/papers/${id}`, { title: 'moved' })
    release()
    expect((await visiting).json).toMatchObject({ status: 409, code: 'conflict' })
  })
})

describe('scopes', () => {
  test('a reference may point only at what its writer may see, and a deleted parent is none', async () => {
    const folder = await add('folders', { name: 'seen by acme alone' })
    const asOwn = (folderId: string): ReturnType<typeof call> =>
      call('acme', 'POST', '/api/v1/papers', { title: 'x', folderId })
    const paper = await asOwn(folder)
    expect(paper.status).toBe(201)
    // While it lives, its folder cannot go.
    expect((await call('acme', 'DELETE', `/api/v1/folders/${folder}`)).status).toBe(409)
    await call('acme', 'DELETE', `/api/v1/papers/${String(paper.json['id'])}`)
    expect((await call('acme', 'DELETE', `/api/v1/folders/${folder}`)).status).toBe(204)
    const deleted = await asOwn(folder)
    const absent = await asOwn(crypto.randomUUID())
    expect(deleted.json.errors).toEqual(absent.json.errors)
    expect(deleted.json.errors?.[0]).toMatchObject({ path: '/folderId', code: 'reference_not_found' })
    const other = await add('folders', { name: 'not seen by group' })
    const id = await add('papers', { title: 'x' })
    const principal = principalOf(['paper:*', 'folder:read:own'])
    const moved = platform.plinth.as(principal, 'acme', (ctx) => ctx.update(papers, id, { folderId: other }))
    await expect(moved).rejects.toMatchObject({ code: 'validation_failed' })
  })

  test('a row is created inside the scope or not at all', async () => {
    expect((await call('group', 'POST', '/api/v1/papers', { title: 'x' })).status).toBe(403)
    expect((await call('own', 'POST', '/api/v1/papers', { title: 'x' })).status).toBe(403)
  })

  test('a secret cannot be guessed by what an update answers', async () => {
    const id = await add('papers', { title: 'x', pin: '4711' })
    const guesses = await Promise.all(
      ['4711', '0000'].map((pin) => call('own', 'PATCH', `/api/v1/papers/${id}`, { pin })),
    )
    expect(guesses.map((answer) => answer.status)).toEqual([403, 403])
    const allowed = await Promise.all(
      ['4711', '0000'].map((pin) => call('acme', 'PATCH', `/api/v1/papers/${id}`, { pin })),
    )
    expect(allowed[0]?.json.errors).toEqual(allowed[1]?.json.errors)
  })
})

function principalOf(permissions: readonly string[]): Principal {
  const { registry } = platform.plinth
  const token = 'p'.repeat(40)
  const feature = serviceTokens([{ name: 'made', token, tenant: 'acme', permissions }])
  expect(feature.verify?.(registry, undefined as never)).toEqual([])
  return feature.slots?.auth?.[0]?.read({ kind: 'bearer', value: token }, undefined as never) as Principal
}
