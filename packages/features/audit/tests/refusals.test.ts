import { problem, type Platform } from '@plinth/core'
import type { TestReply } from '@plinth/testing'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Refusals } from '../src/refusals.ts'
import { openBook, type Book, type StoredEntry } from './open-book.ts'

let book: Book
let from = 0
beforeAll(async () => {
  book = await openBook()
  await news()
}, 60_000)
afterAll(() => book.close())

async function news(): Promise<readonly StoredEntry[]> {
  await book.inner.after.settled()
  const all = await book.entries()
  const fresh = all.slice(from)
  from = all.length
  return fresh
}

async function ask(actor: string, method: string, path: string, body?: unknown): Promise<TestReply> {
  const reply = await book.platform.request(book.platform.a.actors[actor], method, `/api/v1/${path}`, body)
  // In the order of asking: two at once are written by two connections.
  await book.inner.after.settled()
  return reply
}

const brief = (entries: readonly StoredEntry[]): readonly string[] =>
  entries.map(
    (entry) =>
      `${String(entry['actor_id'])} ${entry.action} ${String(entry['outcome'])} ${JSON.stringify(entry.detail)}`,
  )

describe('an entry after the answer', () => {
  test('of what was denied, reading too', async () => {
    expect((await ask('reader', 'POST', 'folders', { name: 'x' })).status).toBe(403)
    expect((await ask('writer', 'GET', 'audit-logs')).status).toBe(403)
    expect(brief(await news())).toEqual([
      'a-reader folder.create denied {"code":"permission_denied","status":403}',
      'a-writer auditLog.listAuditLogs denied {"code":"permission_denied","status":403}',
    ])
  })

  test('of a write that failed, with its code and its target', async () => {
    expect((await ask('full', 'POST', 'folders', { name: 7 })).status).toBe(400)
    expect((await ask('full', 'DELETE', `folders/${book.platform.b.id}`)).status).toBe(404)
    const entries = await news()
    expect(brief(entries)).toEqual([
      'a-full folder.create failed {"code":"validation_failed","status":400}',
      'a-full folder.delete failed {"code":"not_found","status":404}',
    ])
    expect(entries[1]).toMatchObject({ target_id: book.platform.b.id, target_type: 'folder' })
  })

  test('of what was denied whatever its path says, and without it where it is no key', async () => {
    for (const target of ['alice@example.com', 'x'.repeat(4_000), '%F0%9F%98%80'.repeat(300)])
      expect((await ask('reader', 'DELETE', `folders/${target}`)).status).toBe(403)
    expect((await ask('full', 'DELETE', 'folders/alice@example.com')).status).toBe(404)
    const entries = await news()
    expect(entries.map(({ action }) => action)).toEqual(Array.from({ length: 4 }, () => 'folder.delete'))
    expect(entries.map((entry) => entry['target_id'])).toEqual([null, null, null, null])
    expect(JSON.stringify(entries)).not.toContain('alice')
    // Of a table whose key is a text, it is.
    expect((await ask('reader', 'DELETE', 'berths/b-7')).status).toBe(403)
    expect((await news()).map((entry) => entry['target_id'])).toEqual(['b-7'])
  })

  test('of a credential that nobody knows, in the chain of the platform', async () => {
    const reply = await book.platform.request(undefined, 'GET', '/api/v1/folders', undefined, {
      authorization: 'Bearer nobody-knows-this-credential',
    })
    expect(reply.status).toBe(401)
    await book.inner.after.settled()
    const entries = await book.entries('00000000-0000-0000-0000-000000000000')
    expect(brief(entries)).toEqual([' credential.refused failed {"code":"invalid_credential","status":401}'])
    expect(JSON.stringify(entries)).not.toContain('nobody-knows')
    expect(await news()).toEqual([])
  })

  test('and none of what was read in vain, or asked by nobody', async () => {
    await ask('full', 'GET', `folders/${book.platform.b.id}`)
    await book.platform.request(undefined, 'GET', '/api/v1/folders')
    await book.platform.request(undefined, 'GET', '/api/v1/nothing-here')
    expect(await news()).toEqual([])
  })
})

test('ten a minute of one actor and action are entries, the others one number when it is over', async () => {
  for (let at = 0; at < 13; at += 1) await ask('reader', 'PATCH', `folders/${book.platform.b.id}`, { name: 'x' })
  const first = await news()
  expect(first.filter(({ action }) => action.startsWith('folder.'))).toHaveLength(10)
  await book.feature.flushRefusals()
  const counted = await news()
  expect(counted.map((entry) => [entry.action, entry['repeated']])).toContainEqual(['folder.update', 3])
  // What is counted is no less in a chain.
  expect(
    first
      .concat(counted)
      .reduce((sum, entry) => sum + (entry.action === 'folder.update' ? Number(entry['repeated']) : 0), 0),
  ).toBe(13)
})

test('a minute is one of the clock of the platform, and what there is no room for is counted', async () => {
  const refusals = new Refusals(book.inner)
  const { clock, a } = book.platform
  const tell = (times: number): void => {
    for (let at = 0; at < times; at += 1)
      refusals.tell({
        tenantId: a.id,
        actor: { kind: 'user', id: 'clocked' },
        action: 'clock.stop',
        outcome: 'denied',
        requestId: 'r',
        time: clock.now(),
      })
  }
  const told = async (): Promise<readonly unknown[]> =>
    (await news()).filter(({ action }) => action === 'clock.stop').map((entry) => Number(entry['repeated']))
  await news()
  tell(12)
  await refusals.flush(false)
  expect(await told()).toEqual(Array.from({ length: 10 }, () => 1))
  clock.advance(60_001)
  await refusals.flush(false)
  expect(await told()).toEqual([2])
  // A clock that is set back leaves nothing uncounted for a year.
  tell(11)
  clock.set('2025-01-31T12:00:00Z')
  await refusals.flush(false)
  expect(await told()).toEqual([...Array.from({ length: 10 }, () => 1), 1])
  let release = (): void => undefined
  const held = new Promise<void>((resolve) => (release = resolve))
  while (book.inner.after.start('audit', () => held)) expect(book.inner.after).toBeDefined()
  tell(3)
  release()
  await refusals.flush(true)
  expect(await told()).toEqual([3])
}, 30_000)

test('strangers are bounded all together, and nobody fills the memory', async () => {
  const refusals = new Refusals(book.inner)
  const draft = (at: number) =>
    ({
      tenantId: null,
      actor: { kind: 'anonymous', id: '' },
      action: 'auth.logIn',
      outcome: 'failed',
      requestId: `r${at}`,
      client: { address: `2001:db8::${at.toString(16)}`, userAgent: undefined },
      time: book.platform.clock.now(),
    }) as const
  for (let at = 0; at < 300; at += 1) refusals.tell(draft(at))
  await book.inner.after.settled()
  await refusals.flush(true)
  const entries = (await book.entries('00000000-0000-0000-0000-000000000000')).filter(
    ({ action }) => action === 'auth.logIn',
  )
  expect(
    entries
      .filter((entry) => String(entry['request_id']).startsWith('r'))
      .reduce((sum, entry) => sum + Number(entry['repeated']), 0),
  ).toBe(300)
}, 30_000)

test('who tries many accounts from one address hides none of them, and no tenant is told of another one’s', async () => {
  const refusals = new Refusals(book.inner)
  const ids = [book.platform.a.id, book.platform.b.id].map((_, at) => `0190a000-0000-7000-8000-00000000000${at}`)
  await book.platform.superuser.script(
    ids
      .map(
        (id, at) => `
        insert into plinth.users (id, name) values ('${id}', 'Tried');
        insert into plinth.memberships (tenant_id, user_id) values ('${[book.platform.a, book.platform.b][at]!.id}', '${id}');`,
      )
      .join(''),
  )
  const attempt = (at: number, target: string | null): void =>
    refusals.tell({
      tenantId: null,
      actor: { kind: 'anonymous', id: '' },
      action: 'auth.signIn',
      outcome: 'failed',
      target,
      requestId: `tried ${at}`,
      client: { address: '192.0.2.7', userAgent: undefined },
      time: book.platform.clock.now(),
    })
  // Ten on the account of a, thirty on that of b, and the last on none.
  for (let at = 0; at < 41; at += 1) attempt(at, at < 10 ? ids[0]! : at < 40 ? ids[1]! : null)
  await book.inner.after.settled()
  await refusals.flush(true)
  const told = async (tenant: string): Promise<number> =>
    (await book.entries(tenant))
      .filter((entry) => String(entry['request_id']).startsWith('tried'))
      .reduce((sum, entry) => sum + Number(entry['repeated']), 0)
  expect([await told(book.platform.a.id), await told(book.platform.b.id)]).toEqual([10, 30])
}, 30_000)

describe('with the database away', () => {
  const lines: (readonly [string, unknown])[] = []
  let isAway = true
  const withoutDatabase = (): Refusals => {
    const system: Platform['database']['system'] = (work) =>
      isAway ? Promise.reject(problem('unavailable')) : book.inner.database.system(work)
    const note = (event: string, facts: unknown): void => void lines.push([event, facts])
    return new Refusals({
      ...book.inner,
      database: { system } as Platform['database'],
      log: { warn: note, error: note } as unknown as Platform['log'],
    })
  }
  const tell = (refusals: Refusals, id: string, times: number): void => {
    for (let at = 0; at < times; at += 1)
      refusals.tell({
        tenantId: book.platform.a.id,
        actor: { kind: 'user', id },
        action: 'away.read',
        outcome: 'denied',
        requestId: `${id} ${at}`,
        time: book.platform.clock.now(),
      })
  }
  const told = async (): Promise<readonly unknown[]> =>
    (await news())
      .filter(({ action }) => action === 'away.read')
      .map((entry) => `${String(entry['request_id'])} ${String(entry['repeated'])}`)

  test('nothing is lost: the first ten are entries and the rest its number when it is back', async () => {
    isAway = true
    lines.length = 0
    const refusals = withoutDatabase()
    tell(refusals, 'kept', 13)
    await book.inner.after.settled()
    await refusals.flush(true)
    await refusals.flush(true)
    expect(await told()).toEqual([])
    // And the log is not flooded meanwhile.
    expect(lines.map(([event]) => event)).toEqual(['audit_not_recorded'])
    isAway = false
    await refusals.flush(true)
    const entries = await told()
    expect(new Set(entries)).toEqual(new Set([...Array.from({ length: 10 }, (_, at) => `kept ${at} 1`), 'kept 12 3']))
    await refusals.end()
    expect(lines).toHaveLength(1)
  })

  test('what the database never takes holds up nothing', async () => {
    isAway = false
    const refusals = withoutDatabase()
    // No entry has so long an actor.
    for (const letter of ['x', 'y', 'z', 'w']) tell(refusals, letter.repeat(600), 1)
    await book.inner.after.settled()
    tell(refusals, 'behind', 12)
    await book.inner.after.settled()
    await refusals.flush(true)
    await refusals.flush(true)
    expect((await told()).at(-1)).toBe('behind 11 2')
  })

  test('a process that ends meanwhile says how much is lost', async () => {
    isAway = true
    lines.length = 0
    const refusals = withoutDatabase()
    tell(refusals, 'lost', 13)
    await book.inner.after.settled()
    await refusals.end()
    expect(lines.at(-1)).toEqual(['audit_refusals_lost', { refusals: 13 }])
  })

  test('and counts what is still being written then, and what comes later', async () => {
    lines.length = 0
    const held = Promise.withResolvers<never>()
    let asked = 0
    const system = (): Promise<never> => ((asked += 1) > 10 ? Promise.reject(problem('unavailable')) : held.promise)
    const note = (event: string, facts: unknown): void => void lines.push([event, facts])
    const refusals = new Refusals({
      ...book.inner,
      database: { system } as unknown as Platform['database'],
      log: { warn: note, error: note } as unknown as Platform['log'],
    })
    tell(refusals, 'late', 13)
    await vi.waitFor(() => expect(asked).toBe(10))
    const ending = refusals.end()
    setImmediate(() => held.reject(problem('unavailable')))
    await ending
    tell(refusals, 'later', 1)
    await book.inner.after.settled()
    expect(lines.filter(([event]) => event === 'audit_refusals_lost').map(([, facts]) => facts)).toEqual([
      { refusals: 13 },
      { refusals: 1 },
    ])
  })

  test('what waits has a bound: beyond it, it is a number', async () => {
    isAway = true
    const refusals = withoutDatabase()
    // Some at a time: no more wait to be written.
    for (let at = 0; at < 300; at += 1) {
      tell(refusals, `many${at}`, 10)
      if (at % 50 === 49) await book.inner.after.settled()
    }
    isAway = false
    await refusals.flush(true)
    const rows = (await news()).filter(({ action }) => action === 'away.read')
    expect(rows.length).toBeLessThan(2_200)
    expect(rows.reduce((sum, entry) => sum + Number(entry['repeated']), 0)).toBe(3_000)
  }, 30_000)
})
