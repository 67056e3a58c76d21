import type { FixedStatement, StatementRunner } from '@plinth/core'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { keysById, keysOf } from '../src/seal/subject-keys.ts'
import { openBook, type Book } from './open-book.ts'

const KEYS = 5_000
let book: Book
beforeAll(async () => {
  book = await openBook()
  await book.feature.stop?.()
}, 60_000)
afterAll(() => book.close())

/** Hands statements on, and asks how each was run. */
async function watched(work: (runner: StatementRunner) => Promise<unknown>): Promise<string> {
  const seen: FixedStatement[] = []
  const runner: StatementRunner = {
    run(statement) {
      seen.push(statement)
      return Promise.resolve([])
    },
  }
  await work(runner)
  const { text, parameters } = seen[0]!
  const values = parameters.map((value) => (Array.isArray(value) ? `{${value.join()}}` : String(value)))
  const rows = await book.platform.superuser.query(`explain (analyze, costs off, timing off) ${text}`, values)
  return rows.map((row) => Object.values(row).join()).join('\n')
}

test('the keys of a tenant that the statistics do not know are looked up one by one', async () => {
  const { superuser, b } = book.platform
  await superuser.script(`
    alter table plinth.audit_subject_keys set (autovacuum_enabled = false);
    insert into plinth.audit_subject_keys (tenant_id, id, subject, sealed, created_at)
    select gen_random_uuid(), gen_random_uuid(), 'user:' || n, 'x', now() from generate_series(1, 2000) n;
    analyze plinth.audit_subject_keys;
    insert into plinth.audit_subject_keys (tenant_id, id, subject, sealed, created_at)
    select '${b.id}', gen_random_uuid(), 'user:' || n, 'x', now() from generate_series(1, ${KEYS}) n`)
  const { secrets } = book.inner
  const subjects = Array.from({ length: 100 }, (_, at) => `user:${at}`)
  const bySubject = await watched((runner) => keysOf(runner, secrets, b.id, subjects, new Date()))
  const byId = await watched((runner) =>
    keysById(
      runner,
      secrets,
      b.id,
      subjects.map(() => randomUUID()),
    ),
  )
  for (const [plan, index] of [
    [bySubject, 'audit_subject_keys_subject_key'],
    [byId, 'audit_subject_keys_pk'],
  ] as const) {
    expect(plan).toContain(`using ${index}`)
    expect(plan).toMatch(/loops=100/)
    // One row each: what a plan that reads the tenant throws away would be thousands.
    for (const [, removed] of plan.matchAll(/Rows Removed by [^:]*: (\d+)/g)) expect(Number(removed)).toBeLessThan(10)
  }
})
