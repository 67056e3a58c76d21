import { compare, defineResource, not, policy, resourceTable, type Resource } from '@plinth/core'
import type { TestReply } from '@plinth/testing'
import { integer, text } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { idOf, openHouse, outcome, type House, type Person } from './people.ts'

/* An answer that was kept for an Idempotency-Key, asked for again by who has lost something since. */

const notes = resourceTable('notes', { title: text().notNull(), pay: integer() })
const note = defineResource({ table: notes, fields: { title: { filter: true }, pay: { restricted: 'read' } } })

let house: House
let owner: Person
let writer: Person
let keys = 0
beforeAll(async () => {
  house = await openHouse({
    resources: [note as unknown as Resource],
    plinth: {
      policies: [
        policy({ name: 'closed notes stay', action: 'note:update', when: not(compare('title', 'eq', 'closed')) }),
      ],
    },
  })
  owner = await house.member('olga', ['owner'])
  await house.ask(owner, 'POST', 'roles', { name: 'writer', permissions: ['note:*'] })
  await house.ask(owner, 'POST', 'roles', { name: 'author', permissions: ['note:*:own'] })
  writer = await house.member('walt', ['writer'])
}, 60_000)
afterAll(() => house.close())

/** Asks, and gives the way to ask the very same again. */
async function once(who: Person, method: string, path: string, body?: object) {
  const key = { 'idempotency-key': `key-${(keys += 1)}` }
  const ask = (): Promise<TestReply> => house.ask(who, method, path, body, key)
  return { first: await ask(), again: ask }
}
const say = async (effect: string, resource: string, person: Person, recordId?: string): Promise<string> =>
  idOf(
    await house.ask(owner, 'POST', 'acl', { resource, effect, recordId, principal: { kind: 'user', id: person.id } }),
  )
const isReplayed = ({ headers }: TestReply): boolean => headers['idempotency-replayed'] === 'true'

test('who is denied the row since does not get it again', async () => {
  const made = await once(writer, 'POST', 'notes', { title: 'canary-made' })
  const id = idOf(made.first)
  const changed = await once(writer, 'PATCH', `notes/${id.toUpperCase()}`, { title: 'canary-changed' })
  const bulk = await once(writer, 'POST', 'notes/bulk', {
    operations: [
      { op: 'create', data: { title: 'canary-other' } },
      { op: 'update', id, data: { title: 'canary-bulk' } },
    ],
  })
  for (const { first, again } of [made, changed, bulk]) {
    const reply = await again()
    expect([isReplayed(reply), reply.body]).toEqual([true, first.body])
  }
  const denial = await say('deny', 'Note.read', writer, id)
  const refused = [await made.again(), await changed.again(), await bulk.again()]
  expect(refused.map(outcome)).toEqual(['409 answer_not_repeatable', '404 not_found', '409 answer_not_repeatable'])
  for (const { body } of refused) expect(body).not.toContain('canary')
  await house.ask(owner, 'DELETE', `acl/${denial}`)
  for (const { again } of [made, changed, bulk]) expect(isReplayed(await again())).toBe(true)
})

test('who may no longer do it at all is refused as always', async () => {
  const changed = await once(
    writer,
    'PATCH',
    `notes/${idOf(await house.ask(owner, 'POST', 'notes', { title: 'a' }))}`,
    {
      title: 'b',
    },
  )
  const denial = await say('deny', 'Note.update', writer)
  expect(outcome(await changed.again())).toBe('403 permission_denied')
  await house.ask(owner, 'DELETE', `acl/${denial}`)
  expect(isReplayed(await changed.again())).toBe(true)
})

test('what the request itself took away is not held against it', async () => {
  const id = idOf(await house.ask(writer, 'POST', 'notes', { title: 'open' }))
  const closing = await once(writer, 'PATCH', `notes/${id}`, { title: 'closed' })
  expect(closing.first.status).toBe(200)
  expect(outcome(await house.ask(writer, 'PATCH', `notes/${id}`, { title: 'x' }))).toBe('403 permission_denied')
  expect(isReplayed(await closing.again())).toBe(true)
})

test('of a row that is gone the answer is given to who sees as he saw', async () => {
  const author = await house.member('anna', ['author'])
  const made = await once(author, 'POST', 'notes', { title: 'short' })
  const gone = await once(author, 'DELETE', `notes/${idOf(made.first)}`)
  for (const { again } of [made, gone]) expect(isReplayed(await again())).toBe(true)
  await house.ask(owner, 'DELETE', `user-roles?userId=${author.id}&role=author`)
  await house.ask(owner, 'POST', 'roles', { name: 'maker', permissions: ['note:create', 'note:read:group'] })
  await house.ask(owner, 'POST', 'user-roles', { userId: author.id, role: 'maker' })
  house.platform.database.forget()
  expect(outcome(await made.again())).toBe('409 answer_not_repeatable')
})

test('a field that he does not read on this row by now is not given again', async () => {
  const [one, two] = [
    idOf(await house.ask(owner, 'POST', 'notes', { title: 'one', pay: 4711 })),
    idOf(await house.ask(owner, 'POST', 'notes', { title: 'two', pay: 4712 })),
  ]
  const reading = await say('allow', 'Note.pay.read', writer, one)
  await say('allow', 'Note.pay.read', writer, two)
  const changed = await once(writer, 'PATCH', `notes/${one}`, { title: 'paid' })
  expect(changed.first.body).toContain('4711')
  expect((await changed.again()).body).toBe(changed.first.body)
  await house.ask(owner, 'DELETE', `acl/${reading}`)
  const reply = await changed.again()
  expect(outcome(reply)).toBe('409 answer_not_repeatable')
  expect(reply.body).not.toContain('4711')
})
