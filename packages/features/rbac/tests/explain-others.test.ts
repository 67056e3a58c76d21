import { defineResource, platformTable, type AccessExplanation, type Resource } from '@plinth/core'
import { text } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { faultsOf, idOf, openHouse, type House, type Person } from './people.ts'

// As a directory brings it: who may read people is a permission of its own.
const user = defineResource({
  table: platformTable('memberships', { name: text().notNull().default(''), email: text() }),
  name: 'user',
  path: 'users',
  operations: { create: false, update: false, delete: false },
}) as unknown as Resource

let house: House
let owner: Person
let clerk: Person
let asked: Person
let folder: string
let hidden: string
let allowed: string
let denied: string
let email: string

beforeAll(async () => {
  house = await openHouse({ features: [{ name: 'test-directory', resources: [user] }] })
  owner = await house.member('Olga', ['owner'])
  const say = async (effect: string, resource: string, principal: object, recordId?: string): Promise<string> =>
    idOf(await house.ask(owner, 'POST', 'acl', { resource, principal, effect, recordId }))
  await house.ask(owner, 'POST', 'roles', { name: 'clerk', permissions: ['userRole:read', 'folder:read'] })
  await house.ask(owner, 'POST', 'roles', { name: 'librarian', permissions: ['aclEntry:read', 'user:read'] })
  clerk = await house.member('Carl', ['clerk'])
  asked = await house.member('Annabel', ['read_only'])
  folder = idOf(await house.ask(owner, 'POST', 'folders', { name: 'one' }))
  allowed = await say('allow', 'Folder.update', { kind: 'user', id: asked.id }, folder)
  hidden = idOf(await house.ask(owner, 'POST', 'folders', { name: 'two' }))
  denied = await say('deny', 'Folder.read', { kind: 'role', id: 'read_only' }, hidden)
  const [row] = await house.platform.superuser.query('select email from plinth.users where id = $1::uuid', [asked.id])
  email = String(row!['email'])
}, 60_000)
afterAll(() => house.close())

interface Explained {
  readonly body: string
  readonly json: AccessExplanation
}
const explain = async (who: Person, action: string, of: string, id = folder): Promise<Explained> => {
  const reply = await house.ask(who, 'GET', `explain?action=${action}&principal=${of}&id=${id}`)
  expect(reply.status, reply.body).toBe(200)
  return { body: reply.body, json: reply.json as AccessExplanation }
}

test('entries of the ACL are named to those who may read them', async () => {
  const may = await explain(clerk, 'folder:update', asked.id)
  expect(may.json).toMatchObject({
    decision: 'allowed',
    decidedBy: 'acl allow',
    sentence: `Allowed: an entry of the ACL allows folder:update on this row; no role of ${asked.id} does.`,
  })
  expect(may.json.rules.find(({ source }) => source === 'acl allow')).toEqual({
    source: 'acl allow',
    name: 'an entry of the ACL',
    effect: 'admits',
  })
  const not = await explain(clerk, 'folder:read', asked.id, hidden)
  expect(not.json.sentence).toBe(
    'Denied: an entry of the ACL denies folder:read on this row, so the answer is that there is none.',
  )
  for (const { body } of [may, not]) {
    expect(body).not.toContain(allowed)
    expect(body).not.toContain(denied)
  }
  // Of himself he may know.
  expect((await explain(asked, 'folder:update', asked.id)).body).toContain(allowed)
})

test('people are named to those who may read them, and found by address by no one else', async () => {
  const { json, body } = await explain(clerk, 'folder:delete', asked.id.toUpperCase())
  expect(json.principal).toEqual({ kind: 'user', id: asked.id, name: asked.id })
  expect(body).not.toContain('Annabel')
  expect(body).not.toContain(email)
  const reply = await house.ask(clerk, 'GET', `explain?action=folder:delete&principal=${email}`)
  expect(faultsOf(reply)).toEqual(['?principal unknown_principal'])
  const nobody = await house.ask(clerk, 'GET', 'explain?action=folder:delete&principal=nobody@example.com')
  expect(reply.body.replace(/"requestId":"[^"]*"/, '')).toBe(nobody.body.replace(/"requestId":"[^"]*"/, ''))
  expect((await explain(owner, 'folder:update', email)).json.principal.name).toBe('Annabel')
})

test('who gets the permission is told the whole', async () => {
  const both = await house.member('Berta', ['clerk', 'librarian'])
  const { json } = await explain(both, 'folder:update', asked.id)
  expect(json.sentence).toBe(
    `Allowed: the ACL entry ${allowed} allows folder:update to the member ${asked.id} on this row; no role of Annabel does.`,
  )
})
