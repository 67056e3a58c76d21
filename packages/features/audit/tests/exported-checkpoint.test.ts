import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { observeAudit } from '../src/observe.ts'
import { openBook, type Book } from './open-book.ts'

/*
 * Whoever cuts off the end of a chain and takes away what is kept beside it leaves a chain that is right by itself. An exported checkpoint shows
 * it; whoever comes next has no file.
 */

const folder = mkdtempSync(join(tmpdir(), 'plinth-exported-'))
let book: Book
let id = ''
const file = join(folder, 'checkpoint.json')
beforeAll(async () => {
  book = await openBook()
  await book.feature.stop?.()
  id = book.platform.a.id
  await put(6)
  await command('audit:checkpoint', { tenant: id, out: file })
  await book.feature.seal()
  await book.platform.superuser.script('create table plinth_kept as select * from plinth.audit_logs')
}, 60_000)
afterAll(async () => {
  await book.close()
  rmSync(folder, { recursive: true, force: true })
})
const restore = `truncate plinth.audit_logs; insert into plinth.audit_logs select * from plinth_kept; delete from plinth.audit_inbox`
beforeEach(() => asSuperuser(`${restore}; delete from plinth.audit_checkpoints`))

const asSuperuser = (sql: string): Promise<void> =>
  book.platform.superuser.script(
    `set session_replication_role = replica; ${sql}; set session_replication_role = default`,
  )
const put = (count: number): Promise<void> =>
  book.platform.superuser.script(`
    insert into plinth.audit_inbox (tenant_id, occurred_at, actor_kind, actor_id, action, request_id)
    select '${id}', now(), 'user', 'guilty', 'thing.happened', 'r' || n from generate_series(1, ${count}) n`)
const command = (name: string, options: Readonly<Record<string, string>> = {}): Promise<unknown> =>
  book.platform.plinth.commands
    .find((each) => each.name === name)!
    .run(options, { note: () => undefined, ask: () => Promise.resolve(undefined) })
const health = (): Promise<void> => observeAudit(book.inner).checks![0]!.check(AbortSignal.timeout(5_000))
const cut = (): Promise<void> =>
  asSuperuser(
    `delete from plinth.audit_logs where tenant_id = '${id}' and seq > 3; delete from plinth.audit_checkpoints`,
  )
const named = (words: string) => ({ code: 'conflict', detail: expect.stringContaining(words) })

test('what an exported checkpoint showed is found by whoever comes without it, and is not signed', async () => {
  await cut()
  await expect(command('audit:verify', { tenant: id, checkpoint: file })).rejects.toMatchObject(
    named(`${id}: entry 4 is missing`),
  )
  const words = named(`${id}: entry `)
  for (const [name, options] of [
    ['audit:checkpoint', { tenant: id }],
    ['audit:verify', { tenant: id }],
    ['audit:archive', { tenant: id, out: join(folder, 'none.jsonl') }],
  ] as const)
    await expect(command(name, options), name).rejects.toMatchObject(words)
  await expect(health()).rejects.toThrow('not as they were written: 1')
  await asSuperuser(restore)
  await command('audit:verify', { tenant: id })
  await health()
  await command('audit:checkpoint', { tenant: id })
})

test('also where the chain was written on and signed before anybody looked', async () => {
  await cut()
  await put(9)
  await command('audit:checkpoint', { tenant: id })
  await expect(command('audit:verify', { tenant: id, checkpoint: file })).rejects.toMatchObject(
    named('entry 7 is rewritten'),
  )
  expect(await book.feature.verifyLog(id)).toMatchObject({ valid: false, firstBad: 7, reason: 'rewritten' })
  await expect(command('audit:checkpoint', { tenant: id })).rejects.toMatchObject(named('entry 7 is rewritten'))
})

test('one that is of less than what is known does not take the place of that', async () => {
  await put(3)
  await command('audit:checkpoint', { tenant: id })
  await asSuperuser(`delete from plinth.audit_logs where tenant_id = '${id}' and seq > 3`)
  await expect(command('audit:verify', { tenant: id, checkpoint: file })).rejects.toMatchObject(named('is missing'))
  await asSuperuser(restore)
  // All of that file, and not of what was signed since.
  expect(await book.feature.verifyLog(id)).toMatchObject({ valid: false })
})

test('a command that signs nothing of a log says in it what it found, and that it signed the others in that of the platform', async () => {
  const told = async (tenant: string) =>
    (await book.entries(tenant)).filter(({ action }) => action.startsWith('auditLog.'))
  const platform = '00000000-0000-0000-0000-000000000000'
  await command('audit:checkpoint', { tenant: id })
  await asSuperuser(
    `update plinth.audit_logs set actor_id = 'innocent' where tenant_id = '${id}' and seq = 4; delete from plinth.audit_checkpoints`,
  )
  const [here, there] = [(await told(id)).length, (await told(platform)).length]
  await expect(command('audit:checkpoint', { tenant: id })).rejects.toMatchObject(named('entry 4 is changed'))
  const found = { action: 'auditLog.verified', detail: { valid: false, entries: 4, firstBad: 4 } }
  expect((await told(id)).slice(here)).toMatchObject([found])
  expect((await told(platform)).slice(there)).toEqual([])
  await expect(command('audit:checkpoint')).rejects.toMatchObject(named('entry 4 is changed'))
  expect((await told(id)).slice(here)).toMatchObject([found, found])
  expect((await told(platform)).slice(there)).toMatchObject([{ action: 'auditLog.signed', detail: { logs: 'all' } }])
})

test('what another platform has signed is found once, and keeps nothing from being signed', async () => {
  const other = await openBook()
  const theirs = join(folder, 'theirs.json')
  await other.platform.superuser.script(`
    insert into plinth.audit_inbox (tenant_id, occurred_at, actor_kind, actor_id, action, request_id)
    select '${id}', now(), 'user', 'x', 'thing.happened', 'r' || n from generate_series(1, 40) n`)
  await other.platform.plinth.commands
    .find(({ name }) => name === 'audit:checkpoint')!
    .run({ tenant: id, out: theirs }, { note: () => undefined, ask: () => Promise.resolve(undefined) })
  await other.close()
  await expect(command('audit:verify', { tenant: id, checkpoint: theirs })).rejects.toMatchObject(named('entry '))
  expect(await book.feature.verifyLog(id)).toMatchObject({ valid: true })
})
