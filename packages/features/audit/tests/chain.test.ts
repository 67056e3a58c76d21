import { createHash, type JsonWebKey, type KeyObject } from 'node:crypto'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { audit, type AuditFeature } from '@plinth/audit'
import { createPlinth, type Plinth } from '@plinth/core'
import { postgres } from '@plinth/postgres'
import { depot, loginUrl, seededRandom } from '@plinth/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { linesOf } from '../src/commands/archive-file.ts'
import { contentOf, type ChainedEntry, type ChainLink } from '../src/entry/chained-entry.ts'
import { bookKeys } from '../src/seal/book-keys.ts'
import { ChainVerifier, type ChainHead, type ChainVerdict } from '../src/verify/chain-verifier.ts'
import { readCheckpoint } from '../src/verify/checkpoint.ts'
import { readChain, readLinks } from '../src/verify/read-chain.ts'
import { verifyArchive } from '../src/verify/verify-archive.ts'
import { openBook, type Book } from './open-book.ts'
import { tamper } from './tamper.ts'

const WRITERS = 64
/** As the helpers of tests have them. */
const SECRET_KEYS_OF_TESTS = `test:${createHash('sha256').update('plinth test keys').digest('base64')}`
/** Entries of each writer: 1,000 of them with `npm run test:crash -- --only audit`. */
const EACH = Number(process.env['PLINTH_AUDIT_EACH'] ?? 8)

let book: Book
let chain: readonly ChainedEntry[]
let checkpoint: ChainHead
beforeAll(async () => {
  book = await openBook({ pool: 16 })
}, 60_000)
afterAll(() => book.close())

const keysOfBook = () => bookKeys(book.platform.database, book.inner.secrets, book.platform.clock.now())

async function stored(tenantId = book.platform.a.id): Promise<readonly ChainedEntry[]> {
  const entries: ChainedEntry[] = []
  for await (const batch of readChain(book.platform.database, tenantId)) entries.push(...batch)
  return entries
}

const run: Book['command'] = (...given) => book.command(...given)

/** On the same database, with connections, keys and a clock of its own, as another process has. */
function secondPlatform(): { readonly feature: AuditFeature; readonly plinth: Plinth; told(): number } {
  const url = book.platform.url!
  let told = 0
  const feature = audit({ onEntries: (entries) => void (told += entries.length) })
  const plinth = createPlinth({
    database: postgres(loginUrl(url, 'plinth_app'), { ownerUrl: url, systemUrl: loginUrl(url, 'plinth_system') }),
    resources: depot,
    features: [feature],
    log: book.platform.log,
    env: { ENVIRONMENT: 'test', SECRET_KEYS: SECRET_KEYS_OF_TESTS },
  })
  return { feature, plinth, told: () => told }
}

test(`${WRITERS} writers at once, and two platforms that seal meanwhile: no gap and no fork`, async () => {
  const { a, b } = book.platform
  const second = secondPlatform()
  let writing = true
  const sealing = [book.feature, book.feature, second.feature, second.feature].map(async (feature) => {
    while (writing) await feature.seal()
  })
  await Promise.all(
    Array.from({ length: WRITERS }, async (_, writer) => {
      for (let at = 0; at < EACH; at += 1) {
        const tenant = writer % 4 === 0 ? b : a
        const reply = await book.platform.request(tenant.actors.full, 'POST', '/api/v1/folders', {
          name: `folder ${writer} ${at}`,
        })
        expect(reply.status).toBe(201)
      }
    }),
  )
  writing = false
  await Promise.all(sealing)
  await second.feature.seal()
  expect(second.told()).toBeGreaterThan(0)
  expect(await second.feature.verifyLog(a.id)).toMatchObject({ valid: true })
  await second.plinth.close()
  const { macKey } = await keysOfBook()
  for (const [tenant, share] of [
    [a, 0.75],
    [b, 0.25],
  ] as const) {
    const entries = await stored(tenant.id)
    expect(entries.map(({ seq }) => seq)).toEqual(Array.from({ length: WRITERS * EACH * share + 1 }, (_, at) => at + 1))
    expect(new Set(entries.map(({ targetId }) => targetId)).size).toBe(entries.length)
    expect(verdictOf(entries, tenant.id, macKey, [])).toEqual({ valid: true, entries: entries.length })
  }
  chain = await stored()
  checkpoint = chain.at(-1)!
}, 600_000)

function verdictOf(
  entries: readonly ChainedEntry[],
  tenantId: string,
  macKey: KeyObject | undefined,
  checkpoints: readonly ChainHead[],
): ChainVerdict {
  const verifier = new ChainVerifier({ tenantId, macKey, checkpoints })
  entries.every((entry) => verifier.take(entry))
  return verifier.end()
}

describe('whoever changes the book as a superuser is found out', () => {
  test('10,000 random deeds in memory, each named by the first number that is wrong', async () => {
    const { macKey } = await keysOfBook()
    const random = seededRandom(20261128)
    // A short chain: what is done to it matters, not how long it is.
    const short = chain.slice(0, 24)
    const head = short.at(-1)!
    const { id } = book.platform.a
    expect(verdictOf(short, id, macKey, [head])).toEqual({ valid: true, entries: 24 })
    for (let at = 0; at < 10_000; at += 1) {
      const deed = tamper(short, random)
      const verdict = verdictOf(deed.entries, id, macKey, [head])
      if (verdict.firstBad !== deed.firstBad)
        expect({ ...verdict, how: deed.how }).toMatchObject({ firstBad: deed.firstBad })
    }
  }, 60_000)

  test('a chain that is rewritten as a whole is refused by the checkpoint alone, where nobody has the keys', () => {
    const random = seededRandom(7)
    for (let at = 0; at < 200; at += 1) {
      const deed = tamper(chain, random)
      const verdict = verdictOf(deed.entries, book.platform.a.id, undefined, [checkpoint])
      // Its content, its hashes or its length: only the signature of an entry needs the key.
      if (deed.how !== 'bit of mac' && deed.how !== 'insert')
        expect({ how: deed.how, valid: verdict.valid }).toEqual({ how: deed.how, valid: false })
    }
  })

  test('audit:verify says so, against a file of audit:checkpoint', async () => {
    const { superuser, a } = book.platform
    const file = join(await mkdtemp(join(tmpdir(), 'plinth-audit-')), 'checkpoint.json')
    await run('audit:checkpoint', { out: file })
    await superuser.script(`create table plinth_kept as select * from plinth.audit_logs where tenant_id = '${a.id}'`)
    const untriggered = (sql: string): Promise<void> =>
      superuser.script(`set session_replication_role = replica; ${sql}; set session_replication_role = default`)
    expect(await run('audit:verify', { checkpoint: file })).toMatchObject({ valid: true })
    await untriggered(`delete from plinth.audit_logs where tenant_id = '${a.id}' and seq > 5`)
    await expect(run('audit:verify', { tenant: a.id, checkpoint: file })).rejects.toMatchObject({
      detail: expect.stringContaining('entry 6 is missing'),
    })
    // That it was looked at is an entry, which may have its place by now.
    await untriggered(`delete from plinth.audit_logs where tenant_id = '${a.id}' and seq > 5;
      insert into plinth.audit_logs select * from plinth_kept where seq > 5`)
    expect(await run('audit:verify', { checkpoint: file })).toMatchObject({ valid: true })
    await superuser.script('drop table plinth_kept')
  })
})

describe('a checkpoint', () => {
  test('is a signature that anybody can verify, and nobody can change', async () => {
    const head = (await book.entries()).at(-1)!
    const file = (await run('audit:checkpoint')) as {
      readonly checkpoints: readonly string[]
      readonly keys: readonly string[]
    }
    const keys = file.keys.map((key) => JSON.parse(key) as JsonWebKey)
    const read = file.checkpoints.map((jws) => readCheckpoint(jws, keys))
    // Of both tenants, and of the platform: all logs were verified before, which is told there.
    expect(read).toHaveLength(3)
    expect(read).toContainEqual({
      tenant: book.platform.a.id,
      seq: head.seq,
      hash: head['hash'],
      time: expect.any(String),
      kid: keys[0]!.kid,
    })
    const [jws] = file.checkpoints as readonly [string]
    for (let at = 0; at < jws.length; at += 7) {
      const other = jws[at] === 'A' ? 'B' : 'A'
      // The last character of base64url has bits that mean nothing.
      if (at >= jws.length - 1) continue
      expect(readCheckpoint(jws.slice(0, at) + other + jws.slice(at + 1), keys)).toBeUndefined()
    }
  })
})

describe('an archive', () => {
  let file = ''
  test('verifies without the database', async () => {
    file = join(await mkdtemp(join(tmpdir(), 'plinth-audit-')), 'acme.jsonl')
    // And the one that it was archived, which comes first.
    const entries = (await book.entries()).length + 1
    expect(await run('audit:archive', { tenant: book.platform.a.slug, out: file })).toMatchObject({ entries })
    expect(await run('audit:verify', { file })).toMatchObject({ valid: true, entries })
  })

  test('of which a line is changed, cut or taken out does not', async () => {
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n')
    const verdict = async (changed: readonly string[]) => {
      const path = `${file}.changed`
      await writeFile(path, changed.join('\n'))
      return verifyArchive(linesOf(path))
    }
    expect(await verdict(lines)).toMatchObject({ valid: true })
    for (const at of [1, 5, chain.length]) {
      const edited = lines.with(at, lines[at]!.replace('"success"', '"denied"'))
      expect(await verdict(edited)).toMatchObject({ valid: false, firstBad: at, reason: 'changed' })
      expect(await verdict(lines.toSpliced(at, 1))).toMatchObject({ valid: false, firstBad: at })
      expect(await verdict(lines.slice(0, at))).toMatchObject({ valid: false, firstBad: at, reason: 'missing' })
      expect(await verdict(lines.with(at, lines[at]!.slice(0, 40)))).toMatchObject({ valid: false, firstBad: at })
    }
  })
})

test('PostgreSQL and this language put the same content together, of whatever texts (300 random entries)', async () => {
  const { superuser, b } = book.platform
  const text = fc.string({ unit: 'grapheme', maxLength: 12 }).map((value) => value.replaceAll('\0', ''))
  const row = fc.record({
    actor_id: text,
    on_behalf_of: fc.option(text),
    action: text.map((value) => `thing.${value}`),
    target: fc.option(text),
    request_id: text,
    detail: fc.option(fc.dictionary(text, fc.oneof(text, fc.integer(), fc.constant(null)))),
    after: fc.option(fc.dictionary(text, text)),
    address: fc.option(text),
  })
  const rows = fc.sample(row, { numRuns: 300, seed: 20261128 })
  await superuser.query(
    `insert into plinth.audit_inbox (tenant_id, occurred_at, actor_kind, actor_id, on_behalf_of, action, target, request_id, detail, after, address)
     select $1::uuid, now() + random() * interval '1 second', 'user', actor_id, on_behalf_of, action, target, request_id, detail, after, address
     from json_populate_recordset(null::plinth.audit_inbox, $2::text::json)`,
    [b.id, JSON.stringify(rows)],
  )
  await book.feature.seal(b.id)
  const entries = await stored(b.id)
  const links: ChainLink[] = []
  for await (const batch of readLinks(book.platform.database, b.id)) links.push(...batch)
  expect(entries.length).toBeGreaterThanOrEqual(300)
  expect(links.map(({ content }) => content)).toEqual(entries.map((entry) => contentOf(entry.seq, entry)))
  expect(await book.feature.verifyLog(b.id)).toEqual({ valid: true, entries: entries.length })
})
