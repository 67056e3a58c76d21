import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dataOf, faultsOf, idOf, openHouse, outcome, type House, type Person } from './people.ts'

describe.each(['postgres', 'pglite'] as const)('roles on %s', (kind) => {
  let house: House
  let owner: Person
  let admin: Person
  let developer: Person
  let user: Person
  let reader: Person
  beforeAll(async () => {
    house = await openHouse({ kind })
    owner = await house.member('olga', ['owner'])
    admin = await house.member('adam', ['admin'])
    developer = await house.member('dora', ['developer'])
    user = await house.member('uwe', ['user'])
    reader = await house.member('rita', ['read_only'])
  }, 60_000)
  afterAll(() => house.close())

  test('the catalog is as declared', async () => {
    const findings = await house.platform.plinth.inspect()
    expect(findings.filter(({ severity }) => severity === 'error')).toEqual([])
    expect(findings.filter(({ path }) => /roles|permissions/.test(path))).toEqual([])
  })

  test('built-in roles are in the list of every tenant', async () => {
    const reply = await house.ask(admin, 'GET', 'roles?sort=name')
    expect(dataOf(reply).map((row) => [row['name'], row['builtIn']])).toEqual(
      ['admin', 'developer', 'owner', 'read_only', 'user'].map((name) => [name, true]),
    )
    expect(dataOf(reply)[0]).toMatchObject({ permissions: ['*'], version: expect.any(Number) })
    expect(dataOf(await house.ask(developer, 'GET', 'roles?name=user'))[0]?.['permissions']).toContain(
      'crate:update:own',
    )
  })

  test('a tenant makes a role, gives it, changes it, takes it and deletes it', async () => {
    const made = await house.ask(admin, 'POST', 'roles', {
      name: 'packer',
      description: 'Packs crates',
      permissions: ['crate:read', 'crate:seal', 'folder:read:own'],
    })
    expect(made.status, made.body).toBe(201)
    expect(made.json).toMatchObject({
      name: 'packer',
      builtIn: false,
      permissions: ['crate:read', 'crate:seal', 'folder:read:own'],
    })
    const parts = await house.platform.superuser.query(
      `select model, action, scope from plinth.role_permissions where role_id = $1::uuid order by 1, 2`,
      [idOf(made)],
    )
    expect(parts.map((row) => Object.values(row).join(':'))).toEqual([
      'crate:read:all',
      'crate:seal:all',
      'folder:read:own',
    ])
    const [policy] = await house.platform.superuser.query(
      `select permissions::text from plinth.rbac_policies where role = 'packer'`,
    )
    expect(JSON.parse(String(policy?.['permissions']))[0]).toEqual({ resource: 'crate', action: 'read', scope: 'all' })

    const paul = await house.member('paul', [])
    expect(outcome(await house.ask(paul, 'GET', 'crates'))).toBe('403 permission_denied')
    const given = await house.ask(admin, 'POST', 'user-roles', { userId: paul.id, role: 'packer' })
    expect(given.status, given.body).toBe(201)
    expect(given.json).toMatchObject({ userId: paul.id, role: 'packer', ownerUserId: paul.id })
    expect((await house.ask(paul, 'GET', 'crates')).status).toBe(200)
    expect(outcome(await house.ask(admin, 'POST', 'user-roles', { userId: paul.id, role: 'packer' }))).toBe(
      '409 already_exists',
    )

    const narrowed = await house.ask(admin, 'PATCH', `roles/${idOf(made)}`, { permissions: ['folder:read'] })
    expect(narrowed.status, narrowed.body).toBe(200)
    // In this process at once.
    expect(outcome(await house.ask(paul, 'GET', 'crates'))).toBe('403 permission_denied')
    expect((await house.ask(paul, 'GET', 'folders')).status).toBe(200)

    expect(outcome(await house.ask(admin, 'DELETE', `roles/${idOf(made)}`))).toBe('409 still_referenced')
    expect((await house.ask(admin, 'DELETE', `user-roles?userId=${paul.id}&role=packer`)).status).toBe(204)
    expect(outcome(await house.ask(paul, 'GET', 'folders'))).toBe('403 permission_denied')
    expect((await house.ask(admin, 'DELETE', `roles/${idOf(made)}`)).status).toBe(204)
    expect(outcome(await house.ask(admin, 'POST', 'user-roles', { userId: paul.id, role: 'packer' }))).toBe(
      '400 validation_failed',
    )
  })

  test('what there is not is named with what is near it', async () => {
    const reply = await house.ask(admin, 'POST', 'roles', {
      name: 'odd',
      permissions: ['crat:read', 'crate:raed', 'crate:read:mine', 'crate', '', 'crate:read'],
    })
    expect(faultsOf(reply)).toEqual([0, 1, 2, 4].map((at) => `/permissions/${at} unknown_permission`))
    const messages = (reply.json as { errors: { message: string }[] }).errors.map((fault) => fault.message)
    expect(messages.join('\n')).toMatch(/crat'; nearest: crate/)
    expect(messages.join('\n')).toMatch(/'raed' of crate; nearest: read/)
    expect(messages.join('\n')).toContain('The scope is one of all, group, own')
    expect(faultsOf(await house.ask(admin, 'POST', 'roles', { name: 'Odd one', permissions: [] }))).toEqual([
      '/name invalid_format',
    ])
    for (const name of ['owner', 'admin', 'developer', 'user', 'read_only', 'superadmin'])
      expect(faultsOf(await house.ask(admin, 'POST', 'roles', { name, permissions: [] }))).toEqual(['/name reserved'])
    expect(faultsOf(await house.ask(admin, 'POST', 'user-roles', { userId: user.id, role: 'nobody' }))).toEqual([
      '/role unknown_role',
    ])
    expect(faultsOf(await house.ask(admin, 'POST', 'user-roles', { userId: user.id, role: 'superadmin' }))).toEqual([
      '/role unknown_role',
    ])
    const strange = await house.stranger('stefan')
    expect(faultsOf(await house.ask(admin, 'POST', 'user-roles', { userId: strange.id, role: 'user' }))).toEqual([
      '/userId reference_not_found',
    ])
    expect(faultsOf(await house.ask(admin, 'POST', 'user-roles', { userId: 'x' }))).toEqual([
      '/userId invalid_format',
      '/role required',
    ])
  })

  test('a permission is written in any spelling, and stored in one', async () => {
    const made = await house.ask(admin, 'POST', 'roles', {
      name: 'speller',
      permissions: [
        'crate:read',
        'Folder.read',
        { action: 'update', resource: 'folders', scope: 'own' },
        { model: 'user_roles', action: 'read' },
        { action: 'read', resource: 'user-roles' },
        { action: 'create', resource: '*', scope: 'own' },
      ],
    })
    // A table is named by rules of policies alone: as a model it would be another word for what has a name.
    expect(faultsOf(made)).toEqual(['/permissions/3 unknown_permission'])
    const right = await house.ask(admin, 'POST', 'roles', {
      name: 'speller',
      permissions: [
        'crate:read',
        'Folder.read',
        { action: 'update', resource: 'folders', scope: 'own' },
        { model: 'userRole', action: 'read' },
        { action: 'read', resource: 'user-roles', scope: 'own' },
        { action: 'create', resource: '*', scope: 'own' },
      ],
    })
    expect(right.json).toMatchObject({
      permissions: [
        'crate:read',
        'folder:read:all',
        'folder:update:own',
        'userRole:read:all',
        'userRole:read:own',
        '*:create:own',
      ],
    })
    const wrong = await house.ask(admin, 'PATCH', `roles/${idOf(right)}`, {
      permissions: ['Crat.read', { action: 'raed', resource: 'crates' }, { action: 'read' }, 7, 'Crate.read'],
    })
    expect(faultsOf(wrong).map((fault) => fault.split(' ')[0])).toEqual(
      expect.arrayContaining(['/permissions/2', '/permissions/3']),
    )
    const unknown = await house.ask(admin, 'PATCH', `roles/${idOf(right)}`, {
      permissions: ['Crat.read', { action: 'raed', resource: 'crates' }, 'Crate.read'],
    })
    expect(faultsOf(unknown)).toEqual(['/permissions/0 unknown_permission', '/permissions/1 unknown_permission'])
    expect(unknown.body).toContain("There is no model 'Crat'; nearest: crate")
    expect(unknown.body).toContain("There is no action 'raed' of crate; nearest: read")
    const held = await house.member('sepp', ['speller'])
    expect((await house.ask(held, 'GET', 'folders')).status).toBe(200)
    const given = await house.ask(admin, 'POST', 'user-roles', { userId: held.id, role: 'spelller' })
    expect([faultsOf(given), given.body]).toEqual([['/role unknown_role'], expect.stringContaining('nearest: speller')])
  })

  test('built-in roles cannot be changed', async () => {
    const [row] = dataOf(await house.ask(owner, 'GET', 'roles?name=admin'))
    const path = `roles/${String(row?.['id'])}`
    expect((await house.ask(owner, 'GET', path)).json).toEqual(row)
    expect(outcome(await house.ask(owner, 'PATCH', path, { description: 'x' }))).toBe('409 built_in')
    expect(outcome(await house.ask(owner, 'DELETE', path))).toBe('409 built_in')
    expect(outcome(await house.ask(user, 'DELETE', path))).toBe('403 permission_denied')
  })

  test('a role that is unknown, or was defined by another tenant, is no right', async () => {
    const ghost = await house.member('gabi', ['ghost'])
    expect(outcome(await house.ask(ghost, 'GET', 'crates'))).toBe('403 permission_denied')
    const other = await house.member('berta', ['admin'], 'b')
    expect((await house.ask(other, 'POST', 'roles', { name: 'ghost', permissions: ['*'] })).status).toBe(201)
    expect(outcome(await house.ask(ghost, 'GET', 'crates'))).toBe('403 permission_denied')
    expect((await house.ask(admin, 'POST', 'roles', { name: 'ghost', permissions: ['crate:read'] })).status).toBe(201)
    expect((await house.ask(ghost, 'GET', 'crates')).status).toBe(200)
    expect(outcome(await house.ask(ghost, 'GET', 'folders'))).toBe('403 permission_denied')
  })

  test('permissions are generated, and a tenant may keep those with a wildcard', async () => {
    const [row] = dataOf(await house.ask(admin, 'GET', 'permissions?name=crate:seal:own'))
    expect(row).toMatchObject({ model: 'crate', action: 'seal', scope: 'own', builtIn: true })
    const whole = await house.ask(admin, 'GET', 'permissions?model=crate&count=exact&pageSize=100')
    expect((whole.json as { page: { total: number } }).page.total).toBe(8 * 3)
    expect(outcome(await house.ask(admin, 'PATCH', `permissions/${String(row?.['id'])}`, { description: 'x' }))).toBe(
      '409 built_in',
    )
    expect(outcome(await house.ask(admin, 'DELETE', `permissions/${String(row?.['id'])}`))).toBe('409 built_in')

    const made = await house.ask(admin, 'POST', 'permissions', {
      model: 'crate',
      action: '*',
      scope: 'own',
      description: 'All with own crates',
    })
    expect(made.json).toMatchObject({ name: 'crate:*:own', builtIn: false })
    expect(made.status).toBe(201)
    expect(outcome(await house.ask(admin, 'POST', 'permissions', { model: 'crate', action: '*', scope: 'own' }))).toBe(
      '409 already_exists',
    )
    expect(outcome(await house.ask(admin, 'POST', 'permissions', { model: 'crate', action: 'seal' }))).toBe(
      '409 already_exists',
    )
    expect(faultsOf(await house.ask(admin, 'POST', 'permissions', { model: 'crat', action: '*' }))).toEqual([
      '/model unknown_model',
    ])
    expect(faultsOf(await house.ask(admin, 'POST', 'permissions', { model: '*', action: 'sael' }))).toEqual([
      '/action unknown_action',
    ])
    expect(outcome(await house.ask(admin, 'PATCH', `permissions/${idOf(made)}`, { action: 'read' }))).toBe(
      '400 validation_failed',
    )
    const role = await house.ask(admin, 'POST', 'roles', { name: 'hoarder', permissions: ['crate:*:own'] })
    expect(outcome(await house.ask(admin, 'DELETE', `permissions/${idOf(made)}`))).toBe('409 still_referenced')
    expect((await house.ask(admin, 'DELETE', `roles/${idOf(role)}`)).status).toBe(204)
    expect((await house.ask(admin, 'DELETE', `permissions/${idOf(made)}`)).status).toBe(204)
  })

  test('who may see roles, and whose', async () => {
    expect((await house.ask(reader, 'GET', 'user-roles')).status).toBe(200)
    expect(outcome(await house.ask(user, 'GET', 'user-roles'))).toBe('403 permission_denied')
    expect(outcome(await house.ask(user, 'GET', 'roles'))).toBe('403 permission_denied')
    expect(outcome(await house.ask(developer, 'POST', 'roles', { name: 'mine', permissions: [] }))).toBe(
      '403 permission_denied',
    )
    const rows = dataOf(await house.ask(admin, 'GET', `user-roles?userId=${developer.id}`))
    expect(rows.map((row) => row['role'])).toEqual(['developer'])
    expect(dataOf(await house.ask(admin, 'GET', 'user-roles?role=owner')).map((row) => row['userId'])).toEqual([
      owner.id,
    ])
    const foreign = await house.member('bodo', ['admin'], 'b')
    expect((await house.ask(foreign, 'GET', `user-roles/${String(rows[0]?.['id'])}`)).status).toBe(404)
    expect((await house.ask(foreign, 'DELETE', `user-roles/${String(rows[0]?.['id'])}`)).status).toBe(404)
    expect((await house.ask(foreign, 'DELETE', `user-roles?userId=${developer.id}&role=developer`)).status).toBe(404)
    expect(faultsOf(await house.ask(admin, 'DELETE', 'user-roles'))).toEqual(['?userId required', '?role required'])
    expect(faultsOf(await house.ask(admin, 'DELETE', `user-roles?userId=x&role=owner&all=1`))).toEqual([
      '?all unknown_parameter',
    ])
    expect(faultsOf(await house.ask(admin, 'DELETE', `user-roles?userId=x&role=owner`))).toEqual([
      '?userId invalid_value',
    ])
  })

  test('an assignment is repeated under its key, not done twice', async () => {
    const kim = await house.member('kim', [])
    const key = { 'idempotency-key': 'kim-1' }
    const first = await house.ask(admin, 'POST', 'user-roles', { userId: kim.id, role: 'user' }, key)
    const second = await house.ask(admin, 'POST', 'user-roles', { userId: kim.id, role: 'user' }, key)
    expect([first.status, second.status, second.body === first.body]).toEqual([201, 201, true])
    expect(await house.rolesOf(kim)).toEqual(['user'])
  })
})
