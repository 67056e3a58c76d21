import { isGuarded, scopes, type PermissionScope } from '@plinth/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dataOf, idOf, openHouse, outcome, type House, type Person } from './people.ts'

/*
 * Who may do what, said once more and otherwise than in the source: role by role, as the handbook of a product would. Every permission
 * that there is is asked of the port, and every route of the product over HTTP.
 */
const roles = ['owner', 'admin', 'developer', 'user', 'read_only', 'support'] as const
type Role = (typeof roles)[number]
const product = ['crate', 'folder', 'document', 'vault', 'stowage', 'price', 'letter', 'manifest', 'berth']
const looking = ['read', 'contents', 'siblings']

function expected(role: Role, model: string, action: string): PermissionScope | undefined {
  const own = product.includes(model) && action !== 'share'
  switch (role) {
    case 'owner':
    case 'admin':
      return 'all'
    case 'developer':
      return own || (action === 'read' && model !== 'aclEntry') ? 'all' : undefined
    case 'user':
      return own || (action === 'read' && model === 'aclEntry') ? 'own' : undefined
    case 'read_only':
      return (own ? looking.includes(action) : action === 'read' && model !== 'aclEntry') ? 'all' : undefined
    case 'support':
      return model === 'crate' && action === 'read' ? 'all' : model === 'crate' ? 'group' : undefined
  }
}

let house: House
const people = new Map<Role, Person>()
beforeAll(async () => {
  house = await openHouse({
    rbac: { roles: { support: { description: 'Helps', permissions: ['crate:read', 'crate:*:group'] } } },
  })
  for (const role of roles) people.set(role, await house.member(role, [role]))
}, 60_000)
afterAll(() => house.close())

describe.each(roles)('%s', (role) => {
  test('each permission there is', async () => {
    const { plinth, a } = house.platform
    const { permissions } = plinth.registry
    const principal = house.principal(people.get(role)!)
    const held = await plinth.as(principal, a.id, (ctx) =>
      Promise.resolve(
        permissions.names.map((name, number) => {
          const found = ctx.principal.permissions.scopes(number)
          // Beside `all` the others say nothing.
          return [name, found.includes('all') ? 'all' : found[0]]
        }),
      ),
    )
    const wanted = permissions.names.map((name) => {
      const [model = '', action = ''] = name.split(':')
      return [name, expected(role, model, action)]
    })
    expect(held).toEqual(wanted)
  })

  test('each route of the product', async () => {
    const person = people.get(role)!
    const routes = house.platform.plinth.routes.filter(isGuarded).filter((route) => route.origin === 'product')
    expect(routes.length).toBeGreaterThan(60)
    for (const route of routes) {
      const path = route.path.replace(':id', '0193a2b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b')
      const body = route.body ? {} : undefined
      const reply = await house.platform.request(undefined, route.method, path, body, {
        authorization: `Bearer ${person.token}`,
      })
      const ways = [route.verb, ...(route.otherwise ?? []).map((way) => way.verb)]
      const may = ways.some((verb) => expected(role, (route.guarded ?? route.resource).name, verb) !== undefined)
      expect(outcome(reply) !== '403 permission_denied', `${role}: ${route.method} ${route.path}`).toBe(may)
    }
  })
})

test('a user sees and changes what is his own', async () => {
  const [user, developer, reader] = [people.get('user')!, people.get('developer')!, people.get('read_only')!]
  const mine = idOf(await house.ask(user, 'POST', 'folders', { name: 'mine' }))
  const theirs = idOf(await house.ask(developer, 'POST', 'folders', { name: 'theirs' }))
  expect(dataOf(await house.ask(user, 'GET', 'folders')).map((row) => row['id'])).toEqual([mine])
  expect(outcome(await house.ask(user, 'PATCH', `folders/${theirs}`, { name: 'x' }))).toBe('404 not_found')
  expect((await house.ask(user, 'PATCH', `folders/${mine}`, { name: 'x' })).status).toBe(200)
  expect((await house.ask(developer, 'DELETE', `folders/${mine}`)).status).toBe(204)
  expect((await house.ask(reader, 'GET', `folders/${theirs}`)).status).toBe(200)
  expect(outcome(await house.ask(reader, 'DELETE', `folders/${theirs}`))).toBe('403 permission_denied')
})

test('a key never does more than its owner, nor than its role', async () => {
  const admin = house.key(people.get('admin')!, ['read_only'])
  const user = house.key(people.get('user')!, ['admin'])
  expect((await house.ask(admin, 'GET', 'folders')).status).toBe(200)
  expect(outcome(await house.ask(admin, 'POST', 'folders', { name: 'x' }))).toBe('403 permission_denied')
  expect(outcome(await house.ask(user, 'GET', 'roles'))).toBe('403 permission_denied')
  const made = idOf(await house.ask(people.get('developer')!, 'POST', 'folders', { name: 'theirs' }))
  expect(outcome(await house.ask(user, 'GET', `folders/${made}`))).toBe('404 not_found')
})

test('who has several roles may do what any of them allows', async () => {
  const both = await house.member('both', ['user', 'support', 'read_only'])
  const { plinth, a } = house.platform
  await plinth.as(house.principal(both), a.id, (ctx) => {
    const found = (name: string): readonly string[] => {
      const [model = '', action = ''] = name.split(':')
      return ctx.principal.permissions.scopes(plinth.registry.permissions.numberOf(model, action)!)
    }
    expect(found('crate:update')).toEqual(['group', 'own'])
    expect(found('crate:read')).toEqual([...scopes])
    expect(found('folder:update')).toEqual(['own'])
    // The weightiest first: it is the one role of an access token.
    expect(ctx.principal.roles).toEqual(['support', 'user', 'read_only'])
    return Promise.resolve()
  })
})
