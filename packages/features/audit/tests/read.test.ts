import type { TestReply } from '@plinth/testing'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Sealer } from '../src/seal/sealer.ts'
import type { ShownEntry } from '../src/read/shown-entry.ts'
import { openBook, type Book } from './open-book.ts'

const PERSONAL = 'ada@example.com'
const FORMULA = '=HYPERLINK("https://evil.example")'

let book: Book
let documentId = ''
beforeAll(async () => {
  book = await openBook({ actors: { auditor: ['auditLog:read'] } })
  const folder = await ask('full', 'POST', 'folders', { name: FORMULA })
  const folderId = (folder.json as { id: string }).id
  const made = await ask('full', 'POST', 'documents', { title: 'One', docKey: 'k', folderId, authorEmail: PERSONAL })
  documentId = (made.json as { id: string }).id
  await ask('full', 'PATCH', `documents/${documentId}`, { title: 'Two' })
  await ask('writer', 'PATCH', `documents/${documentId}`, { title: 'Three' })
  await book.platform.request(book.platform.b.actors.full, 'POST', '/api/v1/folders', { name: 'of another tenant' })
}, 60_000)
afterAll(() => book.close())

function ask(actor: string, method: string, path: string, body?: unknown, tenant: 'a' | 'b' = 'a'): Promise<TestReply> {
  return book.platform.request(book.platform[tenant].actors[actor], method, `/api/v1/${path}`, body, {
    'user-agent': 'a browser',
  })
}

interface Page {
  readonly data: readonly ShownEntry[]
  readonly page: { readonly hasMore: boolean; readonly nextCursor: string | null }
}

async function page(query = '', actor = 'auditor'): Promise<Page> {
  const reply = await ask(actor, 'GET', `audit-logs?${query}`)
  expect(reply.status, reply.body).toBe(200)
  return reply.json as Page
}

const actions = ({ data }: Page): readonly string[] => data.map(({ action }) => action)

describe('GET /audit-logs', () => {
  test('is for whoever has auditLog:read, and shows his tenant alone', async () => {
    for (const path of ['', '/some-entry', '/verify', '/checkpoint', '/stream'])
      expect((await ask('writer', 'GET', `audit-logs${path}`)).status, path).toBe(403)
    expect((await ask('writer', 'POST', 'audit-logs/export', {})).status).toBe(403)
    const { data } = await page('pageSize=100')
    expect(data.length).toBeGreaterThan(3)
    expect(JSON.stringify(data)).not.toContain('of another tenant')
    const [foreign] = ((await ask('full', 'GET', 'audit-logs', undefined, 'b')).json as Page).data
    expect((await ask('auditor', 'GET', `audit-logs/${foreign!.id}`)).status).toBe(404)
  })

  test('shows what is encrypted to its readers: where from, and personal fields', async () => {
    const { data } = await page(`target=document:${documentId}&action=document.created`)
    expect(data).toEqual([
      expect.objectContaining({
        action: 'document.created',
        userAgent: 'a browser',
        personal: { authorEmail: [null, PERSONAL] },
        erased: false,
      }),
    ])
  })

  test('is filtered by who, what, to what, how it ended, by which request and when', async () => {
    const { data } = await page(`target=document:${documentId}`)
    expect(data.map(({ actorId, action }) => `${actorId} ${action}`)).toEqual([
      'a-writer document.updated',
      'a-full document.updated',
      'a-full document.created',
    ])
    const [latest] = data
    expect(actions(await page(`target=document:${documentId}&actor=a-writer`))).toEqual(['document.updated'])
    expect(actions(await page('action=folder.created'))).toEqual(['folder.created'])
    expect(actions(await page(`target=document:${documentId}&action=document.*`))).toHaveLength(3)
    expect(actions(await page('action=folder.*'))).toEqual(['folder.created'])
    expect(actions(await page(`requestId=${latest!.requestId}`))).toEqual(['document.updated'])
    expect(actions(await page(`target=${documentId}`))).toHaveLength(3)
    expect(actions(await page(`target=folder:${documentId}`))).toEqual([])
    // A kind without an id: all of that kind, and nothing of another.
    const ofDocuments = await page('target=document&pageSize=100')
    expect(ofDocuments.data.length).toBeGreaterThan(0)
    expect(new Set(ofDocuments.data.map(({ targetType }) => targetType))).toEqual(new Set(['document']))
    expect(actions(await page('target=documen'))).toEqual([])
    expect(actions(await page(`target=document:${documentId}&outcome=denied`))).toEqual([])
    expect(actions(await page(`target=document:${documentId}&until=2000-01-01T00:00:00Z`))).toEqual([])
    expect(actions(await page(`target=document:${documentId}&since=2000-01-01T00:00:00Z`))).toHaveLength(3)
  })

  test('refuses what it does not know', async () => {
    for (const query of [
      'nobody=1',
      'outcome=lost',
      'since=yesterday',
      'action=*',
      'action=fold*',
      'action=document.upd*',
      'pageSize=0',
      'pageSize=101',
      'actor=',
      'cursor=1~x',
      'cursor=1',
      'page=0',
      'skip=1',
    ])
      expect((await ask('auditor', 'GET', `audit-logs?${query}`)).status, query).toBe(400)
    expect((await ask('auditor', 'GET', 'audit-logs/no-uuid')).status).toBe(404)
  })

  test('goes on by the number of a page', async () => {
    const second = await page(`target=document:${documentId}&pageSize=2&page=2`)
    expect(actions(second)).toEqual(['document.created'])
    expect(second.page).toMatchObject({ page: 2, hasMore: false, nextCursor: null })
    const first = await page(`target=document:${documentId}&pageSize=2&page=1`)
    const both = `audit-logs?target=document:${documentId}&page=2&cursor=${encodeURIComponent(first.page.nextCursor!)}`
    expect((await ask('auditor', 'GET', both)).status).toBe(400)
  })

  test('goes on by a cursor that belongs to this tenant and this filter', async () => {
    const first = await page(`target=document:${documentId}&pageSize=2`)
    expect(first.page.hasMore).toBe(true)
    const cursor = encodeURIComponent(first.page.nextCursor!)
    expect(actions(await page(`target=document:${documentId}&pageSize=2&cursor=${cursor}`))).toEqual([
      'document.created',
    ])
    expect((await ask('auditor', 'GET', `audit-logs?cursor=${cursor}`)).status).toBe(400)
    expect(
      (await ask('full', 'GET', `audit-logs?target=document:${documentId}&cursor=${cursor}`, undefined, 'b')).status,
    ).toBe(400)
  })

  test('is an entry itself, and so is every other way of reading', async () => {
    const listed = await page('action=folder.created&outcome=success')
    expect((await ask('auditor', 'GET', `audit-logs/${listed.data[0]!.id}`)).status).toBe(200)
    await ask('auditor', 'GET', 'audit-logs/verify')
    await ask('auditor', 'POST', 'audit-logs/export', { format: 'csv' })
    await ask('auditor', 'GET', 'audit-logs/checkpoint')
    const read = await page('pageSize=5')
    expect(actions(read)).toEqual([
      'auditLog.signed',
      'auditLog.exported',
      'auditLog.verified',
      'auditLog.read',
      'auditLog.listed',
    ])
    expect(read.data[3]).toMatchObject({ actorId: 'a-auditor', targetId: listed.data[0]!.id })
    expect(read.data[4]!.detail).toEqual({ entries: 1, filter: 'action=folder.created&outcome=success' })
    expect(read.data[1]!.detail).toEqual({ format: 'csv', filter: null })
  })
})

describe('the entry about a reading', () => {
  const told = async (query: string): Promise<unknown> => {
    const { page: _ } = await page(query)
    return ((await page('pageSize=1')).data[0]!.detail as { readonly filter: unknown }).filter
  }

  test('says what was asked for, as far as it is an id, a kind, an action or a time', async () => {
    for (const query of [
      `actor=${documentId}&action=document.*&target=${documentId}&outcome=denied`,
      `action=session.created&target=document%3A${documentId}&requestId=${documentId}`,
      'target=document&since=2000-01-01T00%3A00%3A00Z',
    ])
      expect(await told(query)).toBe(query)
  })

  test('and of anything else that it was asked for, since entries stay for ever', async () => {
    expect(await told('actor=alice@example.com&action=alice.*&target=alice&requestId=alice.smith')).toBe(
      'actor=masked&action=masked&target=masked&requestId=masked',
    )
    expect(await told('action=document.alice@example.com&target=document:alice')).toBe(
      'action=masked&target=document%3Amasked',
    )
    // Behind a word that is known may stand one that is not.
    expect(await told('action=document.alice_miller')).toBe('action=document.masked')
    expect(await told('action=session.alice')).toBe('action=session.masked')
    expect(await told('action=document.update')).toBe('action=document.update')
    const body = { format: 'csv', actor: 'alice@example.com', target: 'alice:1' }
    expect((await ask('auditor', 'POST', 'audit-logs/export', body)).status).toBe(200)
    expect((await page('pageSize=1')).data[0]!.detail).toEqual({ format: 'csv', filter: 'actor=masked&target=masked' })
    expect(JSON.stringify(await book.entries())).not.toContain('alice')
  })
})

describe('GET /audit-logs/verify', () => {
  test('says that all is well, and names what is not', async () => {
    const whole = await ask('auditor', 'GET', 'audit-logs/verify')
    expect(whole.json).toEqual({ valid: true, entries: expect.any(Number) })
    const { superuser, a } = book.platform
    const change = (title: string): Promise<void> =>
      superuser.script(
        `set session_replication_role = replica; update plinth.audit_logs set actor_id = '${title}' where tenant_id = '${a.id}' and seq = 3; set session_replication_role = default`,
      )
    await change('somebody-else')
    const changed = await ask('auditor', 'GET', 'audit-logs/verify')
    await change('a-full')
    expect(changed.json).toEqual({ valid: false, entries: 3, firstBad: 3, reason: 'changed' })
    expect((await ask('auditor', 'GET', 'audit-logs/verify')).json).toMatchObject({ valid: true })
  })
})

describe('POST /audit-logs/export', () => {
  test('gives every entry as a line of JSON, the oldest first', async () => {
    const reply = await ask('auditor', 'POST', 'audit-logs/export', { action: 'document.updated' })
    expect(reply.status).toBe(200)
    const lines = reply.body
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as ShownEntry)
    expect(lines.map(({ actorId }) => actorId)).toEqual(['a-full', 'a-writer'])
  })

  test('ends in the middle for who may no more, and a few of a tenant run at once', async () => {
    const { platform } = book
    const { a, superuser, plinth } = platform
    await superuser.script(`
      insert into plinth.audit_inbox (tenant_id, occurred_at, actor_kind, actor_id, action, request_id)
      select '${a.id}', '2026-01-01', 'system', 'system', 'long.list', 'r' from generate_series(1, 1200)`)
    const open = (): Promise<Response> =>
      plinth.fetch(
        new Request('http://127.0.0.1/api/v1/audit-logs/export', {
          method: 'POST',
          headers: { authorization: `Bearer ${a.actors['auditor']!.token}`, 'content-type': 'application/json' },
          body: JSON.stringify({ action: 'long.list' }),
        }),
      )
    const replies = await Promise.all(Array.from({ length: 6 }, open))
    expect(replies.filter(({ status }) => status === 429)).toHaveLength(2)
    const [first, ...others] = replies.filter(({ status }) => status === 200)
    for (const reply of others) await reply.body!.cancel()
    const reader = first!.body!.getReader()
    const read = async (): Promise<string> => new TextDecoder().decode((await reader.read()).value)
    expect((await read()).split('\n')).toHaveLength(501)
    // Beyond what a right is believed for.
    await superuser.query(`update plinth.tenants set status = 'suspended' where id = $1::uuid`, [a.id])
    platform.database.forget()
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    expect(await read()).toMatch(/^\{"error":\{"title":"[^"]+","code":"tenant_suspended","requestId":"[^"]+"\}\}\n$/)
    await expect(reader.read()).rejects.toThrow('broke off')
    await superuser.query(`update plinth.tenants set status = 'active' where id = $1::uuid`, [a.id])
    platform.database.forget()
    const again = await open()
    expect((await again.text()).split('\n')).toHaveLength(1201)
  })

  test('gives a CSV in which nothing is a formula', async () => {
    // What a client calls itself is chosen by whoever sends it.
    await book.platform.request(
      book.platform.a.actors.full,
      'POST',
      '/api/v1/folders',
      { name: 'x' },
      { 'user-agent': FORMULA },
    )
    const reply = await ask('auditor', 'POST', 'audit-logs/export', { format: 'csv' })
    const [header, ...lines] = reply.body.trimEnd().split('\r\n')
    expect(header).toBe(
      'seq,id,occurredAt,actorKind,actorId,onBehalfOf,action,targetType,targetId,outcome,requestId,repeated,address,userAgent,changes,personal,detail,hash',
    )
    expect(lines.length).toBeGreaterThan(5)
    for (const line of lines) expect(line).not.toMatch(/(^|,)"?[=+@]/)
    expect(reply.body).toContain(`"'=HYPERLINK(`)
  })
})

describe('GET /audit-logs/stream', () => {
  const stream = async (query: string): Promise<readonly ShownEntry[]> => {
    const reply = await ask('auditor', 'GET', `audit-logs/stream?${query}`)
    expect(reply.status, reply.body).toBe(200)
    return reply.body === ''
      ? []
      : reply.body
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line) as ShownEntry)
  }

  test('gives nothing to who loses his right while he waits', async () => {
    const { platform } = book
    const { a, superuser } = platform
    await book.feature.seal(a.id)
    const [last] = await superuser.query(
      'select max(seq)::text as seq from plinth.audit_logs where tenant_id = $1::uuid',
      [a.id],
    )
    const held = ask('auditor', 'GET', `audit-logs/stream?after=${String(last!['seq'])}&wait=5`)
    await superuser.query(`update plinth.tenants set status = 'closed' where id = $1::uuid`, [a.id])
    platform.database.forget()
    const reply = await held
    await superuser.query(`update plinth.tenants set status = 'active' where id = $1::uuid`, [a.id])
    platform.database.forget()
    expect(reply.json).toMatchObject({ status: 423, code: 'tenant_suspended' })
  })

  test('goes on where the reader was, misses nothing, and comes to an end', async () => {
    const seen: number[] = []
    let after = 0
    for (let round = 0; round < 10; round += 1) {
      if (round === 3) await ask('full', 'POST', 'folders', { name: 'meanwhile' })
      const lines = await stream(`after=${after}`)
      seen.push(...lines.map(({ seq }) => seq))
      after = lines.at(-1)?.seq ?? after
    }
    expect(seen).toEqual(Array.from({ length: seen.length }, (_, at) => at + 1))
    // Reading is told, but not for ever.
    expect(await stream(`after=${after}`)).toEqual([])
  })

  test('waits for what is not there yet', async () => {
    const after = (await page('pageSize=1')).data[0]!.seq + 1
    const waiting = stream(`after=${after}&wait=20`)
    await ask('full', 'POST', 'folders', { name: 'waited for' })
    expect((await waiting).map(({ action }) => action)).toContain('folder.created')
    for (const query of ['after=-1', 'after=x', 'wait=31', 'later=1'])
      expect((await ask('auditor', 'GET', `audit-logs/stream?${query}`)).status, query).toBe(400)
  })

  test('holds ten of a tenant back and no more: they are requests in flight, which others need', async () => {
    let ended = 0
    const last = Number.MAX_SAFE_INTEGER
    const all = Array.from({ length: 14 }, () => stream(`after=${last}&wait=3`).then(() => (ended += 1)))
    await vi.waitFor(() => expect(ended).toBe(4), { timeout: 2_500, interval: 20 })
    await Promise.all(all)
    expect(await stream(`after=${last}&wait=1`)).toEqual([])
  })
})

test('when the key is shredded nobody reads the personal part, and the chain verifies as before', async () => {
  expect(await book.feature.shredSubject(`document:${documentId}`)).toBe(1)
  const { data } = await page(`target=${documentId}&action=document.created`)
  expect(data[0]).toMatchObject({ personal: null, erased: true, userAgent: 'a browser' })
  expect(await book.feature.shredSubject('service:a-full', book.platform.a.id)).toBe(1)
  expect((await page(`target=${documentId}&action=document.created`)).data[0]).toMatchObject({
    userAgent: null,
    address: null,
  })
  expect((await ask('auditor', 'GET', 'audit-logs/verify')).json).toMatchObject({ valid: true })
})

test('the sealer is asked by every reader: nothing that was committed is missing', async () => {
  const sealer = new Sealer(book.inner)
  expect(await sealer.seal(book.platform.a.id)).toBeGreaterThanOrEqual(0)
  await ask('full', 'POST', 'folders', { name: 'just now' })
  expect(actions(await page('pageSize=2'))).toContain('folder.created')
})

test('whoever listens is told of each entry once, and what he throws holds nothing up', async () => {
  const heard: string[] = []
  const sealer = new Sealer(book.inner, (entries) => {
    heard.push(...entries.map(({ action }) => action))
    throw new Error('the receiver is away')
  })
  await ask('full', 'POST', 'folders', { name: 'heard' })
  // The background may have been there first; then it is the next one.
  while (!heard.includes('folder.created')) {
    await ask('full', 'POST', 'folders', { name: 'heard' })
    await sealer.seal(book.platform.a.id)
  }
  const told = heard.length
  await sealer.seal(book.platform.a.id)
  expect(heard).toHaveLength(told)
  expect(book.platform.log.lines.some(({ event }) => event === 'audit_handler_failed')).toBe(true)
})
