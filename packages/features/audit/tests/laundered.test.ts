import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Platform } from '@plinth/core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { contentOf, hashOf, type ChainedEntry } from '../src/entry/chained-entry.ts'
import { observeAudit } from '../src/observe.ts'
import { Sealer } from '../src/seal/sealer.ts'
import { readCheckpoint, type CheckpointFile } from '../src/verify/checkpoint.ts'
import { readChain } from '../src/verify/read-chain.ts'
import { takeCheckpoints } from '../src/verify/verify-book.ts'
import { openBook, type Book } from './open-book.ts'

/*
 * Whoever may write everything in the database rewrites a chain with all its hashes, and waits until the platform signs it. Nothing is signed
 * that was not verified.
 */

const folder = mkdtempSync(join(tmpdir(), 'plinth-laundered-'))
let book: Book
let id: string
let files = 0
beforeAll(async () => {
  book = await openBook({ actors: { auditor: ['auditLog:read'] } })
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
beforeEach(async () => {
  await asSuperuser(`
    truncate plinth.audit_logs; insert into plinth.audit_logs select * from plinth_kept; delete from plinth.audit_checkpoints;
    delete from plinth.audit_inbox`)
})

const put = (count: number): Promise<void> =>
  book.platform.superuser.script(`
    insert into plinth.audit_inbox (tenant_id, occurred_at, actor_kind, actor_id, action, request_id)
    select '${id}', now(), 'user', 'guilty', 'thing.happened', 'r' || n from generate_series(1, ${count}) n`)
const asSuperuser = (sql: string): Promise<void> =>
  book.platform.superuser.script(
    `set session_replication_role = replica; ${sql}; set session_replication_role = default`,
  )
const out = (): string => join(folder, `${(files += 1)}`)
const command = (name: string, options: Readonly<Record<string, string>> = {}): Promise<unknown> =>
  book.platform.plinth.commands
    .find((each) => each.name === name)!
    .run(options, { note: () => undefined, ask: () => Promise.resolve(undefined) })
const asked = () => book.platform.request(book.platform.a.actors['auditor'], 'GET', '/api/v1/audit-logs/checkpoint')
/** The checkpoints of a file, by tenant. */
function signedIn(file: string): ReadonlyMap<string, number> {
  const { checkpoints, keys } = JSON.parse(readFileSync(file, 'utf8')) as CheckpointFile
  return new Map(checkpoints.map((jws) => readCheckpoint(jws, keys)!).map(({ tenant, seq }) => [tenant, seq]))
}
const health = (): Promise<void> => observeAudit(book.inner).checks![0]!.check(AbortSignal.timeout(5_000))

/** From this entry on, as whoever knows the code can do. */
async function rewrite(from: number): Promise<void> {
  let previous = ''
  for (const { hash, ...entry } of await stored()) {
    const changed = entry.seq < from ? entry : { ...entry, actorId: 'innocent' }
    const anew = entry.seq < from ? hash : hashOf(id, previous, contentOf(entry.seq, changed))
    previous = anew
    await asSuperuser(
      `update plinth.audit_logs set actor_id = '${changed.actorId}', hash = '${anew}' where tenant_id = '${id}' and seq = ${entry.seq}`,
    )
  }
}

async function stored(): Promise<readonly ChainedEntry[]> {
  const entries: ChainedEntry[] = []
  for await (const batch of readChain(book.platform.database, id)) entries.push(...batch)
  return entries
}

const broken = (words: string) => ({ code: 'conflict', detail: expect.stringContaining(words) })

describe('a chain that was rewritten as a whole is signed', () => {
  test('by no archive, and no file is left', async () => {
    await rewrite(3)
    const file = out()
    await expect(command('audit:archive', { tenant: 'acme-agency', out: file })).rejects.toMatchObject(
      broken(`${id}: entry 3 is forged`),
    )
    expect(existsSync(file)).toBe(false)
  })

  test('by no checkpoint of the command, which signs all others', async () => {
    await rewrite(4)
    await expect(command('audit:checkpoint')).rejects.toMatchObject(broken('entry 4 is forged'))
    const alone = out()
    await expect(command('audit:checkpoint', { tenant: id, out: alone })).rejects.toMatchObject(
      broken('entry 4 is forged'),
    )
    expect(existsSync(alone)).toBe(false)
    const file = out()
    await expect(command('audit:checkpoint', { out: file })).rejects.toMatchObject(
      broken(`${id}: entry 4 is forged. The other logs are signed, in ${file}.`),
    )
    expect(signedIn(file).has(id)).toBe(false)
    expect(signedIn(file).has(book.platform.b.id)).toBe(true)
  })

  test('by none that is asked for by HTTP, and whoever asked is in the log', async () => {
    await rewrite(5)
    const reply = await asked()
    expect(reply).toMatchObject({ status: 409, json: { code: 'conflict' } })
    expect(reply.body).toContain('entry 5 is forged')
    expect((await book.entries()).at(-1)).toMatchObject({ action: 'auditLog.verified', detail: { firstBad: 5 } })
  })

  test('and the log and the health say so, until it was found to be right', async () => {
    await health()
    const lines = (): number => book.platform.log.lines.filter(({ event }) => event === 'audit_log_broken').length
    const before = lines()
    await rewrite(6)
    expect((await asked()).status).toBe(409)
    expect(lines()).toBe(before + 1)
    await expect(health()).rejects.toThrow('not as they were written: 1')
    const metric = observeAudit(book.inner).metrics!.find(({ name }) => name === 'plinth_audit_broken')!
    expect(await metric.read()).toEqual([{ value: 1 }])
    await asSuperuser(`truncate plinth.audit_logs; insert into plinth.audit_logs select * from plinth_kept`)
    await expect(health()).rejects.toThrow(/./)
    expect((await asked()).status).toBe(200)
    await health()
  })
})

describe('since the last checkpoint', () => {
  /** Entries that are read for the next one. */
  async function read(): Promise<number> {
    let count = 0
    const { database } = book.inner
    const watched: Platform['database'] = {
      ...database,
      system: async (work) => {
        const result = await database.system(work)
        if (Array.isArray(result)) count += result.filter((row) => 'content' in (row as object)).length
        return result
      },
    }
    const inner = { ...book.inner, database: watched }
    const { broken: bad } = await takeCheckpoints(inner, new Sealer(inner), [id])
    expect(bad).toEqual([])
    return count
  }

  test('what was verified is not read again, but for the entry that it is of', async () => {
    const [{ seq }] = (await stored()).slice(-1) as [ChainedEntry]
    expect(await read()).toBe(seq)
    expect(await read()).toBe(1)
    await put(3)
    expect(await read()).toBe(4)
  })

  test('a checkpoint that somebody else put there, or took away, has all of it read', async () => {
    const [{ seq }] = (await stored()).slice(-1) as [ChainedEntry]
    await command('audit:checkpoint')
    for (const other of [
      `checkpoint = 'x'`,
      'checkpoint = null',
      `checkpoint = (select checkpoint from plinth.audit_checkpoints where tenant_id <> '${id}' limit 1)`,
      `checkpoint = left(checkpoint, -10) || 'AAAAAAAAAA'`,
    ]) {
      await asSuperuser(`update plinth.audit_checkpoints set ${other} where tenant_id = '${id}'`)
      expect(await read(), other).toBe(seq)
    }
  })

  test('an entry below the first one is seen: readers are shown it', async () => {
    await command('audit:checkpoint')
    await put(1)
    await asSuperuser(`
      alter table plinth.audit_logs drop constraint audit_logs_seq_check;
      insert into plinth.audit_logs select (jsonb_populate_record(l, '{"seq": 0}')).* from plinth.audit_logs l where tenant_id = '${id}' and seq = 2`)
    await expect(command('audit:checkpoint')).rejects.toMatchObject(broken(`${id}: entry 0 is forged`))
    await asSuperuser(`
      delete from plinth.audit_logs where seq < 1;
      alter table plinth.audit_logs add constraint audit_logs_seq_check check (seq > 0 and seq < 281474976710656) not valid`)
  })

  test.each([
    ['cut, and written on', 5, `delete from plinth.audit_logs where tenant_id = '$' and seq >= 5`],
    ['cut', 10, `delete from plinth.audit_logs where tenant_id = '$' and seq >= 10`],
    ['taken away as a whole', 1, `delete from plinth.audit_logs where tenant_id = '$'`],
    [
      'in which the last is another one',
      10,
      `update plinth.audit_logs set actor_id = 'innocent', hash = 'x' where tenant_id = '$' and seq = 10`,
    ],
  ])('a chain that was %s is not signed', async (how, firstBad, sql) => {
    expect((await command('audit:checkpoint', { out: out() })) as object).toMatchObject({ chains: 2 })
    await asSuperuser(sql.replaceAll('$', id))
    if (how === 'cut, and written on') await put(9)
    const file = out()
    const named = how === 'cut, and written on' ? 10 : firstBad
    await expect(command('audit:checkpoint', { out: file })).rejects.toMatchObject(broken(`${id}: entry ${named} is`))
    expect(signedIn(file).has(id)).toBe(false)
    // That it was looked at is in it as well: where nothing was left, those are the first entries.
    const later = how === 'taken away as a whole' ? '' : `${named} is`
    await expect(command('audit:archive', { tenant: id, out: out() })).rejects.toMatchObject(
      broken(`${id}: entry ${later}`),
    )
    await expect(command('audit:verify', { tenant: id })).rejects.toMatchObject(broken(`${id}: entry ${later}`))
  })

  test('what was found before it stays found: nothing is signed until all of it is right', async () => {
    await command('audit:checkpoint')
    await asSuperuser(`update plinth.audit_logs set actor_id = 'innocent' where tenant_id = '${id}' and seq = 4`)
    await put(2)
    // Nobody has looked at it, and what is signed says what it was: whoever verifies against this checkpoint finds entry 4.
    const file = out()
    await command('audit:checkpoint', { out: file })
    await expect(command('audit:verify', { checkpoint: file })).rejects.toMatchObject(broken('entry 4 is changed'))
    await expect(command('audit:checkpoint')).rejects.toMatchObject(broken('entry 4 is changed'))
    await asSuperuser(`update plinth.audit_logs set actor_id = 'guilty' where tenant_id = '${id}' and seq = 4`)
    await command('audit:checkpoint')
    await health()
  })
})
