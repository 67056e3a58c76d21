import { afterAll, beforeAll, expect, test } from 'vitest'
import { faultsOf, idOf, openHouse, outcome, type House, type Person } from './people.ts'

interface Explained {
  readonly decision: string
  readonly answer: string | null
  readonly sentence: string
  readonly rules: readonly { readonly source: string; readonly name: string; readonly effect: string }[]
}

let house: House
let admin: Person
let user: Person
let reader: Person
let theirs: string
beforeAll(async () => {
  house = await openHouse()
  admin = await house.member('Ada', ['admin'])
  user = await house.member('Uwe', ['user'])
  reader = await house.member('Rita', ['read_only'])
  theirs = idOf(await house.ask(admin, 'POST', 'folders', { name: 'theirs' }))
}, 60_000)
afterAll(() => house.close())

const explain = async (who: Person, query: string): Promise<Explained> => {
  const reply = await house.ask(who, 'GET', `explain?${query}`)
  expect(reply.status, reply.body).toBe(200)
  return reply.json as Explained
}

test('the role is named, in the rules and in the sentence', async () => {
  const may = await explain(admin, `action=folder:update&id=${theirs}`)
  expect([may.decision, may.answer]).toEqual(['allowed', null])
  expect(may.sentence).toContain('Ada holds folder:update:all by the role admin')
  expect(may.rules.map((rule) => `${rule.source} ${rule.name} ${rule.effect}`)).toContain('role admin admits')

  const not = await explain(reader, 'action=folder:update')
  expect([not.decision, not.answer]).toEqual(['denied', 'permission_denied'])
  expect(not.sentence).toBe('Denied: Rita, who has the role read_only, does not hold folder:update in any scope.')
  expect(not.rules.map((rule) => `${rule.source} ${rule.name} ${rule.effect}`)).toContain('role read_only refuses')

  const depends = await explain(user, 'action=folder:update')
  expect(depends.decision).toBe('depends')
  expect(depends.sentence).toContain('Uwe holds folder:update:own by the role user')
})

test('the permission may be spelled as entries of the ACL are; a scope is no part of the question', async () => {
  expect(await explain(user, 'action=Folder.update')).toEqual(await explain(user, 'action=folder:update'))
  for (const action of ['folder:update:own', 'Folder.*', 'Folder.updat', '*']) {
    const refused = await house.ask(user, 'GET', `explain?action=${action}`)
    expect([refused.status, refused.json], action).toMatchObject([400, { errors: [{ code: 'unknown_permission' }] }])
  }
})

test('about others it is asked by whoever may see who has which role', async () => {
  const answer = await explain(reader, `action=folder:update&id=${theirs}&principal=${user.id}`)
  expect([answer.decision, answer.answer]).toEqual(['denied', 'not_found'])
  expect(answer.sentence).toContain('Uwe may not see this folder')
  expect(outcome(await house.ask(user, 'GET', `explain?action=folder:update&principal=${admin.id}`))).toBe(
    '403 permission_denied',
  )
  const email = (
    await house.platform.superuser.query('select email from plinth.users where id = $1::uuid', [user.id])
  )[0]
  const byMail = await explain(admin, `action=folder:update&principal=${String(email?.['email']).toUpperCase()}`)
  expect(byMail.decision).toBe('depends')
})

test('of a row that the asker does not see, nothing is told: not even that there is one', async () => {
  const nobodys = '0193a2b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b'
  const strip = (reply: { readonly body: string }, id: string): string => reply.body.replaceAll(id, 'ID')
  const [seen, unseen] = [
    await house.ask(user, 'GET', `explain?action=folder:update&id=${nobodys}`),
    await house.ask(user, 'GET', `explain?action=folder:update&id=${theirs}`),
  ]
  expect(strip(unseen, theirs)).toBe(strip(seen, nobodys))
  // Nor by asking about somebody who does see it.
  const clerk = await house.ask(admin, 'POST', 'roles', {
    name: 'clerk',
    permissions: ['userRole:read', 'folder:read:own'],
  })
  expect(clerk.status).toBe(201)
  const asker = await house.member('Carl', ['clerk'])
  const [a, b] = [
    await house.ask(asker, 'GET', `explain?action=folder:update&principal=${admin.id}&id=${nobodys}`),
    await house.ask(asker, 'GET', `explain?action=folder:update&principal=${admin.id}&id=${theirs}`),
  ]
  expect(strip(b, theirs)).toBe(strip(a, nobodys))
  expect((b.json as Explained).sentence).toBe('Denied: there is no such row, or you may not see it.')
})

test('of other tenants nobody is known', async () => {
  const foreign = await house.member('Berta', ['admin'], 'b')
  for (const name of [foreign.id, 'nobody@example.com', 'a-full', 'service:a-full', "' or 1=1 --"]) {
    const reply = await house.ask(admin, 'GET', `explain?action=folder:update&principal=${encodeURIComponent(name)}`)
    expect(faultsOf(reply), name).toEqual(['?principal unknown_principal'])
    expect(reply.body).not.toContain('b-full')
  }
})

test('what is asked must be there', async () => {
  expect(faultsOf(await house.ask(admin, 'GET', 'explain'))).toEqual(['?action required'])
  expect(faultsOf(await house.ask(admin, 'GET', 'explain?action=folder:updat'))).toEqual(['?action unknown_permission'])
  expect(faultsOf(await house.ask(admin, 'GET', 'explain?action=folder:update&who=me'))).toEqual([
    '?who unknown_parameter',
  ])
  expect((await house.ask(admin, 'GET', 'explain?action=folder:update:own')).status).toBe(400)
})

test('built-in rows are explained too', async () => {
  const reply = await house.ask(reader, 'GET', 'roles?name=admin')
  const { data } = reply.json as { data: { id: string }[] }
  expect((await explain(reader, `action=role:read&id=${data[0]!.id}`)).decision).toBe('allowed')
})

test('on the command line users are found by address or id, in the tenant that is named', async () => {
  const { plinth, a, b } = house.platform
  const answer = await plinth.explain({ permission: 'folder:update', principal: `user:${user.id}`, tenant: a.slug })
  expect(answer.sentence).toContain('Uwe holds folder:update:own by the role user')
  const elsewhere = await plinth.explain({ permission: 'folder:update', principal: user.id, tenant: b.slug })
  expect([elsewhere.decision, elsewhere.answer]).toEqual(['denied', 'tenant_forbidden'])
  await expect(plinth.explain({ permission: 'folder:update', principal: 'nobody', tenant: a.slug })).rejects.toThrow(
    "There is no principal 'nobody'",
  )
})
