import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBook, type Book } from './open-book.ts'

/* What was erased stays erased, whatever backup comes back: the archive of the log says what. */

const PLATFORM = '00000000-0000-0000-0000-000000000000'
const SUBJECT = 'service:a-full'
const folder = mkdtempSync(join(tmpdir(), 'plinth-reshred-'))
let book: Book
beforeAll(async () => {
  book = await openBook()
}, 60_000)
afterAll(async () => {
  await book.close()
  rmSync(folder, { recursive: true, force: true })
})

const act = (): Promise<unknown> =>
  book.platform.request(book.platform.a.actors.full, 'POST', '/api/v1/folders', { name: 'x' }, { 'user-agent': 'mine' })
const command: Book['command'] = (...given) => book.command(...given)
const keys = (): Promise<readonly Readonly<Record<string, unknown>>[]> =>
  book.platform.superuser.query(
    'select tenant_id, id, subject, sealed, created_at::text as created_at from plinth.audit_subject_keys where subject = $1::text',
    [SUBJECT],
  )
/** As a backup has it. */
const restore = (rows: Awaited<ReturnType<typeof keys>>): Promise<unknown> =>
  Promise.all(
    rows.map((row) =>
      book.platform.superuser.query(
        `insert into plinth.audit_subject_keys (tenant_id, id, subject, sealed, created_at)
         values ($1::uuid, $2::uuid, $3::text, $4::text, $5::timestamptz)`,
        ['tenant_id', 'id', 'subject', 'sealed', 'created_at'].map((name) => String(row[name])),
      ),
    ),
  )

test('an erasure is an entry, and is repeated by its archive: once, and of what was there then', async () => {
  await act()
  await book.feature.seal()
  const backup = await keys()
  expect(backup).toHaveLength(1)
  book.platform.clock.advance(1_000)
  expect(await book.feature.shredSubject(SUBJECT)).toBe(1)
  expect(await book.feature.shredSubject(SUBJECT)).toBe(0)
  const told = (await book.entries(PLATFORM)).filter(({ action }) => action === 'subject.erased')
  expect(told).toMatchObject([{ actor_kind: 'system', target_id: SUBJECT, detail: { keys: 1 } }])
  const file = join(folder, 'platform.jsonl')
  await command('audit:archive', { tenant: 'platform', out: file })

  // Comes back, and does something: that is another key, of which nobody said anything.
  book.platform.clock.advance(1_000)
  await act()
  await book.feature.seal()
  const later = await keys()
  expect(later).toHaveLength(1)
  await book.platform.superuser.query('delete from plinth.audit_subject_keys where subject = $1::text', [SUBJECT])
  await restore(backup)
  expect(await command('audit:reshred', { file })).toEqual({ erasures: 1, keys: 1 })
  expect(await keys()).toEqual([])
  await restore(later)
  expect(await command('audit:reshred', { file })).toEqual({ erasures: 1, keys: 0 })
  expect(await keys()).toEqual(later)
  expect(await book.feature.verifyLog(null)).toMatchObject({ valid: true })
})

test('of one tenant it is told in that tenant’s log', async () => {
  expect(await book.feature.shredSubject(SUBJECT, book.platform.a.id)).toBe(1)
  expect((await book.entries()).at(-1)).toMatchObject({ action: 'subject.erased', target_id: SUBJECT })
  expect(await book.feature.verifyLog(book.platform.a.id)).toMatchObject({ valid: true })
})

test('a file that was changed erases nothing', async () => {
  await act()
  await book.feature.seal()
  const forged = join(folder, 'forged.jsonl')
  const lines = readFileSync(join(folder, 'platform.jsonl'), 'utf8')
  writeFileSync(forged, lines.replaceAll(SUBJECT, 'service:b-full'))
  for (const file of [forged, join(folder, 'none.jsonl')])
    await expect(command('audit:reshred', { file }), file).rejects.toMatchObject({ code: 'validation_failed' })
  expect(await keys()).toHaveLength(1)
})
