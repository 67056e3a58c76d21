import { problem, type Platform } from '@plinth/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { observeAudit } from '../src/observe.ts'
import { Sealer } from '../src/seal/sealer.ts'
import { openBook, type Book } from './open-book.ts'

let book: Book
beforeAll(async () => {
  book = await openBook()
  // Nobody else seals meanwhile.
  await book.feature.stop?.()
  await book.feature.seal()
}, 60_000)
afterAll(() => book.close())

/** Puts entries into the inbox as nobody does: of chains that there are not, too. */
const put = (rows: string): Promise<void> =>
  book.platform.superuser.script(`
    insert into plinth.audit_inbox (tenant_id, occurred_at, actor_kind, actor_id, action, request_id, outcome, detail) ${rows}`)

test('entries that are large are sealed a few at a time, and all of them', async () => {
  const { id } = book.platform.b
  await put(`
    select '${id}', now(), 'system', 'system', 'thing.happened', 'r' || n, 'success', jsonb_build_object('x', repeat('a', 9000000))
    from generate_series(1, 3) n`)
  const batches: number[] = []
  const { database } = book.inner
  const watched: Platform['database'] = {
    ...database,
    system: (work) =>
      database.system(async (system) => {
        const result = await work(system)
        if (typeof result === 'object' && result !== null && 'more' in result)
          batches.push((result as unknown as { readonly entries: readonly unknown[] }).entries.length)
        return result
      }),
  }
  expect(await new Sealer({ ...book.inner, database: watched }).seal(id)).toBe(3)
  expect(batches).toEqual([2, 1])
})

test('an entry that the book refuses is in its chain as that, with what it said, and holds up nothing', async () => {
  const { superuser, log, b } = book.platform
  const { id } = b
  // As a superuser alone can leave them: the policies of the platform's logins refuse each.
  await put(`values ('${id}', now(), 'system', 'system', 'thing.happened', 'before', 'success', null::jsonb)`)
  await put(
    `values ('${id}', now(), 'system', 'system', 'thing.happened', 'bad', 'nonsense', '{"word": "canary"}'::jsonb)`,
  )
  await put(`values ('${id}', 'infinity', 'system', 'system', 'thing.happened', 'never', 'success', null::jsonb)`)
  await put(`
    select '${id}', now(), 'user', string_agg(md5(n::text), ''), 'thing.happened', 'long', 'success', null::jsonb
    from generate_series(1, 200) n`)
  await superuser.query(
    `insert into plinth.audit_inbox (tenant_id, occurred_at, actor_kind, actor_id, action, request_id, after, masked)
     values ($1::uuid, now(), 'system', 'system', 'thing.updated', 'masked', '{}', '{}')`,
    [id],
  )
  await put(`values ('${id}', now(), 'system', 'system', 'thing.happened', 'after', 'success', null::jsonb)`)
  const before = (await book.entries(id)).length
  const last = (await book.entries(id)).slice(before - 6)
  expect(last.map(({ action, detail }) => [action, detail])).toEqual([
    ['thing.happened', null],
    ['auditEntry.unreadable', { problem: 'outcome' }],
    ['auditEntry.unreadable', { problem: 'occurredAt' }],
    ['auditEntry.unreadable', { problem: 'actorId' }],
    ['auditEntry.unreadable', { problem: 'unreadable' }],
    ['thing.happened', null],
  ])
  expect(await book.feature.verifyLog(id)).toMatchObject({ valid: true })
  expect(log.lines.filter(({ event }) => event === 'audit_entry_unreadable')).toHaveLength(4)
  // What it said is kept, encrypted: it may be personal.
  expect(JSON.stringify(last)).not.toContain('canary')
  const reply = await book.platform.request(b.actors.full, 'GET', `/api/v1/audit-logs/${String(last[1]!['id'])}`)
  expect(reply.body).toContain('canary')
  expect(reply.body).toContain('nonsense')
})

test('what only the book itself refuses goes in by itself, as that', async () => {
  const { superuser, b } = book.platform
  await book.feature.seal(b.id)
  await superuser.script(`alter table plinth.audit_logs add constraint strange check (request_id <> 'strange')`)
  await put(`
    select '${b.id}', now(), 'system', 'system', 'thing.happened', case n when 3 then 'strange' else 'r' || n end, 'success', null
    from generate_series(1, 5) n`)
  expect(await new Sealer(book.inner).seal(b.id)).toBe(5)
  const last = (await book.entries(b.id)).slice(-5)
  expect(last.map(({ action }) => action)).toEqual([
    'thing.happened',
    'thing.happened',
    'auditEntry.unreadable',
    'thing.happened',
    'thing.happened',
  ])
  expect(last[2]!.detail).toEqual({ problem: 'refused' })
  await superuser.script('alter table plinth.audit_logs drop constraint strange')
})

test.each(['conflict', 'unavailable'] as const)('what fails for %s is no fault of an entry', async (code) => {
  const { id } = book.platform.b
  await book.feature.seal(id)
  await put(`values ('${id}', now(), 'system', 'system', 'thing.happened', 'well', 'success', null::jsonb)`)
  const { database } = book.inner
  let failing = 0
  const away: Platform['database'] = {
    ...database,
    system: (work) => ((failing -= 1) >= 0 ? Promise.reject(problem(code)) : database.system(work)),
  }
  const sealer = new Sealer({ ...book.inner, database: away })
  await sealer.keys()
  // As often as it would take to believe that the entry is bad.
  failing = 2
  await expect(sealer.seal(id)).rejects.toMatchObject({ code })
  failing = 0
  expect(await sealer.seal(id)).toBe(1)
  expect((await book.entries(id)).at(-1)).toMatchObject({ action: 'thing.happened' })
})

test('a chain that cannot be sealed holds up no other one, and neither do many', async () => {
  const { id } = book.platform.b
  const { superuser } = book.platform
  // A book that takes nothing into the chain that is looked at first; and more chains than are asked for at once.
  await superuser.script(
    `alter table plinth.audit_logs add constraint closed check (tenant_id <> '00000000-0000-0000-0000-000000000000') not valid`,
  )
  await put(`
    values ('00000000-0000-0000-0000-000000000000', now(), 'system', 'system', 'thing.happened', 'bad', 'success', null::jsonb)`)
  await put(`
    select ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, now(), 'system', 'system', 'thing.happened', 'many', 'success', null
    from generate_series(1, 210) n`)
  await put(`values ('${id}', now(), 'system', 'system', 'thing.happened', 'last', 'success', null::jsonb)`)
  await expect(new Sealer(book.inner).sealAll()).rejects.toThrow(/./)
  const [left] = await superuser.query('select count(*)::int as n from plinth.audit_inbox')
  expect(left).toEqual({ n: 1 })
  await superuser.script('delete from plinth.audit_inbox; alter table plinth.audit_logs drop constraint closed')
})

test('health says so when entries get into no chain', async () => {
  const { checks = [], metrics = [] } = observeAudit(book.inner)
  const look = (): Promise<void> => checks[0]!.check(AbortSignal.timeout(5_000))
  await look()
  const old = new Date(book.inner.clock.now().getTime() - 400_000).toISOString()
  await put(
    `values ('${book.platform.b.id}', '${old}', 'system', 'system', 'thing.happened', 'stuck', 'success', null::jsonb)`,
  )
  await expect(look()).rejects.toThrow('for its chain for 400 seconds')
  expect(await metrics.find(({ name }) => name === 'plinth_audit_waiting')!.read()).toEqual([{ value: 1 }])
  await book.platform.superuser.script('delete from plinth.audit_inbox')
})
