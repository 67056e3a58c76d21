import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { observeAudit } from '../src/observe.ts'
import { openBook, type Book } from './open-book.ts'

/* What was changed, and of which there is no copy, is never right again. Somebody answers for it, and the log goes on. */

const folder = mkdtempSync(join(tmpdir(), 'plinth-acknowledged-'))
let book: Book
let id = ''
let files = 0
beforeAll(async () => {
  book = await openBook()
  await book.feature.stop?.()
  id = book.platform.a.id
  await put(9)
  await book.feature.seal()
  await book.platform.superuser.script('create table plinth_kept as select * from plinth.audit_logs')
}, 60_000)
afterAll(async () => {
  await book.close()
  rmSync(folder, { recursive: true, force: true })
})
beforeEach(() =>
  asSuperuser(`
    truncate plinth.audit_logs; insert into plinth.audit_logs select * from plinth_kept; delete from plinth.audit_inbox;
    delete from plinth.audit_checkpoints`),
)

const asSuperuser = (sql: string): Promise<void> =>
  book.platform.superuser.script(
    `set session_replication_role = replica; ${sql}; set session_replication_role = default`,
  )
const put = (count: number): Promise<void> =>
  book.platform.superuser.script(`
    insert into plinth.audit_inbox (tenant_id, occurred_at, actor_kind, actor_id, action, request_id)
    select '${id}', now(), 'user', 'guilty', 'thing.happened', 'r' || n from generate_series(1, ${count}) n`)
const change = (seq: number): Promise<void> =>
  asSuperuser(`update plinth.audit_logs set actor_id = 'innocent' where tenant_id = '${id}' and seq = ${seq}`)
const command = (name: string, options: Readonly<Record<string, string>> = {}): Promise<unknown> =>
  book.platform.plinth.commands
    .find((each) => each.name === name)!
    .run({ tenant: id, ...options }, { note: () => undefined, ask: () => Promise.resolve(undefined) })
const acknowledge = (reason = 'nobody has a copy'): Promise<unknown> => command('audit:acknowledge', { reason })
const health = (): Promise<void> => observeAudit(book.inner).checks![0]!.check(AbortSignal.timeout(5_000))
const named = (words: string) => ({ code: 'conflict', detail: expect.stringContaining(words) })

test('a fault that was acknowledged makes nothing unhealthy, what comes later is signed, and whoever verifies is told of it', async () => {
  await change(4)
  await expect(command('audit:checkpoint')).rejects.toMatchObject(named('entry 4 is changed'))
  await expect(health()).rejects.toThrow('not as they were written: 1')
  await acknowledge()
  expect((await book.entries()).at(-1)).toMatchObject({
    action: 'auditLog.acknowledged',
    actor_kind: 'system',
    detail: { firstBad: 4, fault: 'changed', reason: 'nobody has a copy' },
  })
  await health()
  await put(2)
  await command('audit:checkpoint')
  await put(2)
  await command('audit:checkpoint')
  const known = { valid: false, firstBad: 4, reason: 'changed', acknowledged: true }
  expect(await book.feature.verifyLog(id)).toMatchObject(known)
  await expect(command('audit:verify')).rejects.toMatchObject(named('entry 4 is changed, which was acknowledged'))
  await expect(command('audit:archive', { out: join(folder, 'none') })).rejects.toMatchObject(named('entry 4'))
  await health()
  await expect(acknowledge()).rejects.toMatchObject({ code: 'conflict' })
})

test.each([
  ['a later entry that is changed', 13],
  ['one before it', 2],
])('%s is found', async (_, seq) => {
  await change(4)
  await acknowledge()
  await put(3)
  await command('audit:checkpoint')
  await change(seq)
  await expect(command('audit:verify')).rejects.toMatchObject(named(`entry ${seq} is changed`))
  await expect(health()).rejects.toThrow('not as they were written: 1')
  await expect(command('audit:checkpoint')).rejects.toMatchObject(named('entry '))
})

test('that entry itself cannot be taken out of what is known', async () => {
  await change(4)
  await acknowledge()
  const last = Math.max(...(await book.entries()).map(({ seq }) => seq))
  await put(3)
  await command('audit:checkpoint')
  await asSuperuser(`delete from plinth.audit_logs where tenant_id = '${id}' and seq = ${last}`)
  await expect(command('audit:verify')).rejects.toMatchObject(named(`entry ${last} is rewritten`))
  await expect(health()).rejects.toThrow('not as they were written: 1')
})

test('what is lost is lost: a file of before says so, and the log goes on', async () => {
  const file = join(folder, `${(files += 1)}`)
  await command('audit:checkpoint', { out: file })
  await asSuperuser(`delete from plinth.audit_logs where tenant_id = '${id}' and seq > 5`)
  await expect(command('audit:verify', { checkpoint: file })).rejects.toMatchObject(named('is missing'))
  book.platform.clock.advance(1_000)
  await acknowledge()
  await put(9)
  await command('audit:checkpoint')
  await expect(command('audit:verify', { checkpoint: file })).rejects.toMatchObject(named('which was acknowledged'))
  await health()
  await command('audit:checkpoint')
})

test('nobody acknowledges by writing into the table, nor what is right', async () => {
  await expect(acknowledge()).rejects.toMatchObject({ code: 'conflict' })
  await expect(acknowledge(' ')).rejects.toMatchObject({ code: 'validation_failed' })
  await change(4)
  await acknowledge()
  const [row] = await book.platform.superuser.query(
    `select fault from plinth.audit_checkpoints where fault is not null`,
  )
  const text = String(row!['fault'])
  await asSuperuser(`update plinth.audit_logs set actor_id = 'guilty' where tenant_id = '${id}' and seq = 4`)
  await change(6)
  for (const forged of [text.replace('entry 4', 'entry 6'), text.replace(/ \d+ /, ' 7 '), text]) {
    await asSuperuser(`update plinth.audit_checkpoints set fault = '${forged}' where tenant_id = '${id}'`)
    expect(await book.feature.verifyLog(id), forged).not.toHaveProperty('acknowledged')
    await expect(health(), forged).rejects.toThrow('not as they were written: 1')
  }
})
