import { existsSync } from 'node:fs'
import type { Platform } from '@plinth/core'
import { describe, expect, test } from 'vitest'
import { contentOf, hashOf, type ChainedEntry } from '../src/entry/chained-entry.ts'
import { observeAudit } from '../src/observe.ts'
import { Sealer } from '../src/seal/sealer.ts'
import { readChain } from '../src/verify/read-chain.ts'
import { takeCheckpoints } from '../src/verify/verify-book.ts'
import { found, keptBook, signedIn } from './kept-book.ts'

/*
 * Whoever may write everything in the database rewrites a chain with all its hashes, and waits until the platform signs it. Nothing is signed
 * that was not verified.
 */

const kept = keptBook(9, { actors: { auditor: ['auditLog:read'] } })
const { asSuperuser, put, command, out, health } = kept
const asked = () => {
  const { platform } = kept.book
  return platform.request(platform.a.actors['auditor'], 'GET', '/api/v1/audit-logs/checkpoint')
}

/** From this entry on, as whoever knows the code can do. */
async function rewrite(from: number): Promise<void> {
  let previous = ''
  for (const { hash, ...entry } of await stored()) {
    const changed = entry.seq < from ? entry : { ...entry, actorId: 'innocent' }
    const anew = entry.seq < from ? hash : hashOf(kept.id, previous, contentOf(entry.seq, changed))
    previous = anew
    await asSuperuser(
      `update plinth.audit_logs set actor_id = '${changed.actorId}', hash = '${anew}' where tenant_id = '${kept.id}' and seq = ${entry.seq}`,
    )
  }
}

async function stored(): Promise<readonly ChainedEntry[]> {
  const entries: ChainedEntry[] = []
  for await (const batch of readChain(kept.book.platform.database, kept.id)) entries.push(...batch)
  return entries
}

describe('a chain that was rewritten as a whole is signed', () => {
  test('by no archive, and no file is left', async () => {
    await rewrite(3)
    const file = out()
    await expect(command('audit:archive', { tenant: 'acme-agency', out: file })).rejects.toMatchObject(
      found(`${kept.id}: entry 3 is forged`),
    )
    expect(existsSync(file)).toBe(false)
  })

  test('by no checkpoint of the command, which signs all others', async () => {
    await rewrite(4)
    await expect(command('audit:checkpoint')).rejects.toMatchObject(found('entry 4 is forged'))
    const alone = out()
    await expect(command('audit:checkpoint', { tenant: kept.id, out: alone })).rejects.toMatchObject(
      found('entry 4 is forged'),
    )
    expect(existsSync(alone)).toBe(false)
    const file = out()
    await expect(command('audit:checkpoint', { out: file })).rejects.toMatchObject(
      found(`${kept.id}: entry 4 is forged. The other logs are signed, in ${file}.`),
    )
    expect(signedIn(file).has(kept.id)).toBe(false)
    expect(signedIn(file).has(kept.book.platform.b.id)).toBe(true)
  })

  test('by none that is asked for by HTTP, and whoever asked is in the log', async () => {
    await rewrite(5)
    const reply = await asked()
    expect(reply).toMatchObject({ status: 409, json: { code: 'conflict' } })
    expect(reply.body).toContain('entry 5 is forged')
    expect((await kept.book.entries()).at(-1)).toMatchObject({ action: 'auditLog.verified', detail: { firstBad: 5 } })
  })

  test('and the log and the health say so, until it was found to be right', async () => {
    await health()
    const lines = (): number => kept.book.platform.log.lines.filter(({ event }) => event === 'audit_log_broken').length
    const before = lines()
    await rewrite(6)
    expect((await asked()).status).toBe(409)
    expect(lines()).toBe(before + 1)
    await expect(health()).rejects.toThrow('not as they were written: 1')
    const metric = observeAudit(kept.book.inner).metrics!.find(({ name }) => name === 'plinth_audit_broken')!
    expect(await metric.read()).toEqual([{ value: 1 }])
    await kept.putBack()
    await expect(health()).rejects.toThrow(/./)
    expect((await asked()).status).toBe(200)
    await health()
  })
})

describe('since the last checkpoint', () => {
  /** Entries that are read for the next one. */
  async function read(): Promise<number> {
    let count = 0
    const { database } = kept.book.inner
    const watched: Platform['database'] = {
      ...database,
      system: async (work) => {
        const result = await database.system(work)
        if (Array.isArray(result)) count += result.filter((row) => 'content' in (row as object)).length
        return result
      },
    }
    const inner = { ...kept.book.inner, database: watched }
    const { broken: bad } = await takeCheckpoints(inner, new Sealer(inner), [kept.id])
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
      `checkpoint = (select checkpoint from plinth.audit_checkpoints where tenant_id <> '${kept.id}' limit 1)`,
      `checkpoint = left(checkpoint, -10) || 'AAAAAAAAAA'`,
    ]) {
      await asSuperuser(`update plinth.audit_checkpoints set ${other} where tenant_id = '${kept.id}'`)
      expect(await read(), other).toBe(seq)
    }
  })

  test('an entry below the first one is seen: readers are shown it', async () => {
    await command('audit:checkpoint')
    await put(1)
    await asSuperuser(`
      alter table plinth.audit_logs drop constraint audit_logs_seq_check;
      insert into plinth.audit_logs select (jsonb_populate_record(l, '{"seq": 0}')).* from plinth.audit_logs l where tenant_id = '${kept.id}' and seq = 2`)
    await expect(command('audit:checkpoint')).rejects.toMatchObject(found(`${kept.id}: entry 0 is forged`))
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
    await asSuperuser(sql.replaceAll('$', kept.id))
    if (how === 'cut, and written on') await put(9)
    const file = out()
    const named = how === 'cut, and written on' ? 10 : firstBad
    await expect(command('audit:checkpoint', { out: file })).rejects.toMatchObject(
      found(`${kept.id}: entry ${named} is`),
    )
    expect(signedIn(file).has(kept.id)).toBe(false)
    // That it was looked at is in it as well: where nothing was left, those are the first entries.
    const later = how === 'taken away as a whole' ? '' : `${named} is`
    await expect(command('audit:archive', { tenant: kept.id, out: out() })).rejects.toMatchObject(
      found(`${kept.id}: entry ${later}`),
    )
    await expect(command('audit:verify', { tenant: kept.id })).rejects.toMatchObject(
      found(`${kept.id}: entry ${later}`),
    )
  })

  test('what was found before it stays found: nothing is signed until all of it is right', async () => {
    await command('audit:checkpoint')
    await asSuperuser(`update plinth.audit_logs set actor_id = 'innocent' where tenant_id = '${kept.id}' and seq = 4`)
    await put(2)
    // Nobody has looked at it, and what is signed says what it was: whoever verifies against this checkpoint finds entry 4.
    const file = out()
    await command('audit:checkpoint', { out: file })
    await expect(command('audit:verify', { checkpoint: file })).rejects.toMatchObject(found('entry 4 is changed'))
    await expect(command('audit:checkpoint')).rejects.toMatchObject(found('entry 4 is changed'))
    await asSuperuser(`update plinth.audit_logs set actor_id = 'guilty' where tenant_id = '${kept.id}' and seq = 4`)
    await command('audit:checkpoint')
    await health()
  })
})
