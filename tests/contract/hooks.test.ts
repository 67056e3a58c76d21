import { integer, text } from 'drizzle-orm/pg-core'
import {
  belongsTo,
  compare,
  createPlinth,
  defineResource,
  deletedAt,
  problem,
  resourceTable,
  StartupError,
} from '@plinth/core'
import { embedded } from '@plinth/postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { ledger } from './ledger.ts'
import { openPlatform, type OpenPlatform } from './open-platform.ts'

const tasks = resourceTable('tasks', {
  title: text().notNull(),
  size: integer().notNull().default(1),
  state: text().notNull().default('open'),
  deletedAt: deletedAt(),
})
const notes = resourceTable('notes', {
  words: text().notNull(),
  taskId: belongsTo(() => tasks, { onDelete: 'cascade' }),
  deletedAt: deletedAt(),
})
const loops = resourceTable('loops', { n: integer().notNull() })
const counters = resourceTable('counters', { name: text().notNull() })

let ran: string[] = []
const task = defineResource({
  table: tasks,
  fields: { title: { schema: (title) => title.max(30) } },
  operations: { clear: true },
  actions: { rename: { run: (ctx, row) => ctx.update(tasks, row.id, { title: `${row.title}!` }) } },
  hooks: {
    beforeCreate(_ctx, draft) {
      ran.push('beforeCreate')
      if (draft.title === 'refused') throw problem('conflict', { detail: 'Not this one.' })
      if (draft.title === 'broken') throw new Error('a secret reason')
      return { ...draft, title: draft.title.trim() }
    },
    async afterCreate(ctx, row) {
      ran.push('afterCreate')
      if (row.title === 'late') throw problem('conflict')
      if (row.title === 'noted') await ctx.create(notes, { words: 'made by a hook', taskId: row.id })
    },
    beforeUpdate(_ctx, row, patch) {
      ran.push('beforeUpdate')
      if (row.state === 'done') throw problem('conflict', { detail: 'It is done.' })
      return patch.size === 13 ? { ...patch, title: 'x'.repeat(31) } : undefined
    },
    afterUpdate: (_ctx, row, before) => void ran.push(`afterUpdate ${before.title}>${row.title}`),
    beforeDelete(_ctx, row) {
      ran.push('beforeDelete')
      if (row.title === 'kept') throw problem('conflict', { detail: 'It stays.' })
    },
    afterDelete: () => void ran.push('afterDelete'),
    beforeRestore: () => void ran.push('beforeRestore'),
    afterRestore: () => void ran.push('afterRestore'),
  },
})
const note = defineResource({
  table: notes,
  hooks: {
    beforeDelete: () => void ran.push('note beforeDelete'),
    beforeRead: (ctx) => void ran.push(`beforeRead ${ctx.principal.name}`),
    afterRead(_ctx, row) {
      if (row.words === 'unreadable') throw problem('not_found')
    },
    beforeList: () => compare('words', 'ne', 'unlisted'),
    afterList: (_ctx, rows) => void ran.push(`afterList ${rows.every((row) => row.words !== null)}`),
  },
})
const loop = defineResource({
  table: loops,
  hooks: { afterCreate: (ctx, row) => ctx.create(loops, { n: row.n + 1 }) },
})

let platform: OpenPlatform
let call: OpenPlatform['call']
beforeAll(async () => {
  platform = await openPlatform(
    inject('postgresUrl'),
    [task, note, loop, defineResource({ table: counters })],
    [ledger],
  )
  call = platform.call
})
afterAll(() => platform.close())
beforeEach(() => {
  ran = []
})

const add = async (path: string, body: object): Promise<string> => {
  const answer = await call('acme', 'POST', `/api/v1/${path}`, body)
  if (answer.status !== 201) throw new Error(answer.text)
  return answer.json['id'] as string
}

describe('around writes', () => {
  test('a draft may be changed, and the change is what is stored', async () => {
    const answer = await call('acme', 'POST', '/api/v1/tasks', { title: '  a  ' })
    expect(answer.json).toMatchObject({ title: 'a', size: 1 })
    expect(ran).toEqual(['beforeCreate', 'afterCreate'])
  })

  test('what a hook returns is validated as if it had been sent', async () => {
    const id = await add('tasks', { title: 'a' })
    const answer = await call('acme', 'PATCH', `/api/v1/tasks/${id}`, { size: 13 })
    expect([answer.status, answer.json.errors?.[0]?.path]).toEqual([400, '/title'])
  })

  test('a problem refuses with its own answer; all else is a 500 without its cause; either way nothing is written', async () => {
    const refused = await call('acme', 'POST', '/api/v1/tasks', { title: 'refused' })
    expect([refused.status, refused.json['detail']]).toEqual([409, 'Not this one.'])
    const broken = await call('acme', 'POST', '/api/v1/tasks', { title: 'broken' })
    expect(broken.status).toBe(500)
    expect(broken.text).not.toContain('secret reason')
    expect((await call('acme', 'POST', '/api/v1/tasks', { title: 'late' })).status).toBe(409)
    expect(await platform.stored("select 1 from tasks where title in ('refused', 'broken', 'late')")).toEqual([])
    expect(await platform.stored(`select 1 from plinth.ledger_entries where after ->> 'title' = 'late'`)).toEqual([])
  })

  test('ctx of a hook writes in the same transaction', async () => {
    const id = await add('tasks', { title: 'noted' })
    expect(await platform.stored(`select words from notes where task_id = '${id}'`)).toEqual([
      { words: 'made by a hook' },
    ])
  })

  test('every way in: PATCH, PUT, an action, bulk, code, clear, a parent, restore', async () => {
    const id = await add('tasks', { title: 'a' })
    ran = []
    await call('acme', 'PATCH', `/api/v1/tasks/${id}`, { title: 'b' })
    await call('acme', 'PUT', `/api/v1/tasks/${id}`, { title: 'c' })
    await call('acme', 'POST', `/api/v1/tasks/${id}/rename`)
    expect(ran).toEqual([
      'beforeUpdate',
      'afterUpdate a>b',
      'beforeUpdate',
      'afterUpdate b>c',
      'beforeUpdate',
      'afterUpdate c>c!',
    ])
    ran = []
    await call('acme', 'PATCH', `/api/v1/tasks/${id}`, {})
    expect(ran).toEqual([])
    await call('acme', 'POST', '/api/v1/tasks/bulk', {
      operations: [
        { op: 'create', data: { title: 'd' } },
        { op: 'create', data: { title: 'e' } },
        { op: 'update', id, data: { title: 'f' } },
      ],
    })
    expect(ran).toEqual([
      'beforeCreate',
      'afterCreate',
      'beforeCreate',
      'afterCreate',
      'beforeUpdate',
      'afterUpdate c!>f',
    ])
    await add('notes', { words: 'x', taskId: id })
    ran = []
    await call('acme', 'DELETE', `/api/v1/tasks/${id}`)
    await call('acme', 'POST', `/api/v1/tasks/${id}/restore`)
    expect(ran).toEqual(['beforeDelete', 'note beforeDelete', 'afterDelete', 'beforeRestore', 'afterRestore'])
    ran = []
    await platform.plinth.as(await platform.principal('acme'), 'acme', (ctx) => ctx.create(tasks, { title: 'kept' }))
    expect(ran).toEqual(['beforeCreate', 'afterCreate'])
    const answer = await call('acme', 'DELETE', '/api/v1/tasks?confirm=tasks')
    expect([answer.status, answer.json['detail']]).toEqual([409, 'It stays.'])
    expect((await call('acme', 'GET', `/api/v1/tasks/${id}`)).status).toBe(200)
  })

  test('hooks that call themselves end with an error and nothing written', async () => {
    expect((await call('acme', 'POST', '/api/v1/loops', { n: 0 })).status).toBe(500)
    expect(await platform.stored('select 1 from loops')).toEqual([])
  })
})

test('around reads: one is refused, lists are narrowed, by every way', async () => {
  const id = await add('notes', { words: 'unreadable' })
  const plain = await add('notes', { words: 'plain' })
  await add('notes', { words: 'unlisted' })
  ran = []
  expect((await call('acme', 'GET', `/api/v1/notes/${id}`)).status).toBe(404)
  expect((await call('acme', 'GET', `/api/v1/notes/${plain}`)).status).toBe(200)
  expect(ran).toEqual(['beforeRead acme', 'beforeRead acme'])
  const page = await call('acme', 'GET', '/api/v1/notes?fields=id&count=exact')
  expect(ran.at(-1)).toBe('afterList true') // whole rows, whatever was asked for
  expect((page.json['page'] as { total: number }).total).toBe((page.json['data'] as unknown[]).length)
  const csv = await call('acme', 'GET', '/api/v1/notes', undefined, { accept: 'text/plain' })
  expect(csv.text).not.toContain('unlisted')
  const listed = await platform.plinth.as(await platform.principal('acme'), 'acme', (ctx) => ctx.list(notes))
  expect(listed.map((row) => row.words)).not.toContain('unlisted')
})

test('without hooks a write stays one statement; with them it is a transaction', async () => {
  const transactions = async (work: () => Promise<unknown>): Promise<number> => {
    const before = platform.transactions()
    await work()
    return platform.transactions() - before
  }
  let counter = ''
  const path = (): string => `/api/v1/counters/${counter}`
  expect(await transactions(async () => (counter = await add('counters', { name: 'a' })))).toBe(0)
  expect(await transactions(() => call('acme', 'PATCH', path(), { name: 'b' }))).toBe(0)
  expect(await transactions(() => call('acme', 'PUT', path(), { name: 'c' }))).toBe(0)
  expect(await transactions(() => call('acme', 'DELETE', path()))).toBe(0)
  expect(await transactions(() => add('tasks', { title: 'a' }))).toBe(1)
})

test('a hook that would never run is a fault at start', () => {
  const start = (hooks: object): unknown =>
    createPlinth({
      database: embedded('memory://'),
      resources: [{ ...defineResource({ table: counters }), hooks }],
      env: { ENVIRONMENT: 'test' },
    })
  expect(() => start({ beforeSave: () => undefined })).toThrow(StartupError)
  expect(() => start({ beforeSave: () => undefined })).toThrow('is no hook')
  expect(() => start({ afterRestore: () => undefined })).toThrow('never called')
})
