import { compare, factIs, not, policy, type AccessExplanation } from '@plinth/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dataOf, idOf, openHouse, type House, type Person } from './people.ts'

let house: House
let owner: Person
let admin: Person
let reader: Person
let one: string

beforeAll(async () => {
  house = await openHouse({
    plinth: {
      policies: [
        policy({ name: 'vaults need the plan pro', action: 'vault:*', when: factIs('tenantPlan', 'eq', 'pro') }),
        policy({
          name: 'what is archived stays',
          action: 'folder:update',
          when: not(compare('name', 'eq', 'archived')),
        }),
      ],
    },
  })
  owner = await house.member('Olga', ['owner'])
  admin = await house.member('Adam', ['admin'])
  reader = await house.member('Rita', ['read_only'])
  one = idOf(await house.ask(admin, 'POST', 'folders', { name: 'one' }))
}, 60_000)
afterAll(() => house.close())

const explain = async (who: Person, query: string): Promise<AccessExplanation> =>
  (await house.ask(who, 'GET', `explain?action=${query}`)).json as AccessExplanation
const sources = ({ rules }: AccessExplanation): readonly string[] =>
  rules.map(({ source, effect }) => `${source} ${effect}`)
async function say(effect: string, resource: string, principal: object, recordId?: string): Promise<string> {
  return idOf(await house.ask(owner, 'POST', 'acl', { resource, principal, effect, recordId }))
}
const take = async (id: string): Promise<void> => void (await house.ask(owner, 'DELETE', `acl/${id}`))

test('an entry that allows is named, with whom it speaks of', async () => {
  const entry = await say('allow', 'Folder.update', { kind: 'role', id: 'read_only' }, one)
  const found = await explain(reader, `folder:update&id=${one}`)
  expect(found).toMatchObject({
    decision: 'allowed',
    decidedBy: 'acl allow',
    sentence: `Allowed: the ACL entry ${entry} allows folder:update to the role read_only on this row; no role of Rita does.`,
  })
  expect(sources(found)).toEqual(['tenant admits', 'scope refuses', 'acl allow admits', 'policy admits'])
  expect(found.rules.find(({ name }) => name === entry)?.entry).toEqual({ subject: 'role:read_only', recordId: one })
  const open = await explain(reader, 'folder:update')
  expect(open).toMatchObject({ decision: 'depends', decidedBy: 'scope' })
  expect(open.sentence).toContain('an entry of the ACL allows folder:update on this row')
  await take(entry)
})

test('an entry that denies is named: for a change, and where it hides the row', async () => {
  const entry = await say('deny', 'Folder.update', { kind: 'user', id: admin.id }, one)
  const found = await explain(admin, `folder:update&id=${one}`)
  expect(found).toMatchObject({ decision: 'denied', answer: 'permission_denied', decidedBy: 'acl deny' })
  expect(found.sentence).toBe(
    `Denied: the ACL entry ${entry} denies folder:update to the member ${admin.id} on this row.`,
  )
  expect(sources(found)).toEqual(['tenant admits', 'acl deny refuses', 'role admits', 'scope admits', 'policy admits'])
  await take(entry)
  const every = await say('deny', 'Folder.*', { kind: 'role', id: 'read_only' })
  expect(await explain(reader, 'folder:read')).toMatchObject({
    decision: 'denied',
    decidedBy: 'acl deny',
    sentence: `Denied: the ACL entry ${every} denies folder:read to the role read_only on every row.`,
  })
  await take(every)
  const hiding = await say('deny', 'Folder.read', { kind: 'user', id: reader.id }, one)
  const asked = await house.ask(owner, 'GET', `explain?action=folder:read&id=${one}&principal=${reader.id}`)
  expect(asked.json).toMatchObject({
    decision: 'denied',
    answer: 'not_found',
    decidedBy: 'acl deny',
    sentence: `Denied: the ACL entry ${hiding} denies folder:read to the member ${reader.id} on this row, so the answer is that there is none.`,
  })
  // To himself not even that there is a row.
  expect((await explain(reader, `folder:read&id=${one}`)).decidedBy).toBe('row')
  await take(hiding)
})

test('a role that is always allowed stands before a denial, a policy after everything', async () => {
  const entry = await say('deny', 'Folder.update', { kind: 'user', id: owner.id })
  const found = await explain(owner, `folder:update&id=${one}`)
  expect(found).toMatchObject({
    decision: 'allowed',
    decidedBy: 'always allowed',
    sentence: 'Allowed: Olga has the role owner, which is always allowed.',
  })
  expect(sources(found).slice(0, 3)).toEqual(['tenant admits', 'always allowed admits', 'acl deny narrows'])
  await house.ask(owner, 'PATCH', `folders/${one}`, { name: 'archived' })
  const narrowed = await explain(owner, `folder:update&id=${one}`)
  expect(narrowed).toMatchObject({
    decision: 'denied',
    decidedBy: 'policy',
    sentence: `Denied by the policy 'what is archived stays'. Not admitted: name is "archived".`,
  })
  await take(entry)
  expect(await explain(owner, 'vault:read')).toMatchObject({
    decision: 'denied',
    decidedBy: 'policy',
    sentence: `Denied by the policy 'vaults need the plan pro'. Not admitted: the plan of the tenant is not known, so the comparison with "pro" is unknown, and what is unknown admits nothing.`,
  })
})

test('every explanation agrees with what a request is answered', async () => {
  await say('allow', 'Folder.update', { kind: 'role', id: 'read_only' })
  await say('deny', 'Folder.update', { kind: 'user', id: reader.id }, one)
  const two = idOf(await house.ask(admin, 'POST', 'folders', { name: 'two' }))
  for (const who of [owner, admin, reader])
    for (const id of [one, two]) {
      const { decision } = await explain(who, `folder:update&id=${id}`)
      const reply = await house.ask(who, 'PATCH', `folders/${id}`, {})
      expect(decision === 'allowed', `${who.name} ${id}`).toBe(reply.status === 200)
    }
  expect(dataOf(await house.ask(owner, 'GET', 'acl')).length).toBeGreaterThan(1)
})
