import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { readCheckpoint, type CheckpointFile } from '../src/verify/checkpoint.ts'
import { openBook, type Book } from './open-book.ts'

/*
 * `plinth_system` adds to the book, and so does whoever has that login. A row with a number behind which no entry has a place keeps all that
 * comes later out of its chain: it must not keep it, or any other chain, from being verified.
 */

const folder = mkdtempSync(join(tmpdir(), 'plinth-stuck-'))
let book: Book
let [id, other] = ['', '']
let files = 0
beforeAll(async () => {
  book = await openBook()
  await book.feature.stop?.()
  id = book.platform.a.id
  other = book.platform.b.id
  await put(id)
  await put(other)
  await book.feature.seal()
  // As a release before had it: the row may be there already.
  await book.platform.superuser.script(`
    create table plinth_kept as select * from plinth.audit_logs;
    alter table plinth.audit_logs drop constraint audit_logs_seq_check`)
}, 60_000)
afterAll(async () => {
  await book.close()
  rmSync(folder, { recursive: true, force: true })
})
beforeEach(() =>
  book.platform.superuser.script(`
    set session_replication_role = replica;
    truncate plinth.audit_logs; insert into plinth.audit_logs select * from plinth_kept;
    delete from plinth.audit_checkpoints; delete from plinth.audit_inbox;
    set session_replication_role = default`),
)

const put = (tenant: string): Promise<void> =>
  book.platform.superuser.script(`
    insert into plinth.audit_inbox (tenant_id, occurred_at, actor_kind, actor_id, action, request_id)
    values ('${tenant}', now(), 'user', 'somebody', 'thing.happened', 'r')`)
const block = (seq: string): Promise<void> =>
  book.platform.superuser.script(`
    set role plinth_system;
    insert into plinth.audit_logs
      select (jsonb_populate_record(l, jsonb_build_object('seq', ${seq}))).*
      from plinth.audit_logs l where tenant_id = '${id}' and seq = 1;
    reset role`)
const command = (name: string, options: Readonly<Record<string, string>> = {}): Promise<unknown> =>
  book.platform.plinth.commands
    .find((each) => each.name === name)!
    .run(options, { note: () => undefined, ask: () => Promise.resolve(undefined) })
const out = (): string => join(folder, `${(files += 1)}`)
const broken = (words: string) => ({ code: 'conflict', detail: expect.stringContaining(words) })
function signedIn(file: string): readonly string[] {
  const { checkpoints, keys } = JSON.parse(readFileSync(file, 'utf8')) as CheckpointFile
  return checkpoints.map((jws) => readCheckpoint(jws, keys)!.tenant)
}

test.each(['281474976710656', '9223372036854775807'])(
  'a row with the number %s is named where an entry waits, and holds up no other chain',
  async (seq) => {
    await block(seq)
    await put(id)
    await put(other)
    const missing = { valid: false, firstBad: 3, reason: 'missing' }
    expect(await book.feature.verifyLog(id)).toMatchObject(missing)
    const named = broken(`${id}: entry 3 is missing`)
    await expect(command('audit:verify')).rejects.toMatchObject(named)
    const file = out()
    await expect(command('audit:checkpoint', { out: file })).rejects.toMatchObject(named)
    expect(signedIn(file)).not.toContain(id)
    expect(signedIn(file)).toContain(other)
    const archive = out()
    await expect(command('audit:archive', { tenant: id, out: archive })).rejects.toMatchObject(named)
    expect(existsSync(archive)).toBe(false)
    expect(await book.feature.verifyLog(other)).toMatchObject({ valid: true, entries: 3 })
  },
)

test('a chain that is right and cannot be added to is named, is not signed, and holds up no other', async () => {
  const { superuser } = book.platform
  await superuser.script(`
    create function plinth.no() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
    create trigger no before insert on plinth.audit_logs for each row when (new.tenant_id = '${id}') execute function plinth.no()`)
  await put(id)
  await put(other)
  expect(await book.feature.verifyLog(id)).toEqual({ valid: false, entries: 2, firstBad: 3, reason: 'unsealed' })
  const file = out()
  await expect(command('audit:checkpoint', { out: file })).rejects.toMatchObject(broken(`${id}: entry 3 is unsealed`))
  expect(signedIn(file)).not.toContain(id)
  expect(signedIn(file)).toContain(other)
  // Nothing that is there is wrong.
  const faults = await superuser.query('select 1 as n from plinth.audit_checkpoints where fault is not null')
  expect(faults).toEqual([])
  await superuser.script('drop function plinth.no cascade')
  // With the one that waited, and the one that says what the command found.
  expect(await book.feature.verifyLog(id)).toEqual({ valid: true, entries: 4 })
})
