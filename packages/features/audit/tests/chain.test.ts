import type { JsonWebKey, KeyObject } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { seededRandom } from '@plinth/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { contentOf, type ChainedEntry, type ChainLink } from '../src/entry/chained-entry.ts'
import { bookKeys } from '../src/seal/book-keys.ts'
import { Sealer } from '../src/seal/sealer.ts'
import { ChainVerifier, type ChainHead, type ChainVerdict } from '../src/verify/chain-verifier.ts'
import { readCheckpoint } from '../src/verify/checkpoint.ts'
import { verifyChain } from '../src/verify/verify-book.ts'
import { readChain, readLinks } from '../src/verify/read-chain.ts'
import { verifyArchive } from '../src/verify/verify-archive.ts'
import { openBook, type Book } from './open-book.ts'
import { tamper } from './tamper.ts'

const WRITERS = 64
/** Entries of each writer, and deeds on the table itself: 1,000 and 10,000 of them with `npm run test:crash -- --only audit`. */
const EACH = Number(process.env['PLINTH_AUDIT_EACH'] ?? 8)
const DEEDS = Number(process.env['PLINTH_AUDIT_DEEDS'] ?? 100)

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

async function run(name: string, options: Readonly<Record<string, string>> = {}) {
  const command = book.platform.plinth.commands.find((one) => one.name === name)!
  return command.run(options, { note: () => undefined, ask: () => Promise.resolve(undefined) })
}

test(`${WRITERS} writers at once, and who seals meanwhile: no gap and no fork`, async () => {
  const { a, b } = book.platform
  let writing = true
  const sealing = Array.from({ length: 3 }, async () => {
    while (writing) await book.feature.seal()
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
  await book.feature.seal()
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

  test(
    'deeds on the table itself, triggers off, and each is undone',
    async () => {
      const { superuser, a } = book.platform
      const signed = (await run('audit:checkpoint', { tenant: a.id })) as {
        readonly checkpoints: readonly string[]
        readonly keys: readonly string[]
      }
      const file = join(await mkdtemp(join(tmpdir(), 'plinth-audit-')), 'checkpoint.json')
      await writeFile(
        file,
        JSON.stringify({ checkpoints: signed.checkpoints, keys: signed.keys.map((key) => JSON.parse(key)) }),
      )
      const random = seededRandom(11)
      const columns = [
        'occurred_at',
        'actor_id',
        'action',
        'target_id',
        'request_id',
        'repeated',
        'changes',
        'origin',
        'hash',
        'mac',
        'outcome',
        'id',
        'detail',
        'on_behalf_of',
      ]
      const statements = (seq: number): readonly (readonly [string, number])[] => {
        const where = `where tenant_id = '${a.id}' and seq = ${seq}`
        const column = random.pick(columns)
        const value =
          column === 'occurred_at'
            ? `occurred_at + interval '1 microsecond'`
            : column === 'repeated'
              ? 'repeated + 1'
              : column === 'id'
                ? 'gen_random_uuid()'
                : column === 'outcome'
                  ? `'denied'`
                  : column === 'changes' || column === 'detail'
                    ? `(coalesce(${column}::text, '{}') || ' ')::json`
                    : `coalesce(${column}, '') || '.'`
        return [
          [`update plinth.audit_logs set ${column} = ${value} ${where}`, seq],
          [`delete from plinth.audit_logs ${where}`, seq],
          [`delete from plinth.audit_logs where tenant_id = '${a.id}' and seq >= ${seq}`, seq],
          [`update plinth.audit_logs set seq = -seq ${where}`, -seq],
          [`update plinth.audit_logs set tenant_id = gen_random_uuid() ${where}`, seq],
        ]
      }
      const sealer = new Sealer(book.inner)
      const checkpoints = [{ tenant: a.id, time: '', ...checkpoint }]
      const untriggered = (sql: string): Promise<void> =>
        superuser.script(`set session_replication_role = replica; ${sql}; set session_replication_role = default`)
      await superuser.script('alter table plinth.audit_logs drop constraint audit_logs_seq_check')
      await superuser.script(`create table plinth_kept as select * from plinth.audit_logs where tenant_id = '${a.id}'`)
      for (let at = 0; at < DEEDS; at += 1) {
        const [sql, firstBad] = random.pick(statements(1 + random.below(chain.length)))
        await untriggered(sql)
        try {
          expect(await verifyChain(book.inner, sealer, a.id, checkpoints), sql).toMatchObject({
            valid: false,
            firstBad,
          })
        } finally {
          await untriggered(
            `delete from plinth.audit_logs where tenant_id = '${a.id}' or id in (select id from plinth_kept); insert into plinth.audit_logs select * from plinth_kept`,
          )
        }
      }
      expect(await run('audit:verify', { checkpoint: file })).toMatchObject({ valid: true, chains: 2 })
      await untriggered(`delete from plinth.audit_logs where tenant_id = '${a.id}' and seq > 5`)
      await expect(run('audit:verify', { tenant: a.id, checkpoint: file })).rejects.toMatchObject({
        detail: expect.stringContaining('entry 6 is missing'),
      })
      await untriggered('insert into plinth.audit_logs select * from plinth_kept where seq > 5')
      await superuser.script('drop table plinth_kept')
    },
    Math.max(600_000, DEEDS * 300),
  )
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
      return verifyArchive(createInterface({ input: createReadStream(path) }))
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
