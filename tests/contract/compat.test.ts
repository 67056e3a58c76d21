import { text } from 'drizzle-orm/pg-core'
import { defineResource, deletedAt, resourceTable } from '@plinth/core'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { z } from 'zod'
import { openPlatform, type OpenPlatform } from './open-platform.ts'

const agents = resourceTable('agents', {
  name: text().notNull(),
  task: text(),
  deletedAt: deletedAt(),
})
const agent = defineResource({
  table: agents,
  compat: true,
  fields: { name: { schema: (name) => name.min(2) }, task: { readOnly: true } },
  actions: {
    command: {
      input: z.strictObject({ task: z.string() }),
      run: (ctx, row, input) => ctx.update(agents, row.id, { task: input.task }),
    },
    rest: { run: (ctx, row) => ctx.update(agents, row.id, { task: null }) },
    status: {
      readOnly: true,
      output: z.object({ busy: z.boolean() }),
      run: (_ctx, row) => ({ busy: row.task !== null }),
    },
  },
})
const notes = resourceTable('notes', { name: text().notNull() })
const note = defineResource({ table: notes, compat: true, operations: { delete: false, list: false } })
const plain = defineResource({ table: resourceTable('plains', { name: text().notNull() }) })

let platform: OpenPlatform
let call: OpenPlatform['call']
beforeAll(async () => {
  platform = await openPlatform(inject('postgresUrl'), [agent, note, plain])
  call = platform.call
})
afterAll(() => platform.close())

const base = '/api/v1/agents'
const add = async (name = 'Bond'): Promise<string> =>
  (await call('acme', 'POST', `${base}/create`, { name })).json['id'] as string

test('create, read, update, delete and list answer as the canonical paths do', async () => {
  const created = await call('acme', 'POST', `${base}/create`, { name: 'Bond' })
  const id = created.json['id'] as string
  expect(created.status).toBe(201)
  expect(created.headers.get('location')).toBe(`${base}/${id}`)
  const canonical = await call('acme', 'GET', `${base}/${id}`)
  const read = await call('acme', 'GET', `${base}/${id}/read`)
  expect([read.status, read.text, read.headers.get('etag')]).toEqual([
    200,
    canonical.text,
    canonical.headers.get('etag'),
  ])
  expect((await call('acme', 'POST', `${base}/${id}/update`, { name: 'James' })).json['name']).toBe('James')
  expect((await call('acme', 'PUT', `${base}/${id}/update`, { name: 'Jim' })).json['name']).toBe('Jim')
  const listed = await call('acme', 'GET', `${base}/list?pageSize=1`)
  expect(listed.text).toBe((await call('acme', 'GET', `${base}?pageSize=1`)).text)
  expect((await call('acme', 'POST', `${base}/${id}/delete`)).status).toBe(204)
  expect((await call('acme', 'GET', `${base}/${id}/read`)).status).toBe(404)
  expect((await call('acme', 'DELETE', `${base}/${await add()}/delete`)).status).toBe(204)
})

test('the checks are those of the canonical paths', async () => {
  const id = await add()
  expect((await call('acme', 'POST', `${base}/create`, { name: 'x' })).json['code']).toBe('validation_failed')
  expect((await call(undefined, 'POST', `${base}/create`, { name: 'x' })).status).toBe(401)
  expect((await call('reader', 'POST', `${base}/${id}/update`, { name: 'Mallory' })).status).toBe(403)
  expect((await call('beta', 'GET', `${base}/${id}/read`)).status).toBe(404)
  const stale = await call('acme', 'POST', `${base}/${id}/update`, { name: 'Late' }, { 'if-match': '"9-000000"' })
  expect(stale.status).toBe(412)
})

test('an action takes the id in its body', async () => {
  const id = await add()
  const done = await call('acme', 'POST', `${base}/command`, { id, task: 'drive' })
  expect([done.status, done.json['task']]).toEqual([200, 'drive'])
  expect((await call('acme', 'GET', `${base}/${id}/status`)).json).toEqual({ busy: true })
  expect((await call('acme', 'POST', `${base}/rest`, { id })).json['task']).toBeNull()
  const without = await call('acme', 'POST', `${base}/command`, { task: 'drive' })
  expect([without.status, without.json.errors?.[0]?.path]).toEqual([400, '/id'])
  expect((await call('acme', 'POST', `${base}/rest`, { id: 5 })).status).toBe(400)
  const foreign = await call('beta', 'POST', `${base}/command`, { id, task: 'drive' })
  const nobodys = await call('beta', 'POST', `${base}/command`, { id: crypto.randomUUID(), task: 'drive' })
  expect([foreign.status, foreign.json['code']]).toEqual([nobodys.status, nobodys.json['code']])
})

test('what the resource does not do has no alias, nothing is in OpenAPI, and nothing is there by default', async () => {
  const id = (await call('acme', 'POST', '/api/v1/notes/create', { name: 'n' })).json['id'] as string
  expect((await call('acme', 'POST', `/api/v1/notes/${id}/delete`)).status).toBe(404)
  expect((await call('acme', 'GET', '/api/v1/notes/list')).status).toBe(404)
  expect((await call('acme', 'POST', `${base}/clear?confirm=agents`)).status).toBe(405)
  expect((await call('acme', 'POST', '/api/v1/plains/create', { name: 'n' })).status).toBe(405)
  const paths = Object.keys(platform.plinth.openapi().paths ?? {})
  expect(paths.filter((path) => /\/(create|read|update|delete|list|clear)$|agents\/command$/.test(path))).toEqual([])
})
