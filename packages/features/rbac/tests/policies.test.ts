import { and, compare, factIs, not, or, policy } from '@plinth/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dataOf, idOf, openHouse, outcome, type House, type Person } from './people.ts'

const REFUSED = '403 permission_denied'
let house: House
let owner: Person
let admin: Person

beforeAll(async () => {
  house = await openHouse({
    plinth: {
      policies: [
        policy({ name: 'vaults need the plan pro', action: 'vault:*', when: factIs('tenantPlan', 'eq', 'pro') }),
        policy({
          name: 'what is archived is read by owners alone',
          action: ['folder:read', 'folder:update', 'folder:delete'],
          when: or(not(compare('name', 'eq', 'archived')), factIs('role', 'eq', 'owner')),
        }),
      ],
    },
    features: [
      {
        name: 'careful',
        policies: [
          policy({
            name: 'keys delete nothing',
            action: '*:delete',
            when: and(factIs('principalKind', 'ne', 'apiKey')),
          }),
        ],
      },
    ],
  })
  owner = await house.member('olga', ['owner'])
  admin = await house.member('adam', ['admin'])
}, 60_000)
afterAll(() => house.close())

test('a fact of the tenant decides for everybody, within the second, also for an owner', async () => {
  expect(outcome(await house.ask(owner, 'GET', 'vaults'))).toBe(REFUSED)
  expect(outcome(await house.ask(owner, 'POST', 'vaults', { name: 'v' }))).toBe(REFUSED)
  await house.platform.superuser.query(`update plinth.tenants set plan = 'pro' where id = $1::uuid`, [
    house.platform.a.id,
  ])
  house.platform.database.forget()
  expect((await house.ask(owner, 'POST', 'vaults', { name: 'v' })).status).toBe(201)
  expect(dataOf(await house.ask(admin, 'GET', 'vaults'))).toHaveLength(1)
})

test('a field of the row narrows lists, single rows and changes; a role is a fact', async () => {
  const one = idOf(await house.ask(admin, 'POST', 'folders', { name: 'archived' }))
  await house.ask(admin, 'POST', 'folders', { name: 'open' })
  const names = async (who: Person) =>
    dataOf(await house.ask(who, 'GET', 'folders?sort=name')).map((row) => row['name'])
  expect(await names(admin)).toEqual(['open'])
  expect(await names(owner)).toEqual(['archived', 'open'])
  expect(outcome(await house.ask(admin, 'PATCH', `folders/${one}`, { name: 'x' }))).toBe('404 not_found')
  expect((await house.ask(owner, 'PATCH', `folders/${one}`, { name: 'back' })).status).toBe(200)
})

test('an entry of the ACL does not outweigh a policy', async () => {
  const one = idOf(await house.ask(admin, 'POST', 'folders', { name: 'archived' }))
  const made = await house.ask(owner, 'POST', 'acl', {
    resource: 'Folder.*',
    recordId: one,
    principal: { kind: 'user', id: admin.id },
    effect: 'allow',
  })
  expect(made.status, made.body).toBe(201)
  expect(outcome(await house.ask(admin, 'GET', `folders/${one}`))).toBe('404 not_found')
})

test('a feature narrows, too: a key deletes nothing, its holder does; the platform itself is above it', async () => {
  const one = idOf(await house.ask(admin, 'POST', 'folders', { name: 'going' }))
  expect(outcome(await house.ask(house.key(admin, ['admin']), 'DELETE', `folders/${one}`))).toBe(REFUSED)
  expect((await house.ask(admin, 'DELETE', `folders/${one}`)).status).toBe(204)
  const { plinth, a } = house.platform
  const seen = await plinth.asSystem('looks at all', a.id, (ctx) => Promise.resolve(ctx.can('vault:delete')))
  expect(seen).toBe(true)
})
