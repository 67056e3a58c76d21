import { statement, type Platform, type StatementRunner } from '@plinth/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
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

/** Rows that the connection of a transaction has read from end to end of these tables. */
async function readWhole(system: StatementRunner): Promise<number> {
  const [row] = await system.run(statement`
    select coalesce(sum(seq_tup_read), 0)::int as n from pg_stat_xact_user_tables
    where schemaname = 'plinth' and relname in ('audit_inbox', 'audit_logs')`)
  return Number(row?.['n'])
}

test('plans that were made when the book was empty do not read all of it later', async () => {
  const { superuser, b } = book.platform
  const { database } = book.inner
  let read = 0
  const watched: Platform['database'] = {
    ...database,
    system: (work) =>
      database.system(async (system) => {
        const before = await readWhole(system)
        const result = await work(system)
        read += (await readWhole(system)) - before
        return result
      }),
  }
  const sealer = new Sealer({ ...book.inner, database: watched })
  const put = (many = 1): Promise<void> =>
    superuser.script(`
      insert into plinth.audit_inbox (tenant_id, occurred_at, actor_kind, actor_id, action, request_id)
      select '${b.id}', now(), 'system', 'system', 'thing.happened', 'r' || n from generate_series(1, ${many}) n`)
  await superuser.script('alter table plinth.audit_logs set (autovacuum_enabled = false)')
  await superuser.query('vacuum analyze plinth.audit_logs')
  // PostgreSQL keeps a plan after five times.
  for (let round = 0; round < 8; round += 1) {
    await put()
    expect(await sealer.sealAll()).toBe(1)
  }
  await superuser.script(`
    insert into plinth.audit_logs (tenant_id, seq, id, occurred_at, actor_kind, actor_id, action, target_type, outcome, request_id, repeated, hash, mac)
    select gen_random_uuid(), 1, gen_random_uuid(), now(), 'system', 'system', 'thing.happened', 'thing', 'success', 'r', 1, '', ''
    from generate_series(1, 5000)`)
  await put(500)
  read = 0
  expect(await sealer.sealAll()).toBe(500)
  expect(read).toBe(0)
})
