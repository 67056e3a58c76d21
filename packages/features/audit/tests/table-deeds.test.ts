import type { RawRow } from '@plinth/core'
import { seededRandom } from '@plinth/testing'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bookKeys, type BookKeys } from '../src/seal/book-keys.ts'
import type { Sealer } from '../src/seal/sealer.ts'
import { ChainVerifier } from '../src/verify/chain-verifier.ts'
import { readCheckpoint, type Checkpoint, type CheckpointFile } from '../src/verify/checkpoint.ts'
import { readChain } from '../src/verify/read-chain.ts'
import { verifyChain } from '../src/verify/verify-book.ts'
import { openBook, type Book } from './open-book.ts'
import { oddDeeds, rawRows, type Deed, type Table } from './column-deeds.ts'
import { firstChanged, printedRows, randomDeed } from './table-deeds.ts'
import { UNBOUND, undone } from './undone.ts'

/*
 * Random deeds of a superuser on the table of a real database, read by what reads it and judged by a checkpoint that was exported before.
 * The chain is short, so that each is cheap, and each is in a transaction that is rolled back. 10,000 of them with `npm run test:crash
 * -- --only audit`.
 */
const DEEDS = Number(process.env['PLINTH_AUDIT_DEEDS'] ?? 200)
const SEED = process.env['PLINTH_AUDIT_SEED'] ?? '20261128'
const ENTRIES = 24

const folder = mkdtempSync(join(tmpdir(), 'plinth-deeds-'))
let book: Book
let keys: BookKeys
let checkpoints: readonly Checkpoint[]
let before: readonly RawRow[]
let table: Table
beforeAll(async () => {
  book = await openBook()
  // Nobody else seals meanwhile.
  await book.feature.stop?.()
  const { superuser, a, b } = book.platform
  for (const [tenant, count] of [
    [a.id, ENTRIES],
    [b.id, 4],
  ] as const)
    // The founding of the tenant is the first. Each column has values of all kinds, and none where there may be none.
    await superuser.script(`
      insert into plinth.audit_inbox (tenant_id, occurred_at, actor_kind, actor_id, on_behalf_of, action, target, outcome, request_id, repeated,
        before, after, personal, detail, address, user_agent)
      select '${tenant}', now() - n * interval '1001001 microseconds', (array['user', 'service', 'apiKey', 'system', 'anonymous'])[1 + n % 5],
        case n % 4 when 0 then 'null' when 1 then 'Zoë ☃' else 'actor ' || n end, case n % 3 when 0 then 'user ' || n end,
        (array['site.updated', 'user.created', 'thing.happened'])[1 + n % 3],
        case n % 4 when 0 then null when 1 then '' when 2 then 'x' else 'site:' || n end,
        (array['success', 'denied', 'failed'])[1 + n % 3], 'r' || n, 1 + n % 3,
        case n % 2 when 0 then '{"name": "a", "size": 1}'::jsonb end, case n % 2 when 0 then '{"name": "b", "size": 2}'::jsonb end,
        case n % 5 when 0 then '{"email": ["a@example.com", null]}'::jsonb end,
        case n % 3 when 1 then '{"n": 1, "words": "ü\\\\u0001"}'::jsonb end, case n % 2 when 1 then '192.0.2.' || n end,
        case n % 4 when 1 then 'agent' end
      from generate_series(2, ${count}) n`)
  await book.feature.seal()
  keys = await bookKeys(book.platform.database, book.inner.secrets, book.platform.clock.now())
  const out = join(folder, 'checkpoint.json')
  await book.command('audit:checkpoint', { out })
  const file = JSON.parse(readFileSync(out, 'utf8')) as CheckpointFile
  checkpoints = file.checkpoints.map((jws) => readCheckpoint(jws, file.keys)!)
  before = await superuser.query(...mutable(printedRows(a.id)))
  const rows = await superuser.query(...mutable(rawRows(a.id)))
  table = { tenantId: a.id, otherId: b.id, rows, random: seededRandom(SEED), macKey: keys.macKey }
}, 60_000)
afterAll(async () => {
  await book.close()
  rmSync(folder, { recursive: true, force: true })
})

const mutable = ([text, parameters]: readonly [string, readonly string[]]): [string, readonly string[]] => [
  text,
  parameters,
]

const codeOf = (error: unknown): string => String((error as { readonly code?: unknown }).code)

interface Outcome {
  readonly changed: number | undefined
  readonly found: number | undefined
  readonly foundInArchive: number | undefined
}

/** Takes the rules of the table away where they are in the way. */
const outcomeOf = (deed: Deed): Promise<Outcome> =>
  lookAt(deed).catch((error: unknown) => {
    if (!codeOf(error).startsWith('23')) throw error
    return lookAt({
      ...deed,
      run: async (ask) => {
        await ask(UNBOUND)
        await deed.run(ask)
      },
    })
  })

const lookAt = (deed: Deed): Promise<Outcome> =>
  undone(
    book,
    (ask) => deed.run(ask),
    async (database, ask) => {
      const sealer = { trySeal: () => Promise.resolve(true), keys: () => Promise.resolve(keys) } as unknown as Sealer
      const { firstBad } = await verifyChain({ database }, sealer, table.tenantId, checkpoints)
      const verifier = new ChainVerifier({
        tenantId: table.tenantId,
        macKey: keys.macKey,
        checkpoints: checkpoints.filter(({ tenant }) => tenant === table.tenantId),
      })
      for await (const batch of readChain(database, table.tenantId))
        if (!batch.every((entry) => verifier.take(entry))) break
      return {
        changed: firstChanged(before, await ask(...mutable(printedRows(table.tenantId)))),
        found: firstBad,
        foundInArchive: verifier.end().firstBad,
      }
    },
  )

const nothing: Deed = { how: 'nothing', run: (ask) => ask('select 1') }

test('what is not touched is as it was exported', async () => {
  expect(before).toHaveLength(ENTRIES)
  expect(checkpoints.map(({ tenant }) => tenant)).toContain(table.tenantId)
  expect(await outcomeOf(nothing)).toEqual({ changed: undefined, found: undefined, foundInArchive: undefined })
})

/** @returns false where nothing was changed by it, or where there is no such value: that is no deed */
async function isFound(deed: Deed): Promise<boolean> {
  let outcome: Outcome
  try {
    outcome = await outcomeOf(deed)
  } catch (error) {
    if (codeOf(error).startsWith('22')) return false
    throw error
  }
  const { changed, found, foundInArchive } = outcome
  if (changed === undefined) return false
  // Whoever signs what he likes is found by the checkpoint alone: at the entry that it is of.
  const named = deed.keysStolen ? ENTRIES : changed
  if (found !== named || foundInArchive !== named)
    throw new Error(`${deed.how}: ${named} is the first, and not ${found}, nor ${foundInArchive} as archives are read`)
  return true
}

test('each column with what might be taken for something else', async () => {
  const deeds = oddDeeds(table)
  let done = 0
  for (const deed of deeds) if (await isFound(deed)) done += 1
  // The rest is what the entry had already.
  expect(done).toBeGreaterThan(deeds.length * 0.8)
}, 60_000)

test(
  `${DEEDS} random deeds on the table, each named by the first entry that is not what it was`,
  async () => {
    let [done, idle] = [0, 0]
    while (done < DEEDS)
      if (await isFound(randomDeed(table))) done += 1
      else idle += 1
    expect(idle).toBeLessThan(DEEDS / 2)
    expect(await outcomeOf(nothing)).toMatchObject({ changed: undefined, found: undefined })
  },
  Math.max(120_000, DEEDS * 200),
)
