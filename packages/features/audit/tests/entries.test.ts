import { folders } from '@plinth/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openBook, type Book, type StoredEntry } from './open-book.ts'

const SECRET = 'c4nary-of-a-passphrase'
const PERSONAL = 'c4nary@example.com'
const HIDDEN = 'c4nary-hidden'

let book: Book
let from = 0
beforeAll(async () => {
  book = await openBook()
  // That the tenant was founded.
  await news()
}, 60_000)
afterAll(() => book.close())

const ask = (method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}) =>
  book.platform.request(book.platform.a.actors.full, method, `/api/v1/${path}`, body, headers)

/** The entries since the last call. */
async function news(): Promise<readonly StoredEntry[]> {
  const all = await book.entries()
  const fresh = all.slice(from)
  from = all.length
  return fresh
}

describe('an entry', () => {
  let folderId = ''
  let id = ''

  test('of a create says who, what, when, by which request, and what the row is', async () => {
    const reply = await ask(
      'POST',
      'folders',
      { name: 'Papers' },
      { 'x-request-id': 'request-of-a-test', 'user-agent': 'tester/1' },
    )
    folderId = (reply.json as { id: string }).id
    expect(await news()).toEqual([
      {
        tenant_id: book.platform.a.id,
        seq: 2,
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        occurred_at: expect.stringMatching(/^\d{4}-/),
        actor_kind: 'service',
        actor_id: 'a-full',
        on_behalf_of: null,
        action: 'folder.created',
        target_type: 'folder',
        target_id: folderId,
        outcome: 'success',
        request_id: 'request-of-a-test',
        repeated: 1,
        changes: expect.objectContaining({ name: { to: 'Papers' } }),
        detail: null,
        origin: expect.stringMatching(/^a1\./),
        personal: null,
        hash: expect.stringMatching(/^[\w-]{43}$/),
        mac: expect.stringMatching(/^[\w-]{43}$/),
      },
    ])
  })

  test('names secret and hidden fields that were set, and encrypts personal ones', async () => {
    const reply = await ask('POST', 'documents', {
      title: 'One',
      docKey: 'k1',
      folderId,
      passphrase: SECRET,
      authorEmail: PERSONAL,
    })
    expect(reply.status).toBe(201)
    id = (reply.json as { id: string }).id
    const [entry] = await news()
    expect(entry).toMatchObject({
      action: 'document.created',
      changes: {
        title: { to: 'One' },
        passphrase: { masked: true },
        internalNote: { masked: true },
        authorEmail: { personal: true },
      },
    })
    expect(entry!['personal']).toMatch(/^a1\./)
  })

  test('of an update holds what changed and nothing else', async () => {
    expect((await ask('PATCH', `documents/${id}`, { title: 'Two', passphrase: `${SECRET}-2` })).status).toBe(200)
    expect((await ask('PATCH', `documents/${id}`, { authorEmail: null })).status).toBe(200)
    const [first, second] = await news()
    expect(first!.changes).toEqual({ title: { from: 'One', to: 'Two' }, passphrase: { masked: true } })
    expect(second!.changes).toEqual({ authorEmail: { personal: true } })
  })

  test('of an action has its name, whether it writes the row or not', async () => {
    const other = await ask('POST', 'folders', { name: 'Other' })
    await news()
    await ask('POST', `documents/${id}/move`, { folderId: (other.json as { id: string }).id })
    expect(await news()).toMatchObject([{ action: 'document.move', target_id: id }])
  })

  test('of a deletion, a restoration and of each row of a bulk', async () => {
    await ask('DELETE', `documents/${id}`)
    await ask('POST', `documents/${id}/restore`)
    await ask('POST', 'folders/bulk', {
      operations: [
        { op: 'create', data: { name: 'b1' } },
        { op: 'create', data: { name: 'b2' } },
      ],
    })
    expect((await news()).map((entry) => entry.action)).toEqual([
      'document.deleted',
      'document.restored',
      'folder.created',
      'folder.created',
    ])
  })

  test('is not there for what changed nothing: a refusal, a fault, a row of nobody, {}', async () => {
    await ask('POST', 'folders', { name: 7 })
    await ask('PATCH', `documents/${book.platform.a.id}`, { title: 'x' })
    await ask('PATCH', `documents/${id}`, {})
    await book.platform.request(book.platform.a.actors.reader, 'POST', '/api/v1/folders', { name: 'no' })
    await ask('GET', 'documents')
    expect((await news()).filter((entry) => entry['outcome'] === 'success')).toEqual([])
  })
})

describe('a change and its entry are one', () => {
  test('a transaction that is rolled back leaves no entry', async () => {
    const { platform } = book
    const before = await book.count()
    await expect(
      platform.plinth.asSystem('a test that fails', platform.a.slug, async (context) => {
        await context.create(folders, { name: 'rolled back' })
        throw new Error('on purpose')
      }),
    ).rejects.toThrow('on purpose')
    const after = await ask('POST', 'folders/bulk', {
      operations: [
        { op: 'create', data: { name: 'never' } },
        { op: 'update', id: platform.a.id, data: { name: 'x' } },
      ],
    })
    expect(after.status).toBe(404)
    expect((await news()).filter((entry) => entry['outcome'] === 'success')).toEqual([])
    expect(await book.count()).toBeGreaterThanOrEqual(before)
  })

  test('what cannot be recorded does not happen: 503, and the row is not there', async () => {
    const { superuser } = book.platform
    await superuser.script('revoke insert on plinth.audit_inbox from plinth_app')
    try {
      const reply = await ask('POST', 'folders', { name: 'unrecorded' })
      expect(reply.status).toBe(503)
      expect(reply.json).toMatchObject({ code: 'record_failed' })
      const [row] = await superuser.query(`select count(*)::int as n from public.folders where name = 'unrecorded'`)
      expect(row).toEqual({ n: 0 })
    } finally {
      await superuser.script('grant insert on plinth.audit_inbox to plinth_app')
    }
  })
})

describe('the book', () => {
  test.each([
    ['update plinth.audit_logs set outcome = outcome', 'neither changed nor deleted'],
    ['delete from plinth.audit_logs', 'neither changed nor deleted'],
    ['truncate plinth.audit_logs', 'neither changed nor deleted'],
  ])('refuses %s, even of a superuser', async (sql, words) => {
    await expect(book.platform.superuser.script(sql)).rejects.toThrow(words)
  })

  test('gives nobody a right to change it, and the runtime login none to read the inbox', async () => {
    const rows = await book.platform.superuser.query(
      `select table_name::text as name, grantee::text as who, string_agg(privilege_type, ',' order by privilege_type) as may
       from information_schema.role_table_grants
       where table_schema = 'plinth' and table_name in ('audit_inbox', 'audit_logs', 'audit_subject_keys', 'audit_keys', 'audit_checkpoints')
         and grantee in ('plinth_app', 'plinth_system', 'plinth_lookup', 'PUBLIC')
       group by 1, 2 order by 1, 2`,
    )
    expect(rows.map((row) => `${String(row['name'])} ${String(row['who'])} ${String(row['may'])}`)).toEqual([
      'audit_checkpoints plinth_system INSERT,SELECT,UPDATE',
      'audit_inbox plinth_app INSERT',
      'audit_inbox plinth_system DELETE,INSERT,SELECT',
      'audit_keys plinth_system INSERT,SELECT',
      'audit_logs plinth_app SELECT',
      'audit_logs plinth_system INSERT,SELECT',
      'audit_subject_keys plinth_app SELECT',
      'audit_subject_keys plinth_system DELETE,INSERT,SELECT,UPDATE',
    ])
  })

  test('holds no secret, and personal data only encrypted; when the key is shredded, nowhere', async () => {
    await book.feature.seal()
    const { superuser } = book.platform
    const find = async (word: string): Promise<number> => {
      const [row] = await superuser.query(
        `select ((select count(*) from plinth.audit_logs l where l::text like '%' || $1::text || '%')
          + (select count(*) from plinth.audit_inbox l where l::text like '%' || $1::text || '%'))::int as n`,
        [word],
      )
      return Number(row?.['n'])
    }
    expect(await find(SECRET)).toBe(0)
    expect(await find(HIDDEN)).toBe(0)
    expect(await find(PERSONAL)).toBe(0)
    expect(await find('tester/1')).toBe(0)
    expect(await book.feature.shredSubject('service:a-full')).toBe(1)
    expect(await book.feature.shredSubject('service:a-full')).toBe(0)
  })
})
