import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bookKeys, type BookKeys } from '../src/seal/book-keys.ts'
import type { Sealer } from '../src/seal/sealer.ts'
import { newestEntries, oldestEntries } from '../src/read/filter.ts'
import { ChainVerifier, type ChainVerdict } from '../src/verify/chain-verifier.ts'
import { readChain } from '../src/verify/read-chain.ts'
import { verifyChain } from '../src/verify/verify-book.ts'
import { openBook, type Book } from './open-book.ts'
import { UNBOUND, undone } from './undone.ts'

/* Entries that readers are shown and a verifier might not see, and values that look alike when they are printed. */

/** More than the verifier reads at once. */
const COUNT = 1_010
let book: Book
let keys: BookKeys
let id: string
beforeAll(async () => {
  book = await openBook()
  // Nobody else seals meanwhile.
  await book.feature.stop?.()
  id = book.platform.a.id
  await book.feature.seal()
  // The founding of the tenant is the first.
  await book.platform.superuser.script(`
    insert into plinth.audit_inbox (tenant_id, occurred_at, actor_kind, actor_id, action, request_id)
    select '${id}', now(), 'system', 'null', 'thing.happened', 'r' || n from generate_series(2, ${COUNT}) n`)
  await book.feature.seal()
  keys = await bookKeys(book.platform.database, book.inner.secrets, book.platform.clock.now())
}, 60_000)
afterAll(() => book.close())

interface Verdicts {
  readonly book: ChainVerdict
  /** As whoever writes an archive reads it. */
  readonly archive: ChainVerdict
  readonly newest: number
  readonly oldest: number
}

const after = (sql: string): Promise<Verdicts> =>
  undone(
    book,
    async (ask) => {
      await ask(UNBOUND)
      await ask(sql)
    },
    async (database) => {
      const sealer = { trySeal: () => Promise.resolve(true), keys: () => Promise.resolve(keys) } as unknown as Sealer
      const verifier = new ChainVerifier({ tenantId: id, macKey: keys.macKey })
      for await (const batch of readChain(database, id)) if (!batch.every((entry) => verifier.take(entry))) break
      const shown = await database.system(async (system) => [
        await system.run(newestEntries(id, { actor: 'forger' }, { before: undefined, offset: 0, limit: 9 })),
        await system.run(oldestEntries(id, { actor: 'forger' }, { after: undefined, limit: 9 })),
      ])
      return {
        book: await verifyChain({ database }, sealer, id),
        archive: verifier.end(),
        newest: shown[0]!.length,
        oldest: shown[1]!.length,
      }
    },
  )

test('the book as it is verifies', async () => {
  const whole = { valid: true, entries: COUNT }
  expect(await after('select 1')).toEqual({ book: whole, archive: whole, newest: 0, oldest: 0 })
})

const forged = (seq: string): string => `
  insert into plinth.audit_logs select tenant_id, ${seq}, id, occurred_at, actor_kind, 'forger', on_behalf_of, action, target_type, target_id,
    outcome, request_id, repeated, changes, detail, origin, personal, hash, mac
  from plinth.audit_logs where tenant_id = '${id}' and seq = 3`

describe('an entry under a number of its own is shown, and found', () => {
  test.each([
    ['the smallest there is', '-9223372036854775808', -9223372036854775808],
    ['-1', '-1', -1],
    ['0', '0', 0],
    ['none', 'null', 0],
    ['a second 3', '3', 3],
    ['a second 1,000, with which a batch ends', '1000', 1_000],
    ['behind the last one', String(COUNT + 1), COUNT + 1],
    ['far behind the last one', String(COUNT + 7_000), COUNT + 1],
    ['the largest there is', '9223372036854775807', COUNT + 1],
  ])('%s', async (_, seq, firstBad) => {
    const bad = expect.objectContaining({ valid: false, firstBad })
    expect(await after(forged(seq))).toEqual({ book: bad, archive: bad, newest: 1, oldest: 1 })
  })

  test('thousands under the same one', async () => {
    const { book: verdict } = await after(`${forged('1000')} union all
      select tenant_id, 1000, id, occurred_at, actor_kind, 'forger', on_behalf_of, action, target_type, target_id, outcome, request_id, repeated,
        changes, detail, origin, personal, hash, mac from plinth.audit_logs, generate_series(1, 3) where tenant_id = '${id}'`)
    expect(verdict).toMatchObject({ valid: false, firstBad: 1_000 })
  })
})

describe('a value that prints as another one does is another one', () => {
  const era = `(to_char(occurred_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00 BC')::timestamptz`
  test.each([
    ['a year before Christ', `occurred_at = ${era}`],
    ['never', `occurred_at = 'infinity'`],
    ['for ever ago', `occurred_at = '-infinity'`],
    ['no time', `occurred_at = null`],
    ['ten thousand years later', `occurred_at = occurred_at + interval '10000 years'`],
    ['a microsecond later', `occurred_at = occurred_at + interval '1 microsecond'`],
    ['nobody, where the actor is called null', 'actor_id = null'],
    ['an empty target, where there is none', `target_id = ''`],
    ['JSON null, where there is none', `detail = 'null'`],
    ['no repetitions', 'repeated = null'],
    ['no id', 'id = null'],
    ['a space after the name', `action = action || ' '`],
    ['no hash', 'hash = null'],
    ['no signature', 'mac = null'],
  ])('%s', async (_, change) => {
    const bad = expect.objectContaining({ valid: false, firstBad: 7 })
    expect(await after(`update plinth.audit_logs set ${change} where tenant_id = '${id}' and seq = 7`)).toMatchObject({
      book: bad,
      archive: bad,
    })
  })

  test('in the inbox it is kept as an entry that nobody can read', async () => {
    const { superuser, b } = book.platform
    await superuser.script(`
      insert into plinth.audit_inbox (tenant_id, occurred_at, actor_kind, actor_id, action, request_id)
      values ('${b.id}', '2026-11-28 12:00:00+00 BC', 'system', 'system', 'thing.happened', 'r')`)
    expect((await book.entries(b.id)).at(-1)).toMatchObject({
      action: 'auditEntry.unreadable',
      detail: { problem: 'occurredAt' },
    })
  })
})

test('the table takes none of these by itself', async () => {
  const { superuser } = book.platform
  for (const seq of ['0', '-1', '-9223372036854775808', '281474976710656', '9223372036854775807'])
    await expect(superuser.script(forged(seq)), seq).rejects.toThrow('audit_logs_seq_check')
  for (const time of ['infinity', '-infinity', '2026-11-28 12:00:00+00 BC', '10000-01-01T00:00:00Z'])
    await expect(superuser.script(forged('90000').replace('occurred_at', `'${time}'`)), time).rejects.toThrow(
      'audit_logs_time_check',
    )
})
