import { problem } from '@plinth/core'
import { folders } from '@plinth/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBook, type Book } from './open-book.ts'

/* The platform itself in a tenant: whatever becomes of its work, the tenant reads that it was there. */

let book: Book
beforeAll(async () => {
  book = await openBook()
}, 60_000)
afterAll(() => book.close())

const accesses = async (): Promise<readonly unknown[]> => {
  await book.feature.flushRefusals()
  await book.inner.after.settled()
  return (await book.entries())
    .filter(({ action }) => action === 'system.access')
    .map(({ outcome, detail, actor_kind: kind, repeated }) => ({ outcome, detail, kind, repeated }))
}

test('work that reads everything and then throws leaves an entry, and what it threw is in none', async () => {
  const { plinth, a } = book.platform
  await book.platform.request(a.actors.full, 'POST', '/api/v1/folders', { name: 'private' })
  let read = ''
  await expect(
    plinth.asSystem('a look around', a.id, async (context) => {
      read = (await context.list(folders)).map(({ name }) => name).join(' ')
      throw new Error(`read ${read}`)
    }),
  ).rejects.toThrow('read private')
  await expect(
    plinth.asSystem('another', a.slug, () => Promise.reject(problem('conflict', { detail: read }))),
  ).rejects.toThrow('private')
  const entry = { outcome: 'failed', kind: 'system', repeated: 1 }
  const told = await accesses()
  expect(told).toHaveLength(2)
  expect(told).toEqual(
    expect.arrayContaining([
      { ...entry, detail: { reason: 'a look around', code: 'internal_error' } },
      { ...entry, detail: { reason: 'another', code: 'conflict' } },
    ]),
  )
  expect(JSON.stringify(told)).not.toContain('private')
})

test('work that is done leaves one, and no other', async () => {
  const before = (await accesses()).length
  await book.platform.plinth.asSystem('tidying', book.platform.a.id, () => Promise.resolve())
  expect((await accesses()).slice(before)).toEqual([
    { outcome: 'success', kind: 'system', repeated: 1, detail: { reason: 'tidying' } },
  ])
})

test('however often it fails, no more than ten a minute are told one by one', async () => {
  const before = (await accesses()).length
  for (let times = 0; times < 15; times += 1)
    await book.platform.plinth
      .asSystem('again', book.platform.a.id, () => Promise.reject(new Error('no')))
      .catch(() => undefined)
  const told = (await accesses()).slice(before) as readonly { readonly repeated: number }[]
  expect(told.reduce((sum, { repeated }) => sum + repeated, 0)).toBe(15)
})
