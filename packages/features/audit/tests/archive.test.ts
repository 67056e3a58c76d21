import { createSecretKey, generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { contentOf, hashOf, idOf, macOf, PLATFORM, type ChainedEntry } from '../src/entry/chained-entry.ts'
import { bookKeys, publicJwkOf, thumbprintOf, type BookKeys } from '../src/seal/book-keys.ts'
import { endLine, entryLine, headerLine } from '../src/verify/archive-lines.ts'
import { readCheckpoint, signCheckpoint, type Checkpoint, type CheckpointFile } from '../src/verify/checkpoint.ts'
import { verifyArchive } from '../src/verify/verify-archive.ts'
import { openBook, type Book } from './open-book.ts'

/* Archives that somebody was at who has neither the keys of the book nor the database, against checkpoints that he cannot change. */

const folder = mkdtempSync(join(tmpdir(), 'plinth-archive-'))
/** The founding of the tenant, nine folders, two checkpoints that were taken and the archive itself. */
const ENTRIES = 13
let book: Book
let lines: readonly string[]
let keys: BookKeys
let known: readonly Checkpoint[]
beforeAll(async () => {
  book = await openBook()
  const { a } = book.platform
  const write = async (count: number): Promise<void> => {
    for (let at = 0; at < count; at += 1)
      await book.platform.request(a.actors.full, 'POST', '/api/v1/folders', { name: 'x' }, { 'user-agent': 'mine' })
  }
  // The founding of the tenant is the first one.
  await write(4)
  const early = await taken('early')
  await write(5)
  known = [...early, ...(await taken('late'))]
  await command('audit:archive', { tenant: a.slug, out: join(folder, 'a.jsonl') })
  lines = readFileSync(join(folder, 'a.jsonl'), 'utf8').trimEnd().split('\n')
  keys = await bookKeys(book.platform.database, book.inner.secrets, book.platform.clock.now())
  // So that the platform has a log.
  await book.feature.shredSubject('service:a-full')
  await command('audit:checkpoint', { tenant: 'platform', out: join(folder, 'platform.json') })
}, 60_000)
afterAll(async () => {
  await book.close()
  rmSync(folder, { recursive: true, force: true })
})

const command: Book['command'] = (...given) => book.command(...given)

async function taken(name: string): Promise<readonly Checkpoint[]> {
  const out = join(folder, `${name}.json`)
  await command('audit:checkpoint', { tenant: book.platform.a.slug, out })
  const file = JSON.parse(readFileSync(out, 'utf8')) as CheckpointFile
  return file.checkpoints.map((jws) => readCheckpoint(jws, file.keys)!)
}

async function* each(all: readonly string[]): AsyncGenerator<string> {
  yield* all
}
const verdict = (all: readonly string[], checkpoints: readonly Checkpoint[] | undefined = known) =>
  verifyArchive(each(all), { checkpoints, keys: [keys.publicJwk] })
const entry = (seq: number): ChainedEntry => JSON.parse(lines[seq]!) as ChainedEntry
/** With its texts as they are stored. */
function stored(seq: number): ChainedEntry {
  const { changes, detail, ...rest } = entry(seq)
  const text = (value: unknown): string | null => (value === null ? null : JSON.stringify(value))
  return { ...rest, changes: text(changes), detail: text(detail) }
}
const header = (after: unknown): string =>
  JSON.stringify({ format: 'plinth-audit-archive/1', tenant: book.platform.a.id, after })

test('as it was written, it verifies against all that is known', async () => {
  expect(known.map(({ seq }) => seq)).toEqual([5, 11])
  expect(await verdict(lines)).toMatchObject({ valid: true, entries: ENTRIES })
})

test('of which the beginning is cut off it does not, whatever its first line says, and of whatever there is a checkpoint', async () => {
  const bad = { valid: false, firstBad: 1, reason: 'missing' }
  for (let seq = 1; seq <= ENTRIES; seq += 1) {
    const rest = [header({ seq, hash: entry(seq).hash }), ...lines.slice(seq + 1)]
    expect(await verdict(rest)).toMatchObject(bad)
    expect(await verifyArchive(each(rest))).toMatchObject(bad)
  }
  for (const after of [{ seq: 0, hash: '' }, { seq: '5' }, undefined, 'x', 7, false])
    expect(await verdict([header(after), ...lines.slice(1)])).toMatchObject(bad)
})

test('nothing behind the signature, in place of it or in its line is an entry', async () => {
  const late = JSON.stringify({ ...entry(3), seq: ENTRIES + 1 })
  expect(await verdict([...lines, late], undefined)).toMatchObject({ valid: false, firstBad: ENTRIES + 1 })
  expect(await verdict([...lines, lines.at(-1)!], undefined)).toMatchObject({ valid: false, firstBad: ENTRIES + 1 })
  // All entries taken out, and a log that is empty says nobody.
  const none = JSON.stringify({ checkpoint: null, key: keys.publicJwk })
  expect(await verifyArchive(each([lines[0]!, none]))).toMatchObject({ valid: false, firstBad: 1, reason: 'missing' })
})

test('nothing that cannot be read stands between the signature and what is behind it', async () => {
  const late = entryLine({ ...stored(3), seq: ENTRIES + 1, actorId: 'innocent' })
  for (const junk of ['null', '7', '{', '"x"'])
    for (const behind of [[junk], [junk, late]])
      expect(await verdict([...lines, ...behind]), junk).toMatchObject({
        valid: false,
        firstBad: ENTRIES + 1,
        reason: 'forged',
      })
})

test('a line says nothing that its hash is not over', async () => {
  const line = lines[3]!
  const changed = { valid: false, firstBad: 3, reason: 'changed' }
  for (const more of [
    line.replace('{', '{"comment":"done by innocent",'),
    line.replace('"actorId":', '"actorId":"innocent","actorId":'),
    line.replace('"changes":{', '"changes":{"name":{"from":"x"},'),
    line.replace('"to":"x"', '"to":"y","to":"x"'),
    line.replace('"repeated":1', '"repeated":1.0'),
    line.replace('"user', '"\\u0075ser').replace('"service"', '"\\u0073ervice"'),
    `${line} `,
  ]) {
    expect(more).not.toBe(line)
    expect(await verdict(lines.with(3, more)), more).toMatchObject(changed)
  }
  const head = lines[0]!
  for (const more of [head.replace('{', '{"name":"acme",'), head.replace('"tenant":', '"tenant":"x","tenant":')])
    expect(await verdict(lines.with(0, more)), more).toMatchObject({ valid: false, firstBad: 1, reason: 'forged' })
  const end = lines.at(-1)!
  for (const more of [
    end.replace('{', '{"entries":7,'),
    end.replace('"kty"', '"name":"x","kty"'),
    end.replace('","key"', '!innocent","key"'),
    end.replace('"checkpoint":"', '"checkpoint":"x","checkpoint":"'),
  ]) {
    expect(more).not.toBe(end)
    for (const all of [known, undefined])
      expect(await verdict(lines.with(-1, more), all), more).toMatchObject({ valid: false, firstBad: ENTRIES + 1 })
  }
})

test('an entry whose number is a text is none: its checkpoint would not be looked for', async () => {
  for (const [seq, change] of [
    [10, { seq: '10' }],
    [3, { repeated: '1' }],
    [3, { actorId: ['x'] }],
    [3, { changes: undefined }],
  ] as const) {
    const changed = lines.with(seq, JSON.stringify({ ...entry(seq), ...change }))
    expect(await verdict(changed)).toMatchObject({ valid: false, firstBad: seq, reason: 'missing' })
  }
})

test('two checkpoints of one entry that differ do not both hold', async () => {
  const other = { ...known[0]!, hash: entry(4).hash }
  for (const both of [
    [...known, other],
    [other, ...known],
  ])
    expect(await verdict(lines, both)).toMatchObject({ valid: false, firstBad: 5, reason: 'rewritten' })
})

describe('a checkpoint that says nothing of the log', () => {
  const other = (): string => join(folder, 'platform.json')
  test.each([
    ['a file', { file: join(folder, 'a.jsonl') }],
    ['the database', { tenant: 'acme-agency' }],
  ])('does not make %s valid', async (_, options) => {
    await expect(command('audit:verify', { ...options, checkpoint: other() })).rejects.toMatchObject({
      code: 'validation_failed',
      errors: [
        { path: '--checkpoint', message: expect.stringContaining(`says nothing of the log of ${book.platform.a.id}`) },
      ],
    })
    expect(await command('audit:verify', { ...options, checkpoint: join(folder, 'early.json') })).toMatchObject({
      valid: true,
    })
  })

  test('is named where all logs are verified', async () => {
    expect(await command('audit:verify', { checkpoint: other() })).toMatchObject({
      valid: true,
      withoutCheckpoint: [book.platform.a.id, book.platform.b.id].toSorted(),
    })
    expect(await command('audit:verify', {})).not.toHaveProperty('withoutCheckpoint')
  })

  test('nor does a file with none, or an archive of another log than that which was asked for', async () => {
    const empty = join(folder, 'empty.json')
    writeFileSync(empty, JSON.stringify({ checkpoints: [], keys: [keys.publicJwk] }))
    await expect(command('audit:verify', { checkpoint: empty })).rejects.toMatchObject({
      errors: [{ path: '--checkpoint', message: 'holds no checkpoint' }],
    })
    await expect(command('audit:verify', { tenant: 'platform', file: join(folder, 'a.jsonl') })).rejects.toMatchObject({
      errors: [{ path: '--file' }],
    })
  })
})

describe('audit:reshred erases what an archive of this book says, and of no other', () => {
  /** An archive of one erasure, with every signature that it needs. */
  function archive(by: BookKeys, macKey: BookKeys['macKey'], other: Partial<ChainedEntry> = {}): readonly string[] {
    const facts = {
      tenantId: PLATFORM,
      id: idOf(PLATFORM, 1),
      occurredAt: '2099-11-28T17:00:00.000000Z',
      actorKind: 'system',
      actorId: 'system',
      onBehalfOf: null,
      action: 'subject.erased',
      targetType: 'subject',
      targetId: 'service:b-full',
      outcome: 'success',
      requestId: 'r',
      repeated: 1,
      changes: null,
      detail: null,
      origin: null,
      personal: null,
      ...other,
    }
    const hash = hashOf(PLATFORM, '', contentOf(1, facts))
    const jws = signCheckpoint(by, { tenant: PLATFORM, seq: 1, hash, time: '2099-11-28T17:00:00Z' })
    return [
      headerLine(PLATFORM),
      entryLine({ ...facts, seq: 1, hash, mac: macOf(macKey, hash) }),
      endLine(jws, by.publicJwk),
    ]
  }
  const left = async (): Promise<number> =>
    (
      await book.platform.superuser.query(
        `select 1 as n from plinth.audit_subject_keys where subject = 'service:b-full'`,
      )
    ).length
  const reshred = (all: readonly string[]): Promise<unknown> => {
    const file = join(folder, 'reshred.jsonl')
    writeFileSync(file, all.join('\n'))
    return command('audit:reshred', { file })
  }
  beforeAll(async () => {
    const { b } = book.platform
    await book.platform.request(b.actors.full, 'POST', '/api/v1/folders', { name: 'x' }, { 'user-agent': 'mine' })
    await book.feature.seal()
  })

  test('not what a stranger signed, with or without the key of entries', async () => {
    const { privateKey } = generateKeyPairSync('ed25519')
    const { x } = privateKey.export({ format: 'jwk' })
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: x! }
    const stranger: BookKeys = { ...keys, kid: thumbprintOf(jwk), privateKey, publicJwk: publicJwkOf(x!) }
    const own = archive(stranger, keys.macKey)
    expect(await verifyArchive(each(own))).toMatchObject({ valid: true })
    for (const macKey of [keys.macKey, createSecretKey(Buffer.alloc(32))])
      await expect(reshred(archive(stranger, macKey))).rejects.toMatchObject({ code: 'validation_failed' })
    expect(await left()).toBe(1)
  })

  test('not what stands in a line that is no entry', async () => {
    const file = join(folder, 'real.jsonl')
    await command('audit:archive', { tenant: 'platform', out: file })
    const real = readFileSync(file, 'utf8').trimEnd().split('\n')
    const [, erased] = archive(keys, keys.macKey)
    const end = { ...(JSON.parse(erased!) as object), ...(JSON.parse(real.at(-1)!) as object) }
    await expect(reshred(real.with(-1, JSON.stringify(end)))).rejects.toMatchObject({ code: 'validation_failed' })
    expect(await left()).toBe(1)
  })

  test.each([
    ['a person', { actorKind: 'user', actorId: '01890000-0000-7000-8000-000000000001' }],
    ['a service that is called so', { actorKind: 'service' }],
    ['the system under another name', { actorId: 'import' }],
    ['something that failed', { outcome: 'failed' }],
  ])('not what %s says of itself', async (_, other) => {
    expect(await reshred(archive(keys, keys.macKey, other))).toEqual({ erasures: 0, keys: 0 })
    expect(await left()).toBe(1)
  })

  test('what this book has signed', async () => {
    expect(await reshred(archive(keys, keys.macKey))).toEqual({ erasures: 1, keys: 1 })
    expect(await left()).toBe(0)
  })
})

test('a text with characters that end a line elsewhere is one line', async () => {
  const name = 'a\u2028b\u2029c\u0085d\u000be\r\nf'
  await book.platform.superuser.query(
    `insert into plinth.audit_inbox (tenant_id, occurred_at, actor_kind, actor_id, action, request_id, detail)
     values ($1::uuid, now(), 'user', 'somebody', 'thing.happened', 'r', $2::text::jsonb)`,
    [PLATFORM, JSON.stringify({ name })],
  )
  const file = join(folder, 'separators.jsonl')
  await command('audit:archive', { tenant: 'platform', out: file })
  expect(readFileSync(file, 'utf8')).toContain('\u2028')
  expect(await command('audit:verify', { file })).toMatchObject({ valid: true })
  expect(await command('audit:reshred', { file })).toMatchObject({ erasures: 2, keys: 0 })
  // As some programs end lines.
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll('\n', '\r\n'))
  expect(await command('audit:verify', { file })).toMatchObject({ valid: true })
})

test('a log is named by the id of its tenant in capital letters, too', async () => {
  const id = '0189ABCD-0000-7000-8000-0000000000AB'
  expect(await command('audit:verify', { tenant: id })).toMatchObject({ valid: true })
  await expect(command('audit:verify', { tenant: `${id}x` })).rejects.toMatchObject({ code: 'not_found' })
})
