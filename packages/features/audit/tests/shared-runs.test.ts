import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBook, type Book } from './open-book.ts'

/* Whoever asks for what a whole chain has to be read for, as often as he can. */

let book: Book
beforeAll(async () => {
  book = await openBook({ actors: { auditor: ['auditLog:read'] }, pool: 16 })
  await book.feature.stop?.()
}, 60_000)
afterAll(() => book.close())

const ask = (path: string) =>
  book.platform.request(book.platform.a.actors['auditor'], 'GET', `/api/v1/audit-logs/${path}`)
/** While nothing can be sealed: whoever seals waits for the lock of the chain. */
async function whileHeld<T>(work: () => Promise<T>): Promise<T> {
  return book.platform.superuser.transaction(async (connection) => {
    await connection.query(`select pg_advisory_xact_lock(hashtextextended('plinth audit ' || $1::text, 0))`, [
      book.platform.a.id,
    ])
    return work()
  })
}

test.each(['verify', 'checkpoint'])('ten wait for %s, and others are told to come later', async (path) => {
  const replies = await whileHeld(async () => {
    const refused = Promise.withResolvers<void>()
    let many = 0
    const all = Array.from({ length: 14 }, async () => {
      const reply = await ask(path)
      if (reply.status === 429 && (many += 1) === 4) refused.resolve()
      return reply
    })
    await Promise.race([refused.promise, Promise.all(all)])
    return { all }
  })
  const statuses = (await Promise.all(replies.all)).map(({ status }) => status)
  expect(statuses.filter((status) => status === 200)).toHaveLength(10)
  expect(statuses.filter((status) => status === 429)).toHaveLength(4)
})

test.each(['verify', 'checkpoint'])('who loses his right while he waits gets no answer of %s', async (path) => {
  const { superuser, database, a } = book.platform
  const { reply } = await whileHeld(async () => {
    const asked = ask(path)
    for (;;) {
      const [row] = await superuser.query(
        `select count(*)::int as n from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())`,
      )
      if (Number(row?.['n']) > 0) break
    }
    await superuser.query(`update plinth.tenants set status = 'closed' where id = $1::uuid`, [a.id])
    database.forget()
    return { reply: asked }
  })
  const { status } = await reply
  await superuser.query(`update plinth.tenants set status = 'active' where id = $1::uuid`, [a.id])
  database.forget()
  expect(status).toBe(423)
})
