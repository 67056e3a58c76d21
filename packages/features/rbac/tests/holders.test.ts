import { randomUUID } from 'node:crypto'
import { scopes, type PermissionScope } from '@plinth/core'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dataOf, faultsOf, idOf, openHouse, outcome, type House, type Person } from './people.ts'

const REFUSED = '403 permission_denied'

describe.each(['postgres', 'pglite'] as const)('roles of groups on %s', (kind) => {
  let house: House
  let owner: Person
  let admin: Person
  beforeAll(async () => {
    house = await openHouse({ kind })
    owner = await house.member('olga', ['owner'])
    admin = await house.member('adam', ['admin'])
    for (const [name, permissions] of Object.entries({
      packer: ['crate:read', 'crate:update:own'],
      filer: ['folder:read'],
    }))
      await house.ask(owner, 'POST', 'roles', { name, permissions })
  }, 60_000)
  afterAll(() => house.close())

  const give = (who: Person, body: object): Promise<string> => house.ask(who, 'POST', 'user-roles', body).then(outcome)
  const crates = (who: Person): Promise<number> => house.ask(who, 'GET', 'crates').then((reply) => reply.status)

  test('are those of whoever is in it, beside his own', async () => {
    const ann = await house.member('ann', ['filer'])
    const group = await house.group([ann])
    expect([await crates(ann), (await house.ask(ann, 'GET', 'folders')).status]).toEqual([403, 200])
    const made = await house.ask(owner, 'POST', 'user-roles', { groupId: group, role: 'packer' })
    expect([made.status, made.json]).toMatchObject([
      201,
      { groupId: group, userId: null, serviceAccountId: null, role: 'packer', ownerGroupId: group, ownerUserId: null },
    ])
    expect(made.headers['location']).toBe(`/api/v1/user-roles/${idOf(made)}`)
    expect([await crates(ann), (await house.ask(ann, 'GET', 'folders')).status]).toEqual([200, 200])
    expect(await give(owner, { groupId: group, role: 'packer' })).toBe('409 already_exists')
    expect(dataOf(await house.ask(owner, 'GET', `user-roles?groupId=${group}`))).toMatchObject([{ role: 'packer' }])
    const taken = await house.ask(owner, 'DELETE', `user-roles?groupId=${group}&role=packer`)
    expect(taken.status, taken.body).toBe(204)
    expect(await crates(ann)).toBe(403)
    expect((await house.ask(ann, 'GET', 'folders')).status).toBe(200)
  })

  test('are given by nobody who has not got them', async () => {
    await house.ask(owner, 'POST', 'roles', { name: 'clerk', permissions: ['userRole:*', 'crate:read'] })
    const clerk = await house.member('carl', ['clerk'])
    const group = await house.group([clerk])
    for (const role of ['admin', 'packer', 'filer', 'owner'])
      expect(await give(clerk, { groupId: group, role }), role).toBe(REFUSED)
    expect(await give(admin, { groupId: group, role: 'packer' })).toBe('201')
    const taken = await house.ask(clerk, 'DELETE', `user-roles?groupId=${group}&role=packer`)
    // He has it himself now, by the group: what he holds he may take.
    expect(taken.status, taken.body).toBe(204)
    expect(await give(admin, { groupId: group, role: 'packer' })).toBe('201')
    expect(await give(admin, { groupId: await house.group([]), role: 'admin' })).toBe('201')
    const strong = await house.group([])
    expect(await give(admin, { groupId: strong, role: 'admin' })).toBe('201')
    expect(outcome(await house.ask(clerk, 'DELETE', `user-roles?groupId=${strong}&role=admin`))).toBe(REFUSED)
    // Who is an admin by a group is one: nothing is taken from him by whoever may do less.
    const boss = await house.member('boss', ['clerk'])
    await house.group([boss], strong)
    expect(outcome(await house.ask(clerk, 'DELETE', `user-roles?userId=${boss.id}&role=clerk`))).toBe(REFUSED)
  })

  test('make no owners', async () => {
    const group = await house.group([])
    const reply = await house.ask(owner, 'POST', 'user-roles', { groupId: group, role: 'owner' })
    expect([reply.status, faultsOf(reply)]).toEqual([400, ['/role people_only']])
    await expect(
      house.platform.superuser.query(
        `insert into plinth.user_roles (tenant_id, group_id, role) values ($1::uuid, $2::uuid, 'owner')`,
        [house.platform.a.id, group],
      ),
    ).rejects.toThrow(/user_roles_owner_check/)
  })

  test('name one holder that there is in this tenant', async () => {
    const foreign = await house.group([], randomUUID(), 'b')
    const faults = async (body: object): Promise<readonly string[]> =>
      faultsOf(await house.ask(owner, 'POST', 'user-roles', body))
    const group = await house.group([])
    expect(await faults({ role: 'packer' })).toEqual(['/userId required'])
    expect(await faults({ role: 'packer', groupId: group, userId: owner.id })).toEqual(['/groupId one_holder'])
    for (const groupId of [foreign, randomUUID()])
      expect(await faults({ role: 'packer', groupId })).toEqual(['/groupId reference_not_found'])
    // Nobody brings service accounts here.
    expect(await faults({ role: 'packer', serviceAccountId: randomUUID() })).toEqual([
      '/serviceAccountId reference_not_found',
    ])
    const query = async (search: string): Promise<readonly string[]> =>
      faultsOf(await house.ask(owner, 'DELETE', `user-roles${search}`))
    expect(await query('')).toEqual(['?userId required', '?role required'])
    expect(await query(`?groupId=x&role=packer`)).toEqual(['?groupId invalid_value'])
    expect(await query(`?groupId=${group}&userId=${owner.id}&role=packer`)).toEqual(['?groupId one_holder'])
    expect(await query(`?groupId=${group}&group=x&role=packer`)).toEqual(['?group unknown_parameter'])
  })

  test('keep the role and the group, until they are taken', async () => {
    const made = await house.ask(owner, 'POST', 'roles', { name: 'tied', permissions: ['crate:read'] })
    const group = await house.group([])
    expect(await give(owner, { groupId: group, role: 'tied' })).toBe('201')
    expect(outcome(await house.ask(owner, 'DELETE', `roles/${idOf(made)}`))).toBe('409 still_referenced')
    const gone = house.platform.superuser.query('delete from plinth.groups where id = $1::uuid', [group])
    await expect(gone).rejects.toThrow(/the group has a role/)
    expect((await house.ask(owner, 'DELETE', `user-roles?groupId=${group}&role=tied`)).status).toBe(204)
    expect((await house.ask(owner, 'DELETE', `roles/${idOf(made)}`)).status).toBe(204)
    await house.platform.superuser.query('delete from plinth.groups where id = $1::uuid', [group])
  })
})

describe('what a member may do', () => {
  let house: House
  beforeAll(async () => {
    house = await openHouse()
  }, 60_000)
  afterAll(() => house.close())

  // Said once more, without masks: the widest of all lines that name the action, `own` and `group` side by side.
  function naive(lines: readonly string[], model: string, action: string): readonly PermissionScope[] {
    const found = new Set<string>()
    for (const line of lines) {
      const [m, a = '*', scope = 'all'] = line.split(':')
      if ((m === '*' || m === model) && (a === '*' || a === action)) found.add(scope)
    }
    return scopes.filter((scope) => found.has(scope))
  }

  test('is what his roles and those of his groups say together, and no more', { timeout: 60_000 }, async () => {
    const { plinth, a, superuser, database } = house.platform
    const { permissions } = plinth.registry
    const line = fc
      .tuple(
        fc.constantFrom('crate', 'folder', 'document', '*'),
        fc.constantFrom('read', 'update', 'delete', '*'),
        fc.constantFrom('', ':own', ':group', ':all'),
      )
      .map(([model, action, scope]) => `${model}:${action}${scope}`)
    const role = fc.array(line, { maxLength: 4 })
    const some = fc.array(role, { maxLength: 3 })
    let count = 0
    const define = async (lines: readonly string[]): Promise<string> => {
      const name = `role_${(count += 1)}`
      await superuser.query(
        `insert into plinth.roles (tenant_id, id, name, permissions) values ($1::uuid, gen_random_uuid(), $2::text, $3::jsonb)`,
        [a.id, name, JSON.stringify(lines)],
      )
      return name
    }
    await fc.assert(
      fc.asyncProperty(some, fc.array(some, { maxLength: 3 }), some, async (own, ofGroups, ofOthers) => {
        const person = await house.member('p', await Promise.all(own.map(define)))
        for (const roles of ofGroups)
          await house.group([person], randomUUID(), 'a', await Promise.all(roles.map(define)))
        // A group that he is not in, and a role that he has in another tenant.
        await house.group([], randomUUID(), 'a', await Promise.all(ofOthers.map(define)))
        database.forget()
        const lines = [...own, ...ofGroups.flat()].flat()
        const held = await plinth.as(house.principal(person), a.id, (ctx) =>
          Promise.resolve(permissions.names.map((_, number) => ctx.principal.permissions.scopes(number))),
        )
        expect(held).toEqual(
          permissions.names.map((name) => {
            const [model = '', action = ''] = name.split(':')
            return naive(lines, model, action)
          }),
        )
      }),
      { numRuns: 60 },
    )
  })
})

describe('at once', () => {
  let house: House
  let owner: Person
  beforeAll(async () => {
    house = await openHouse({ pool: 8 })
    owner = await house.member('olga', ['owner'])
  }, 60_000)
  afterAll(() => house.close())
  const tally = (outcomes: readonly string[]): Readonly<Record<string, number>> =>
    Object.fromEntries(
      [...new Set(outcomes)].sort().map((each) => [each, outcomes.filter((one) => one === each).length]),
    )

  test('a hundred give a group the same role, and take it: one of them each', { timeout: 60_000 }, async () => {
    const group = await house.group([])
    const body = { groupId: group, role: 'user' }
    const given = await Promise.all(Array.from({ length: 100 }, () => house.ask(owner, 'POST', 'user-roles', body)))
    expect(tally(given.map(outcome))).toEqual({ '201': 1, '409 already_exists': 99 })
    const taken = await Promise.all(
      Array.from({ length: 100 }, () => house.ask(owner, 'DELETE', `user-roles?groupId=${group}&role=user`)),
    )
    expect(tally(taken.map(outcome))).toEqual({ '204': 1, '404 not_found': 99 })
  })

  test('a role is given while it is deleted, a group while it goes: nothing dangles', { timeout: 60_000 }, async () => {
    const rounds = await Promise.all(
      Array.from({ length: 34 }, async (_, at) => {
        const made = await house.ask(owner, 'POST', 'roles', { name: `fleeting_${at}`, permissions: ['crate:read'] })
        const group = await house.group([])
        await Promise.all([
          house.ask(owner, 'POST', 'user-roles', { groupId: group, role: `fleeting_${at}` }),
          house.ask(owner, 'DELETE', `roles/${idOf(made)}`),
          house.platform.superuser
            .query('delete from plinth.groups where id = $1::uuid', [group])
            .catch(() => undefined),
        ])
        return group
      }),
    )
    const [left] = await house.platform.superuser.query(
      `select count(*)::int as dangling from plinth.user_roles u
       where u.role like 'fleeting%' and (
         not exists (select from plinth.roles r where r.tenant_id = u.tenant_id and r.name = u.role)
         or not exists (select from plinth.groups g where g.tenant_id = u.tenant_id and g.id = u.group_id))`,
    )
    expect(left).toEqual({ dangling: 0 })
    expect(rounds).toHaveLength(34)
  })
})
