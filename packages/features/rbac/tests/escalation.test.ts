import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dataOf, idOf, openHouse, outcome, type House, type Person } from './people.ts'

/*
 * Nobody comes by a right that nobody gave him. Each attempt is one that worked somewhere: the editor of roles who edits his own,
 * the one who gives roles and gives himself a better one, the key that makes another key's role.
 */
describe.each(['postgres', 'pglite'] as const)('self-escalation on %s', (kind) => {
  let house: House
  let owner: Person
  let admin: Person
  /** May do all with roles, and a little beside. */
  let clerk: Person
  let clerkRole: string
  const byText = (left: string, right: string): number => (left < right ? -1 : 1)
  const REFUSED = '403 permission_denied'

  beforeAll(async () => {
    house = await openHouse({ kind })
    owner = await house.member('olga', ['owner'])
    admin = await house.member('adam', ['admin'])
    const made = await house.ask(owner, 'POST', 'roles', {
      name: 'clerk',
      permissions: ['role:*', 'userRole:*', 'permission:*', 'crate:read', 'crate:update:own', 'folder:update:group'],
    })
    clerkRole = idOf(made)
    clerk = await house.member('carl', ['clerk'])
  }, 60_000)
  afterAll(() => house.close())

  test('no role is made that may do more than its maker', async () => {
    const more = [
      ['*'],
      ['crate:*'],
      ['*:read'],
      ['crate:update'],
      ['crate:update:all'],
      ['crate:update:group'],
      ['folder:update'],
      ['folder:update:own'],
      ['crate:delete:own'],
      ['crate:read', 'folder:create:own'],
    ]
    for (const permissions of more)
      expect(outcome(await house.ask(clerk, 'POST', 'roles', { name: 'more', permissions })), permissions.join()).toBe(
        REFUSED,
      )
    const bulk = await house.ask(clerk, 'POST', 'roles/bulk', {
      operations: [{ op: 'create', data: { name: 'more', permissions: ['*'] } }],
    })
    expect(bulk.status, bulk.body).toBe(403)
    const less = await house.ask(clerk, 'POST', 'roles', {
      name: 'less',
      permissions: ['crate:read', 'crate:read:own', 'crate:update:own', 'folder:update:group', 'role:read'],
    })
    expect(less.status, less.body).toBe(201)
  })

  test('nobody edits the role that he has, or a weaker one, into a stronger one', async () => {
    const wider = { permissions: ['role:*', 'userRole:*', 'crate:*'] }
    expect(outcome(await house.ask(clerk, 'PATCH', `roles/${clerkRole}`, wider))).toBe(REFUSED)
    expect(outcome(await house.ask(clerk, 'PUT', `roles/${clerkRole}`, { name: 'clerk', ...wider }))).toBe(REFUSED)
    const bulk = await house.ask(clerk, 'POST', 'roles/bulk', {
      operations: [{ op: 'update', id: clerkRole, data: wider }],
    })
    expect(bulk.status, bulk.body).toBe(403)
    expect((await house.ask(clerk, 'PATCH', `roles/${clerkRole}`, { description: 'The clerk' })).status).toBe(200)
    expect((await house.ask(clerk, 'GET', `roles/${clerkRole}`)).json).toMatchObject({
      permissions: expect.not.arrayContaining(['crate:*']),
    })
  })

  test('nobody takes from, or deletes, a role that may do more than he', async () => {
    const strong = await house.ask(admin, 'POST', 'roles', { name: 'strong', permissions: ['vault:*'] })
    expect(outcome(await house.ask(clerk, 'PATCH', `roles/${idOf(strong)}`, { permissions: [] }))).toBe(REFUSED)
    expect(outcome(await house.ask(clerk, 'DELETE', `roles/${idOf(strong)}`))).toBe(REFUSED)
    expect((await house.ask(admin, 'DELETE', `roles/${idOf(strong)}`)).status).toBe(204)
  })

  test('no role is given that may do more than its giver', async () => {
    for (const role of ['owner', 'admin', 'developer', 'user', 'read_only'])
      expect(outcome(await house.ask(clerk, 'POST', 'user-roles', { userId: clerk.id, role })), role).toBe(REFUSED)
    expect(outcome(await house.ask(admin, 'POST', 'user-roles', { userId: admin.id, role: 'owner' }))).toBe(REFUSED)
    expect(outcome(await house.ask(admin, 'POST', 'user-roles', { userId: clerk.id, role: 'owner' }))).toBe(REFUSED)
    const help = await house.member('hans', [])
    expect((await house.ask(clerk, 'POST', 'user-roles', { userId: help.id, role: 'clerk' })).status).toBe(201)
    expect((await house.ask(owner, 'POST', 'user-roles', { userId: help.id, role: 'owner' })).status).toBe(201)
    expect((await house.ask(owner, 'DELETE', `user-roles?userId=${help.id}&role=owner`)).status).toBe(204)
  })

  test('nothing is taken from who may do more', async () => {
    const rows = dataOf(await house.ask(clerk, 'GET', 'user-roles?pageSize=100'))
    const rowOf = (person: Person, role: string): string =>
      String(rows.find((row) => row['userId'] === person.id && row['role'] === role)?.['id'])
    expect(outcome(await house.ask(clerk, 'DELETE', `user-roles/${rowOf(admin, 'admin')}`))).toBe(REFUSED)
    expect(outcome(await house.ask(clerk, 'DELETE', `user-roles?userId=${owner.id}&role=owner`))).toBe(REFUSED)
    expect(outcome(await house.ask(admin, 'DELETE', `user-roles/${rowOf(owner, 'owner')}`))).toBe(REFUSED)
    // A weak role of somebody strong is his as well.
    const both = await house.member('bea', ['owner', 'clerk'])
    expect(outcome(await house.ask(admin, 'DELETE', `user-roles?userId=${both.id}&role=clerk`))).toBe(REFUSED)
    expect((await house.ask(owner, 'DELETE', `user-roles?userId=${both.id}&role=owner`)).status).toBe(204)
    expect((await house.ask(admin, 'DELETE', `user-roles?userId=${both.id}&role=clerk`)).status).toBe(204)
  })

  test('a key of an admin may give no more than the key may', async () => {
    const key = house.key(admin, ['clerk'])
    expect(outcome(await house.ask(key, 'POST', 'roles', { name: 'keyed', permissions: ['vault:read'] }))).toBe(REFUSED)
    expect(outcome(await house.ask(key, 'POST', 'user-roles', { userId: clerk.id, role: 'developer' }))).toBe(REFUSED)
    expect(outcome(await house.ask(key, 'DELETE', `user-roles?userId=${admin.id}&role=admin`))).toBe(REFUSED)
    // Nor may the key of an owner, with every right there is, make owners: it is not he.
    const owning = house.key(owner, ['admin'])
    expect(outcome(await house.ask(owning, 'POST', 'user-roles', { userId: clerk.id, role: 'owner' }))).toBe(REFUSED)
  })

  test('the key of an owner who was demoted is no owner, whatever it is called', async () => {
    const otto = await house.member('otto', ['owner', 'admin'])
    const key = house.key(otto, ['owner'])
    const taken = await house.ask(owner, 'DELETE', `user-roles?userId=${otto.id}&role=owner`)
    expect(taken.status, taken.body).toBe(204)
    for (const who of [otto, key]) {
      expect(outcome(await house.ask(who, 'POST', 'user-roles', { userId: otto.id, role: 'owner' }))).toBe(REFUSED)
      expect(outcome(await house.ask(who, 'DELETE', `user-roles?userId=${owner.id}&role=owner`))).toBe(REFUSED)
    }
    // What it may do beside is what both may.
    expect((await house.ask(key, 'GET', 'roles')).status).toBe(200)
  })

  test('the last owner stays', async () => {
    expect(outcome(await house.ask(owner, 'DELETE', `user-roles?userId=${owner.id}&role=owner`))).toBe('409 last_owner')
    expect(await house.rolesOf(owner)).toEqual(['owner'])
  })

  test('who may give roles for himself alone gives them to nobody else', async () => {
    const made = await house.ask(admin, 'POST', 'roles', {
      name: 'self',
      permissions: ['userRole:create:own', 'userRole:read:own', 'userRole:delete:own', 'crate:read'],
    })
    expect(made.status).toBe(201)
    await house.ask(admin, 'POST', 'roles', { name: 'looker', permissions: ['crate:read'] })
    const sam = await house.member('sam', ['self'])
    expect(outcome(await house.ask(sam, 'POST', 'user-roles', { userId: clerk.id, role: 'looker' }))).toBe(REFUSED)
    expect((await house.ask(sam, 'POST', 'user-roles', { userId: sam.id, role: 'looker' })).status).toBe(201)
    expect(
      dataOf(await house.ask(sam, 'GET', 'user-roles'))
        .map((row) => String(row['role']))
        .sort(byText),
    ).toEqual(['looker', 'self'])
    expect((await house.ask(sam, 'DELETE', `user-roles?userId=${clerk.id}&role=clerk`)).status).toBe(404)
    expect((await house.ask(sam, 'DELETE', `user-roles?userId=${sam.id}&role=looker`)).status).toBe(204)
  })
})
