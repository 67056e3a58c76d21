import type { Platform } from '@plinth/core'
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

test('a chain that cannot be sealed holds up no other one, and neither do many', async () => {
  const { id } = book.platform.b
  // What the book does not take, in the chain that is looked at first; and more chains than are asked for at once.
  await put(`
    values ('00000000-0000-0000-0000-000000000000', now(), 'system', 'system', 'thing.happened', 'bad', 'nonsense', null::jsonb)`)
  await put(`
    select ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, now(), 'system', 'system', 'thing.happened', 'many', 'success', null
    from generate_series(1, 210) n`)
  await put(`values ('${id}', now(), 'system', 'system', 'thing.happened', 'last', 'success', null::jsonb)`)
  await expect(new Sealer(book.inner).sealAll()).rejects.toThrow(/./)
  const [left] = await book.platform.superuser.query('select count(*)::int as n from plinth.audit_inbox')
  expect(left).toEqual({ n: 1 })
  await book.platform.superuser.script('delete from plinth.audit_inbox')
})

test('health says so when entries get into no chain', async () => {
  const { checks = [], metrics = [] } = observeAudit(book.inner)
  const look = (): Promise<void> => checks[0]!.check(AbortSignal.timeout(5_000))
  await look()
  const old = new Date(book.inner.clock.now().getTime() - 400_000).toISOString()
  await put(
    `values ('${book.platform.b.id}', '${old}', 'system', 'system', 'thing.happened', 'stuck', 'nonsense', null::jsonb)`,
  )
  await expect(look()).rejects.toThrow('for its chain for 400 seconds')
  expect(await metrics.find(({ name }) => name === 'plinth_audit_waiting')!.read()).toEqual([{ value: 1 }])
  await book.platform.superuser.script('delete from plinth.audit_inbox')
})
