import { text, uniqueIndex } from 'drizzle-orm/pg-core'
import { sql } from 'drizzle-orm'
import { belongsTo, defineResource, deletedAt, resourceTable, type AnyResourceTable } from '@plinth/core'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { ledger } from './ledger.ts'
import { openPlatform, type OpenPlatform } from './open-platform.ts'

// Deleted softly, with every kind of child.
const folders = resourceTable('folders', { name: text().notNull(), deletedAt: deletedAt() }, (table) => [
  uniqueIndex('folders_name_key')
    .on(table.tenantId, table.name)
    .where(sql`deleted_at is null`),
])
const notes = resourceTable('notes', {
  text: text().notNull(),
  folderId: belongsTo(() => folders, { onDelete: 'cascade' }),
  deletedAt: deletedAt(),
})
const comments = resourceTable('comments', {
  text: text().notNull(),
  noteId: belongsTo(() => notes, { onDelete: 'cascade' }).notNull(),
  deletedAt: deletedAt(),
})
const pins = resourceTable('pins', { folderId: belongsTo(() => folders, { onDelete: 'cascade' }).notNull() })
const locks = resourceTable('locks', { folderId: belongsTo(() => folders).notNull(), note: text() })
// Deleted for good, with children that are and children that are not.
const shelves = resourceTable('shelves', { name: text().notNull() })
const books = resourceTable('books', {
  title: text().notNull(),
  shelfId: belongsTo(() => shelves, { onDelete: 'cascade' }).notNull(),
  partOf: belongsTo((): AnyResourceTable => books, { onDelete: 'cascade' }),
})
const copies = resourceTable('copies', {
  code: text().notNull(),
  bookId: belongsTo(() => books, { onDelete: 'cascade' }).notNull(),
  deletedAt: deletedAt(),
})
const resources = [folders, notes, comments, pins, locks, shelves, books, copies].map((table) =>
  defineResource({ table }),
)

let platform: OpenPlatform
let call: OpenPlatform['call']
beforeAll(async () => {
  platform = await openPlatform(inject('postgresUrl'), resources, [ledger], {
    services: [
      { name: 'folders', permissions: ['folder:*', 'note:read', 'comment:read'] },
      { name: 'shelves', permissions: ['shelf:*', 'book:*'] },
    ],
  })
  call = platform.call
})
afterAll(() => platform.close())

let made = 0
const add = async (path: string, body: object): Promise<string> => {
  const answer = await call('acme', 'POST', `/api/v1/${path}`, body)
  if (answer.status !== 201) throw new Error(answer.text)
  return answer.json['id'] as string
}
const addFolder = (): Promise<string> => add('folders', { name: `folder ${++made}` })
const status = async (method: string, path: string, body?: unknown, who = 'acme'): Promise<number> =>
  (await call(who, method, `/api/v1/${path}`, body)).status
const recorded = async (id: string): Promise<readonly unknown[]> =>
  (await platform.stored(`select event from plinth.ledger_entries where target = '${id}' order by version, event`)).map(
    (row) => row['event'],
  )
const announced = async (id: string): Promise<readonly unknown[]> =>
  (await platform.stored(`select type from plinth.events where key like '%:${id}' order by occurred_at, type`)).map(
    (row) => row['type'],
  )

describe('restore', () => {
  test('brings the row back: 200, the row, the next version, its own record and event', async () => {
    const id = await addFolder()
    expect(await status('DELETE', `folders/${id}`)).toBe(204)
    expect(await status('GET', `folders/${id}`)).toBe(404)
    const answer = await call('acme', 'POST', `/api/v1/folders/${id}/restore`)
    expect(answer.status).toBe(200)
    expect(answer.json).toMatchObject({ id, version: 3, deletedAt: null })
    expect(answer.headers.get('etag')).toMatch(/^"3-/)
    expect(await status('GET', `folders/${id}`)).toBe(200)
    expect(await recorded(id)).toEqual(['created', 'deleted', 'restored'])
    const [entry] = await platform.stored(
      `select operation.before ->> 'deletedAt' is null as "live", operation.after ->> 'deletedAt' is null as "back" from plinth.ledger_entries operation where target = '${id}' and event = 'restored'`,
    )
    expect(entry).toEqual({ live: false, back: true })
    expect(await announced(id)).toContain('folder.restored')
  })

  test('what is not deleted: 409; what is not there, and what belongs to others: 404; a query: 400', async () => {
    const id = await addFolder()
    const live = await call('acme', 'POST', `/api/v1/folders/${id}/restore`)
    expect([live.status, live.json['code']]).toEqual([409, 'not_deleted'])
    expect(await status('POST', `folders/${crypto.randomUUID()}/restore`)).toBe(404)
    expect(await status('POST', 'folders/none/restore')).toBe(404)
    await status('DELETE', `folders/${id}`)
    expect(await status('POST', `folders/${id}/restore`, undefined, 'beta')).toBe(404)
    expect(await status('POST', `folders/${id}/restore?x=1`)).toBe(400)
    expect(await status('POST', `folders/${id}/restore`, undefined, 'reader')).toBe(403)
    expect(await status('POST', `shelves/${id}/restore`)).toBe(404) // no such route
  })

  test('If-Match and Idempotency-Key', async () => {
    const id = await addFolder()
    await status('DELETE', `folders/${id}`)
    const path = `/api/v1/folders/${id}/restore`
    expect((await call('acme', 'POST', path, undefined, { 'if-match': '"1-abcdef"' })).status).toBe(412)
    const key = { 'idempotency-key': crypto.randomUUID(), 'if-match': '"2-abcdef"' }
    expect((await call('acme', 'POST', path, undefined, key)).status).toBe(200)
    const again = await call('acme', 'POST', path, undefined, key)
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([200, 'true'])
    expect((await call('acme', 'POST', path, undefined, { 'if-match': '"2-abcdef"' })).status).toBe(412)
  })

  test('into a value that was taken meanwhile: 409, and it stays deleted', async () => {
    const [first] = [await add('folders', { name: 'taken' })]
    await status('DELETE', `folders/${first}`)
    await add('folders', { name: 'taken' })
    const answer = await call('acme', 'POST', `/api/v1/folders/${first}/restore`)
    expect([answer.status, answer.json['code']]).toEqual([409, 'already_exists'])
    expect(answer.json.errors?.map((fault) => fault.path)).toEqual(['/name'])
    expect(await status('GET', `folders/${first}`)).toBe(404)
  })

  test('a row whose parent is deleted: 409 that names the field; after the parent it can be restored', async () => {
    const folder = await addFolder()
    const note = await add('notes', { text: 'x', folderId: folder })
    await status('DELETE', `notes/${note}`)
    await status('DELETE', `folders/${folder}`)
    const answer = await call('acme', 'POST', `/api/v1/notes/${note}/restore`)
    expect([answer.status, answer.json['code']]).toEqual([409, 'parent_deleted'])
    expect(answer.json.errors?.map((fault) => fault.path)).toEqual(['/folderId'])
    expect(await status('POST', `folders/${folder}/restore`)).toBe(200)
    // It went before its parent did, by itself: it stays.
    expect(await status('GET', `notes/${note}`)).toBe(404)
    expect(await status('POST', `notes/${note}/restore`)).toBe(200)
  })

  test('in code', async () => {
    const id = await addFolder()
    await status('DELETE', `folders/${id}`)
    const principal = await platform.principal('acme')
    const row = await platform.plinth.as(principal, 'acme', (ctx) => ctx.restore(folders, id))
    expect(row).toMatchObject({ id, deletedAt: null, version: 3 })
    await expect(platform.plinth.as(principal, 'acme', (ctx) => ctx.restore(folders, id))).rejects.toThrow(
      'not deleted',
    )
    await expect(platform.plinth.as(principal, 'acme', (ctx) => ctx.restore(shelves, id))).rejects.toThrow(
      'not deleted softly',
    )
  })

  test('100 at once: one wins', async () => {
    const id = await addFolder()
    await status('DELETE', `folders/${id}`)
    const answers = await Promise.all(Array.from({ length: 100 }, () => status('POST', `folders/${id}/restore`)))
    expect(answers.filter((each) => each === 200)).toHaveLength(1)
    expect(answers.filter((each) => each === 409)).toHaveLength(99)
    expect(await recorded(id)).toEqual(['created', 'deleted', 'restored'])
  })
})

describe('what goes with a row that is deleted softly', () => {
  test('children of cascade that are deleted softly, theirs too, each with record and event; they come back with it', async () => {
    const folder = await addFolder()
    const note = await add('notes', { text: 'a', folderId: folder })
    const comment = await add('comments', { text: 'b', noteId: note })
    const pin = await add('pins', { folderId: folder })
    expect(await status('DELETE', `folders/${folder}`)).toBe(204)
    expect(await status('GET', `notes/${note}`)).toBe(404)
    expect(await status('GET', `comments/${comment}`)).toBe(404)
    expect(await status('GET', `pins/${pin}`)).toBe(200) // its row cannot come back, so it stays
    for (const [id, type] of [
      [note, 'note.deleted'],
      [comment, 'comment.deleted'],
    ] as const) {
      expect(await recorded(id)).toEqual(['created', 'deleted'])
      expect(await announced(id)).toContain(type)
    }
    expect(await status('POST', `folders/${folder}/restore`)).toBe(200)
    for (const path of [`notes/${note}`, `comments/${comment}`]) expect(await status('GET', path)).toBe(200)
    expect(await recorded(comment)).toEqual(['created', 'deleted', 'restored'])
  })

  test('live children of restrict: 409, and nothing went', async () => {
    const folder = await addFolder()
    const note = await add('notes', { text: 'a', folderId: folder })
    const lock = await add('locks', { folderId: folder })
    const answer = await call('acme', 'DELETE', `/api/v1/folders/${folder}`)
    expect([answer.status, answer.json['code']]).toEqual([409, 'still_referenced'])
    expect(await status('GET', `notes/${note}`)).toBe(200)
    await status('DELETE', `locks/${lock}`)
    expect(await status('DELETE', `folders/${folder}`)).toBe(204)
  })

  test('children that he may not delete: 403, and nothing went', async () => {
    const folder = await addFolder()
    await add('notes', { text: 'a', folderId: folder })
    const answer = await call('folders', 'DELETE', `/api/v1/folders/${folder}`)
    expect([answer.status, answer.json['code']]).toEqual([403, 'permission_denied'])
    expect(answer.json['detail']).toContain('note:delete')
    expect(await status('GET', `folders/${folder}`)).toBe(200)
    await status('DELETE', `folders/${folder}`)
    expect(await status('POST', `folders/${folder}/restore`, undefined, 'folders')).toBe(403)
  })

  test('more than 1,000: 409 with the limit', async () => {
    const folder = await addFolder()
    await platform.stored(
      `insert into notes (tenant_id, id, text, folder_id, created_at, updated_at) select tenant_id, gen_random_uuid(), 'x', id, now(), now() from folders, generate_series(1, 1001) where id = '${folder}'`,
    )
    const answer = await call('acme', 'DELETE', `/api/v1/folders/${folder}`)
    expect([answer.status, answer.json['code']]).toEqual([409, 'too_many_rows'])
    expect(answer.json['detail']).toContain('1000')
    await platform.stored(`delete from notes where text = 'x' and folder_id = '${folder}'`)
  })

  test('a child cannot be attached while its parent goes', async () => {
    for (let round = 0; round < 20; round += 1) {
      const folder = await addFolder()
      const [deleted, attached] = await Promise.all([
        status('DELETE', `folders/${folder}`),
        status('POST', 'locks', { folderId: folder }),
      ])
      expect([`${deleted}-${attached}`]).toContainEqual(deleted === 204 ? '204-400' : '409-201')
    }
  })
})

describe('references to what is deleted', () => {
  test('cannot be made, and one that stands can be PUT back', async () => {
    const folder = await addFolder()
    const pin = await add('pins', { folderId: folder })
    await status('DELETE', `folders/${folder}`)
    expect(await status('POST', 'pins', { folderId: folder })).toBe(400)
    const got = (await call('acme', 'GET', `/api/v1/pins/${pin}`)).json
    expect((await call('acme', 'PUT', `/api/v1/pins/${pin}`, got)).json).toMatchObject({ folderId: folder, version: 2 })
    const other = await addFolder()
    expect(await status('PATCH', `pins/${pin}`, { folderId: other })).toBe(200)
    const answer = await call('acme', 'PATCH', `/api/v1/pins/${pin}`, { folderId: folder })
    expect([answer.status, answer.json.errors?.[0]?.code]).toEqual([400, 'reference_not_found'])
  })
})

describe('what goes with a row that is deleted for good', () => {
  test('children of cascade, each recorded and announced; those that were kept for a restoration are purged', async () => {
    const shelf = await add('shelves', { name: 's' })
    const book = await add('books', { title: 'whole', shelfId: shelf })
    const part = await add('books', { title: 'part', shelfId: shelf, partOf: book })
    const live = await add('copies', { code: 'c1', bookId: part })
    const dead = await add('copies', { code: 'c2', bookId: part })
    await status('DELETE', `copies/${dead}`)
    expect(await status('DELETE', `shelves/${shelf}`, undefined, 'shelves')).toBe(403)
    expect(await status('DELETE', `shelves/${shelf}`)).toBe(204)
    for (const table of ['books', 'copies']) {
      const rows = await platform.stored(
        `select id from ${table} where id in ('${[book, part, live, dead].join("','")}')`,
      )
      expect(rows).toEqual([])
    }
    for (const id of [shelf, book, part, live]) expect(await recorded(id)).toEqual(['created', 'deleted'])
    expect(await recorded(dead)).toEqual(['created', 'deleted', 'purged'])
    expect(await announced(part)).toContain('book.deleted')
    expect(await announced(dead)).toContain('copy.purged')
  })

  test('in a circle: 409, nothing unrecorded', async () => {
    const shelf = await add('shelves', { name: 's' })
    const one = await add('books', { title: 'one', shelfId: shelf })
    const two = await add('books', { title: 'two', shelfId: shelf, partOf: one })
    expect(await status('PATCH', `books/${one}`, { partOf: two })).toBe(200)
    expect(await status('DELETE', `books/${one}`)).toBe(409)
    // From outside of the circle both go with one statement.
    expect(await status('DELETE', `shelves/${shelf}`)).toBe(204)
    for (const id of [one, two]) expect(await recorded(id)).toContain('deleted')
  })
})
