import { randomUUID } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PlinthError } from '@plinth/core'
import { Forged } from './forge-archive.ts'
import { forgeries } from './forgeries.ts'
import { clear, furnish, linesOf, openArchive, type Archive, type ArchivePlatform } from './open-archive.ts'

/* Archives that somebody wrote. Each is refused in words, and all tables are afterwards what they were. */

let source: ArchivePlatform
let target: ArchivePlatform
let honest: Archive
let dump = ''
beforeAll(async () => {
  source = await openArchive({ keys: 'source' })
  target = await openArchive({ keys: 'target' })
  await furnish(source, 'hostile')
  honest = await source.export()
  await clear(target)
  const tables = await target.stored(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('plinth', 'public')`,
  )
  dump = tables
    .map(({ name }) => `select '${String(name)} ' || t::text as line from ${String(name)} t`)
    .join(' union all ')
}, 180_000)
afterAll(async () => {
  await source.close()
  await target.close()
})

/** Everything on the platform, as one text. */
async function everything(): Promise<string> {
  const [row] = await target.stored(
    `select string_agg(line, e'\\n' order by line collate "C") as text from (${dump}) d`,
  )
  return String(row!['text'])
}

/** How an archive is refused: in which words, and whether anything is another afterwards. */
async function refusal(archive: Uint8Array): Promise<{ status: number | undefined; words: string; left: boolean }> {
  const before = await everything()
  const failed: unknown = await target.import(archive).catch((error: unknown) => error)
  const left = (await everything()) !== before
  if (!PlinthError.is(failed)) return { status: undefined, words: String(failed), left }
  const { status, detail = '', errors } = failed
  return { status, words: `${detail}${errors === undefined ? '' : JSON.stringify(errors)}`, left }
}

const inWords = (words: RegExp): unknown => ({
  status: expect.toSatisfy((status: unknown) => status === 400 || status === 409) as unknown,
  words: expect.stringMatching(words) as unknown,
  left: false,
})

test('the honest archive, taken apart and put together, is the same', () => {
  expect(linesOf(new Forged(honest).packed())).toEqual(honest.lines)
})

describe('is refused, and nothing is left of it', () => {
  const cases = forgeries({ id: '{other}', slug: 'beta-hosting' }).map(({ name }, at) => [name, at] as const)
  test.each(cases)('%s', async (_, at) => {
    const archive = new Forged(honest)
    const { change, words } = forgeries(target.b)[at]!
    change(archive)
    expect(await refusal(archive.packed())).toEqual(inWords(words))
  })
})

describe('bytes that are no archive', () => {
  const text = (): string => honest.lines.join('\n')
  const without = (word: string): string => honest.lines.filter((line) => !line.includes(word)).join('\n')
  test.each([
    ['nothing', () => Buffer.alloc(0), /cut off/],
    ['something else', () => Buffer.from('PK\u0003\u0004 a zip'), /no archive/],
    ['half of one', () => honest.bytes.subarray(0, honest.bytes.length / 2), /cut off/],
    ['one without its last byte', () => honest.bytes.subarray(0, -1), /cut off/],
    ['one with a byte changed', () => honest.bytes.map((byte, at) => (at === 400 ? byte ^ 1 : byte)), /./],
    ['one that goes on', () => gzipSync(`${text()}{"table":"crates"}\n`), /follows the end/],
    ['one that goes on in another member', () => Buffer.concat([honest.bytes, honest.bytes]), /follows the end/],
    ['one without its end', () => gzipSync(`${honest.lines.slice(0, -2).join('\n')}\n`), /cut off/],
    ['one with a row changed', () => gzipSync(text().replace('"Group 0"', '"Group 9"')), /count or digest/],
    ['one without a row', () => gzipSync(without('"Group 0"')), /count or digest/],
    [
      'one without a table',
      () => gzipSync(without('.domains').replace(/^\[.*acme\.example.*\n/m, '')),
      /count or digest/,
    ],
    ['no UTF-8', () => gzipSync(Buffer.from([0xff, 0xfe, 0x0a])), /no text in UTF-8/],
    ['a row with spaces', () => gzipSync(text().replace(/^\["/m, '[ "')), /no row of/],
    ['a row that is no JSON', () => gzipSync(text().replace(/^\["/m, '["\u0001')), /no row of/],
    ['a bomb of one line', () => gzipSync(Buffer.alloc(140_000_000, 0x20)), /too long/],
  ])('%s', async (_, bytes, words) => {
    expect(await refusal(bytes())).toEqual(inWords(words))
  })
})

describe('people', () => {
  test('nobody is found by an address that is not verified on both sides, and of no account anything changes', async () => {
    const [verified, unverified] = [randomUUID(), randomUUID()]
    await target.stored(
      `insert into plinth.users (id, email, username, name, email_verified_at, superadmin) values
         ($1::uuid, 'hostile-0@EXAMPLE.test', 'the-real-one', 'Here already', now(), true),
         ($2::uuid, 'hostile-1@example.test', 'person-hostile', 'Squatter', null, false),
         (gen_random_uuid(), 'hostile-2@example.test', null, 'Verified here, not there', now(), false)`,
      [verified, unverified],
    )
    const users = (): Promise<unknown> =>
      target.stored('select * from plinth.users where id in ($1::uuid, $2::uuid) order by id', [verified, unverified])
    const before = await users()
    const tried = await target.import(honest.bytes, { dryRun: true })
    const report = await target.import(honest.bytes)
    expect(report).toMatchObject({ usersMatched: 1, usersCreated: 4 })
    // Whom the archive makes a member of here, whoever imports it reads beforehand.
    const found = `hostile-0@example.test is the account ${verified} here, which becomes a member`
    for (const { notes } of [tried, report]) expect(notes.filter((note) => note.includes('@'))).toEqual([found])
    const words = report.notes.join('\n')
    expect(words.match(/has no address here/g)).toHaveLength(2)
    expect(words.match(/has no user name here/g)).toHaveLength(1)
    const [there] = await source.stored(`select id from plinth.users where email = 'hostile-0@example.test'`)
    expect(report.mapped).toEqual({ [String(there!['id'])]: verified })
    expect(await users()).toEqual(before)
    const { id } = report.tenant
    const members = await target.stored('select user_id from plinth.memberships where tenant_id = $1::uuid', [id])
    const ids = members.map((row) => row['user_id'])
    expect(ids).toContain(verified)
    expect(ids).not.toContain(unverified)
    expect(await target.stored('select 1 from plinth.users where superadmin and id <> $1::uuid', [verified])).toEqual(
      [],
    )
    expect(await target.stored('select 1 from plinth.passwords')).toEqual([])
    expect(await target.stored('select 1 from plinth.memberships where tenant_id <> $1::uuid', [id])).toEqual([])
  })

  test('whoever is made has to prove his address, whatever the archive says of it', async () => {
    const archive = new Forged(honest)
    const id = randomUUID()
    archive.head.tenant['id'] = randomUUID()
    archive.head.tenant['slug'] = 'proving'
    const at = ['email', 'email_verified_at', 'id', 'name', 'status', 'username']
    expect(archive.of('plinth.users').columns.map(([name]) => name)).toEqual(at)
    archive.of('plinth.users').rows.push(['ceo@victim.example', '2026-01-01 00:00:00+00', id, 'CEO', 'active', null])
    await target.import(archive.packed())
    expect(await target.stored('select email, email_verified_at from plinth.users where id = $1::uuid', [id])).toEqual([
      { email: 'ceo@victim.example', email_verified_at: null },
    ])
  })

  test('an id alone finds nobody: two accounts without an address are not one', async () => {
    const archive = new Forged(honest)
    const here = randomUUID()
    await target.stored(`insert into plinth.users (id, username, name) values ($1::uuid, 'only-a-name', 'Here')`, [
      here,
    ])
    archive.head.tenant['id'] = randomUUID()
    archive.head.tenant['slug'] = 'nameless'
    archive.of('plinth.users').rows.push([null, null, here, 'Stranger', 'active', null])
    const { mapped } = await target.import(archive.packed())
    expect(mapped[here]).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('who is not among the people of the archive becomes no member, though he is here', async () => {
    const victim = randomUUID()
    await target.stored(
      `insert into plinth.users (id, email, name) values ($1::uuid, 'victim@example.test', 'Victim')`,
      [victim],
    )
    const archive = new Forged(honest)
    archive.head.tenant['id'] = randomUUID()
    archive.head.tenant['slug'] = 'second'
    for (const column of ['id', 'user_id']) archive.set('plinth.memberships', column, victim)
    expect(await refusal(archive.packed())).toEqual(
      inWords(/plinth\.memberships\.(id|user_id) names a user who is not among those of the archive/),
    )
  })
})
