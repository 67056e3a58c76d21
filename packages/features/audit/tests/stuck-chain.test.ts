import { existsSync } from 'node:fs'
import { beforeAll, expect, test } from 'vitest'
import { found, keptBook, signedIn } from './kept-book.ts'

/*
 * `plinth_system` adds to the book, and so does whoever has that login. A row with a number behind which no entry has a place keeps all that
 * comes later out of its chain: it must not keep it, or any other chain, from being verified.
 */

const kept = keptBook(1)
const { put, command, out } = kept
let other = ''
beforeAll(async () => {
  other = kept.book.platform.b.id
  await put(1, other)
  await kept.keep()
  // As a release before had it: the row may be there already.
  await kept.asSuperuser('alter table plinth.audit_logs drop constraint audit_logs_seq_check')
})

const block = (seq: string): Promise<void> =>
  kept.book.platform.superuser.script(`
    set role plinth_system;
    insert into plinth.audit_logs
      select (jsonb_populate_record(l, jsonb_build_object('seq', ${seq}))).*
      from plinth.audit_logs l where tenant_id = '${kept.id}' and seq = 1;
    reset role`)

test.each(['281474976710656', '9223372036854775807'])(
  'a row with the number %s is named where an entry waits, and holds up no other chain',
  async (seq) => {
    await block(seq)
    await put(1)
    await put(1, other)
    const missing = { valid: false, firstBad: 3, reason: 'missing' }
    expect(await kept.book.feature.verifyLog(kept.id)).toMatchObject(missing)
    const missed = found(`${kept.id}: entry 3 is missing`)
    await expect(command('audit:verify')).rejects.toMatchObject(missed)
    const file = out()
    await expect(command('audit:checkpoint', { out: file })).rejects.toMatchObject(missed)
    expect(signedIn(file).has(kept.id)).toBe(false)
    expect(signedIn(file).has(other)).toBe(true)
    const archive = out()
    await expect(command('audit:archive', { tenant: kept.id, out: archive })).rejects.toMatchObject(missed)
    expect(existsSync(archive)).toBe(false)
    expect(await kept.book.feature.verifyLog(other)).toMatchObject({ valid: true, entries: 3 })
  },
)

test('a chain that is right and cannot be added to is named, is not signed, and holds up no other', async () => {
  const { superuser } = kept.book.platform
  await superuser.script(`
    create function plinth.no() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
    create trigger no before insert on plinth.audit_logs for each row when (new.tenant_id = '${kept.id}') execute function plinth.no()`)
  await put(1)
  await put(1, other)
  expect(await kept.book.feature.verifyLog(kept.id)).toEqual({
    valid: false,
    entries: 2,
    firstBad: 3,
    reason: 'unsealed',
  })
  const file = out()
  await expect(command('audit:checkpoint', { out: file })).rejects.toMatchObject(
    found(`${kept.id}: entry 3 is unsealed`),
  )
  expect(signedIn(file).has(kept.id)).toBe(false)
  expect(signedIn(file).has(other)).toBe(true)
  // Nothing that is there is wrong.
  const faults = await superuser.query('select 1 as n from plinth.audit_checkpoints where fault is not null')
  expect(faults).toEqual([])
  await superuser.script('drop function plinth.no cascade')
  // With the one that waited, and the one that says what the command found.
  expect(await kept.book.feature.verifyLog(kept.id)).toEqual({ valid: true, entries: 4 })
})
