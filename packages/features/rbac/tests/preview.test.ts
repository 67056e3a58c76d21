import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { faultsOf, idOf, openHouse, outcome, type House, type Person } from './people.ts'

interface Preview {
  readonly holders: number
  readonly gaining: number
  readonly losing: number
  readonly data: readonly { id: string; kind: string; name: string | null; gained: string[]; lost: string[] }[]
  readonly page: { readonly hasMore: boolean }
}

describe.each(['postgres', 'pglite'] as const)('a preview on %s', (kind) => {
  let house: House
  let owner: Person
  let packer: string
  let ann: Person
  let bob: Person
  let team: string
  beforeAll(async () => {
    house = await openHouse({ kind })
    owner = await house.member('olga', ['owner'])
    packer = idOf(
      await house.ask(owner, 'POST', 'roles', {
        name: 'packer',
        permissions: ['crate:read', 'crate:seal', 'folder:read:own'],
      }),
    )
    await house.ask(owner, 'POST', 'roles', { name: 'viewer', permissions: ['crate:read'] })
    ann = await house.member('ann', ['packer'])
    bob = await house.member('bob', ['viewer'])
    team = await house.group([bob], randomUUID(), 'a', ['packer'])
    // A role of the same name in another tenant, and somebody who has it there.
    await house.member('foreign', ['packer'], 'b')
  }, 60_000)
  afterAll(() => house.close())

  const preview = async (path: string, body: object, who = owner): Promise<Preview> => {
    const reply = await house.ask(who, 'POST', path, body)
    expect(reply.status, reply.body).toBe(200)
    return reply.json as Preview
  }
  const byId = ({ data }: Preview): unknown =>
    Object.fromEntries(data.map(({ id, gained, lost }) => [id, { gained, lost }]))
  /** All that there is, to see that nothing was written. */
  const state = (): Promise<unknown> =>
    house.platform.superuser.query(
      `select (select jsonb_agg(to_jsonb(r) order by r.id) from plinth.roles r)::text as roles,
        (select jsonb_agg(to_jsonb(u) order by u.id) from plinth.user_roles u)::text as given,
        (select jsonb_agg(to_jsonb(g) order by g.group_id, g.user_id) from plinth.group_members g)::text as members,
        (select count(*) from plinth.events)::int as events`,
    )

  test('of other permissions of a role tells each holder what he gains and loses, and writes nothing', async () => {
    const before = await state()
    const told = await preview(`roles/${packer}/preview`, {
      permissions: ['Crate.update', 'folder:read', { action: 'seal', resource: 'crates', scope: 'own' }],
    })
    expect(told).toMatchObject({ holders: 2, gaining: 2, losing: 2, page: { hasMore: false } })
    const gained = ['crate:update:all', 'folder:read:all']
    expect(byId(told)).toEqual({
      [ann.id]: { gained, lost: ['crate:read:all', 'crate:seal:all'] },
      // He reads crates by another role, too.
      [bob.id]: { gained, lost: ['crate:seal:all'] },
    })
    expect(await state()).toEqual(before)
    const page = await preview(`roles/${packer}/preview?pageSize=1`, { permissions: [] })
    expect([page.data.length, page.page.hasMore, page.losing]).toEqual([1, true, 2])
  })

  test('is what then happens', async () => {
    const held = async (person: Person): Promise<readonly string[]> => {
      const { plinth, a, database } = house.platform
      database.forget()
      return plinth.as(house.principal(person), a.id, (ctx) =>
        Promise.resolve(
          plinth.registry.permissions.names.flatMap((name, number) =>
            ctx.principal.permissions.scopes(number).map((scope) => `${name}:${scope}`),
          ),
        ),
      )
    }
    const role = idOf(
      await house.ask(owner, 'POST', 'roles', { name: 'changing', permissions: ['crate:read', 'folder:*'] }),
    )
    const eve = await house.member('eve', ['changing'])
    const permissions = ['crate:*', 'folder:read']
    const told = (await preview(`roles/${role}/preview`, { permissions })).data[0]!
    const before = await held(eve)
    expect((await house.ask(owner, 'PATCH', `roles/${role}`, { permissions })).status).toBe(200)
    const after = await held(eve)
    expect(told.gained).toEqual(after.filter((one) => !before.includes(one)))
    expect(told.lost).toEqual(before.filter((one) => !after.includes(one)))
  })

  test('of the end of a role', async () => {
    const told = await preview(`roles/${packer}/preview`, { deleted: true })
    expect(byId(told)).toEqual({
      [ann.id]: { gained: [], lost: ['crate:read:all', 'crate:seal:all', 'folder:read:own'] },
      [bob.id]: { gained: [], lost: ['crate:seal:all', 'folder:read:own'] },
    })
  })

  test('of giving and taking, to people and groups', async () => {
    const give = (body: object): Promise<Preview> => preview('user-roles/preview', { change: 'give', ...body })
    const take = (body: object): Promise<Preview> => preview('user-roles/preview', { change: 'take', ...body })
    expect(byId(await give({ userId: bob.id, role: 'packer' }))).toEqual({})
    expect(await give({ userId: ann.id, role: 'viewer' })).toMatchObject({ holders: 1, gaining: 0, data: [] })
    expect((await give({ groupId: team, role: 'read_only' })).data).toMatchObject([
      { id: bob.id, gained: expect.arrayContaining(['folder:read:all', 'vault:read:all']), lost: [] },
    ])
    expect(byId(await take({ userId: bob.id, role: 'viewer' }))).toEqual({})
    expect(byId(await take({ groupId: team, role: 'packer' }))).toEqual({
      [bob.id]: { gained: [], lost: ['crate:seal:all', 'folder:read:own'] },
    })
    // His own role is not that of the group: taking what he has not got takes nothing.
    expect(byId(await take({ userId: bob.id, role: 'packer' }))).toEqual({})
  })

  test('of a place in a group', async () => {
    const join = { change: 'join', groupId: team, userId: owner.id }
    expect(byId(await preview('user-roles/preview', join))).toEqual({})
    const carl = await house.member('carl', [])
    expect(byId(await preview('user-roles/preview', { ...join, userId: carl.id }))).toEqual({
      [carl.id]: { gained: ['crate:read:all', 'crate:seal:all', 'folder:read:own'], lost: [] },
    })
    expect(byId(await preview('user-roles/preview', { change: 'leave', groupId: team, userId: bob.id }))).toEqual({
      [bob.id]: { gained: [], lost: ['crate:seal:all', 'folder:read:own'] },
    })
  })

  test('is refused where there is no such thing, and told to nobody who may not see who has which role', async () => {
    const faults = async (path: string, body: object): Promise<readonly string[]> =>
      faultsOf(await house.ask(owner, 'POST', path, body))
    const give = { change: 'give', role: 'packer' }
    expect(await faults('user-roles/preview', { ...give, userId: randomUUID() })).toEqual([
      '/userId reference_not_found',
    ])
    expect(await faults('user-roles/preview', { ...give, groupId: randomUUID() })).toEqual([
      '/groupId reference_not_found',
    ])
    expect(await faults('user-roles/preview', { ...give, serviceAccountId: randomUUID() })).toEqual([
      '/serviceAccountId reference_not_found',
    ])
    expect(await faults('user-roles/preview', give)).toEqual(['/userId required'])
    expect(await faults('user-roles/preview', { ...give, role: 'pakcer', userId: ann.id })).toEqual([
      '/role unknown_role',
    ])
    expect(await faults(`roles/${packer}/preview`, {})).toHaveLength(1)
    expect(await faults(`roles/${packer}/preview`, { permissions: [], deleted: true })).toHaveLength(1)
    expect(await faults(`roles/${packer}/preview`, { permissions: ['crat:read'] })).toEqual([
      '/permissions/0 unknown_permission',
    ])
    const developer = (await house.ask(owner, 'GET', 'roles?name=developer')).json as { data: { id: string }[] }
    expect(outcome(await house.ask(owner, 'POST', `roles/${developer.data[0]!.id}/preview`, { permissions: [] }))).toBe(
      '409 built_in',
    )
    const foreign = await house.member('boss', ['owner'], 'b')
    expect(outcome(await house.ask(foreign, 'POST', `roles/${packer}/preview`, { permissions: [] }))).toBe(
      '404 not_found',
    )
    await house.ask(owner, 'POST', 'roles', { name: 'editor', permissions: ['role:*', 'userRole:read:own'] })
    await house.ask(owner, 'POST', 'roles', { name: 'seer', permissions: ['role:read', 'userRole:read'] })
    const [editor, seer] = [await house.member('edi', ['editor']), await house.member('sue', ['seer'])]
    const [role, assignment] = [`roles/${packer}/preview`, 'user-roles/preview']
    expect(outcome(await house.ask(editor, 'POST', role, { permissions: [] }))).toBe('403 permission_denied')
    expect(outcome(await house.ask(editor, 'POST', assignment, { ...give, userId: ann.id }))).toBe(
      '403 permission_denied',
    )
    expect(outcome(await house.ask(seer, 'POST', role, { permissions: [] }))).toBe('403 permission_denied')
    expect((await house.ask(seer, 'POST', assignment, { ...give, userId: ann.id })).status).toBe(200)
  })

  test('on the command line', async () => {
    const { plinth, a } = house.platform
    const command = plinth.commands.find(({ name }) => name === 'roles:preview')!
    const run = (given: Readonly<Record<string, string | boolean>>): Promise<unknown> =>
      command.run({ tenant: a.id, ...given }, { note: () => undefined, ask: () => Promise.resolve(undefined) })
    expect(await run({ role: 'packer', permissions: 'crate:read, Crate.seal' })).toEqual({
      holders: 2,
      gaining: 0,
      losing: 2,
      [`member ${ann.id} ann`]: '-folder:read:own',
      [`member ${bob.id} bob`]: '-folder:read:own',
    })
    expect(await run({ leave: true, group: team, user: bob.id })).toMatchObject({ losing: 1 })
    expect(await run({ role: 'viewer', take: true, user: bob.id })).toMatchObject({ holders: 1, losing: 0 })
    for (const wrong of [
      {},
      { delete: true },
      { delete: true, give: true },
      { role: 'packer', give: true },
      { leave: true, group: 'x' },
    ])
      await expect(run(wrong)).rejects.toMatchObject({ code: 'validation_failed' })
  })
})
