import type { Platform } from '@plinth/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readChain, readLinks } from '../src/verify/read-chain.ts'
import { openBook, type Book } from './open-book.ts'

/*
 * Entries that have much to say: a page of them ends with the entry that goes beyond 16 MiB, wherever pages are read, and nothing is left
 * out by that.
 */
const LARGE = 9_000_000
const COUNT = 3

let book: Book
let all: readonly number[]
beforeAll(async () => {
  book = await openBook({ actors: { auditor: ['auditLog:read'] } })
  await book.feature.stop?.()
  await book.platform.superuser.script(`
    insert into plinth.audit_inbox (tenant_id, occurred_at, actor_kind, actor_id, action, request_id, detail)
    select '${book.platform.a.id}', now(), 'system', 'system', 'thing.happened', 'r' || n, jsonb_build_object('x', repeat('a', ${LARGE}))
    from generate_series(1, ${COUNT}) n`)
  await book.feature.seal(book.platform.a.id)
  const rows = await book.platform.superuser.query(
    `select seq from plinth.audit_logs where tenant_id = $1::uuid and action = 'thing.happened' order by seq`,
    [book.platform.a.id],
  )
  all = rows.map(({ seq }) => Number(seq))
}, 60_000)
afterAll(() => book.close())

interface Line {
  readonly seq: number
  readonly action: string
}
const ask = (method: string, path: string, body?: unknown) =>
  book.platform.request(book.platform.a.actors['auditor'], method, `/api/v1/audit-logs${path}`, body)
const linesOf = (text: string): readonly Line[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)

/** How many entries each statement that reads the book has brought. */
function counted(): { readonly database: Platform['database']; readonly sizes: number[] } {
  const sizes: number[] = []
  const { database } = book.inner
  return {
    sizes,
    database: {
      ...database,
      system: async (work) => {
        const result = await database.system(work)
        if (Array.isArray(result)) sizes.push(result.length)
        return result
      },
    },
  }
}

test('who verifies, and who writes an archive, reads two at a time', async () => {
  const { id } = book.platform.a
  for (const read of [readChain, readLinks]) {
    const { database, sizes } = counted()
    const seqs: number[] = []
    for await (const batch of read(database, id)) seqs.push(...batch.map(({ seq }) => seq))
    // That the tenant was founded is before them, and small.
    expect(seqs).toEqual([1, ...all])
    expect(Math.max(...sizes)).toBe(3)
  }
  expect(await book.feature.verifyLog(id)).toEqual({ valid: true, entries: COUNT + 1 })
})

test('the stream gives two at a time, and the number of the last one goes on', async () => {
  const seen: number[] = []
  for (let after = 0; seen.length < COUNT;) {
    const reply = await ask('GET', `/stream?after=${after}`)
    const lines = linesOf(reply.body).filter(({ action }) => action === 'thing.happened')
    expect(lines.length).toBeLessThanOrEqual(2)
    seen.push(...lines.map(({ seq }) => seq))
    after = seen.at(-1)!
  }
  expect(seen).toEqual(all)
})

test('an export has all of them', async () => {
  const reply = await ask('POST', '/export', { action: 'thing.happened' })
  expect(linesOf(reply.body).map(({ seq }) => seq)).toEqual(all)
})
