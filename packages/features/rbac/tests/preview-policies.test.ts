import { compare, createPlinth, factIs, not, or, policy, type Plinth, type Policy } from '@plinth/core'
import { databaseFrom, postgresDrivers } from '@plinth/postgres/driver'
import { rbac, type ConsideredPolicies, type Rbac, type RolePreview } from '@plinth/rbac'
import { depot, loginUrl } from '@plinth/testing'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { faultsOf, openHouse, outcome, type House, type Person } from './people.ts'

const pro = policy({ name: 'folders come with pro', action: 'folder:*', when: factIs('tenantPlan', 'eq', 'pro') })
const sealed = policy({
  name: 'sealed crates stay',
  action: ['crate:update', 'crate:delete'],
  when: or(not(compare('state', 'eq', 'sealed')), factIs('role', 'eq', 'owner')),
})
const careful = policy({ name: 'admins read vaults', action: 'vault:read', when: factIs('role', 'eq', 'admin') })

const folder = mkdtempSync(join(tmpdir(), 'plinth-policies-'))
const opened: Plinth[] = []
let house: House
let feature: Rbac
let owner: Person
let everyone: readonly Person[]
let rows: Readonly<Record<string, readonly string[]>>
beforeAll(async () => {
  house = await openHouse({ plinth: { policies: [pro, sealed] } })
  feature = house.platform.plinth.registry.features.find(({ name }) => name === 'rbac') as Rbac
  owner = await house.member('olga', ['owner'])
  await house.ask(owner, 'POST', 'roles', {
    name: 'packer',
    permissions: ['crate:read', 'crate:update:own', 'folder:read'],
  })
  everyone = [
    owner,
    await house.member('adam', ['admin']),
    await house.member('rita', ['read_only']),
    await house.member('pete', ['packer']),
    await house.member('noel', []),
    // The same roles as another, and an entry of his own.
    await house.member('paul', ['packer']),
  ]
  await house.group([everyone[4]!], undefined, 'a', ['packer'])
  // An allowance by the ACL is narrowed as a role is.
  for (const at of [4, 5]) {
    const principal = { kind: 'user', id: everyone[at]!.id }
    await house.ask(owner, 'POST', 'acl', { resource: 'Crate.delete', principal, effect: 'allow' })
  }
  const { superuser, a } = house.platform
  const insert = async (text: string): Promise<readonly string[]> =>
    (await superuser.query(text)).map((row) => String((row as { id: unknown }).id))
  const admin = everyone[1]!.id
  const owners = everyone.map(({ id }) => `('${id}')`).join(', ')
  rows = {
    crate: await insert(`insert into crates (id, tenant_id, owner_user_id, title, label, pieces, state)
      select gen_random_uuid(), '${a.id}'::uuid, o.owner::uuid, 'c', 'l' || row_number() over (), 1, s.state
      from (values ${owners}) o(owner), (values ('open'), ('sealed')) s(state) returning id::text`),
    folder: await insert(
      `insert into folders (id, tenant_id, owner_user_id, name) values (gen_random_uuid(), '${a.id}', '${admin}', 'f') returning id::text`,
    ),
    vault: await insert(
      `insert into vaults (id, tenant_id, owner_user_id, name) values (gen_random_uuid(), '${a.id}', '${admin}', 'v') returning id::text`,
    ),
  }
}, 60_000)
afterAll(async () => {
  rmSync(folder, { recursive: true })
  for (const plinth of opened) await plinth.close()
  await house.close()
})

/** A platform that has these policies, over the same database. */
function platformWith(policies: readonly Policy[]): Plinth {
  const { url, clock, log } = house.platform
  const drivers = postgresDrivers(loginUrl(url!, 'plinth_app'), { systemUrl: loginUrl(url!, 'plinth_system'), max: 2 })
  const plinth = createPlinth({
    clock,
    log,
    env: { ENVIRONMENT: 'test', SECRET_KEYS: `test:${createHash('sha256').update('policies').digest('base64')}` },
    database: databaseFrom(drivers, { appLogin: { user: 'plinth_app' } }),
    resources: depot,
    features: [rbac()],
    policies,
  })
  opened.push(plinth)
  return plinth
}

const asked = /^(crate|folder|vault):(read|update|delete)$/

/** Who may do what with some row, and with which: `id crate:update 0193…`. */
async function decisions(plinth: Plinth): Promise<ReadonlySet<string>> {
  const allowed = new Set<string>()
  for (const person of everyone)
    for (const permission of plinth.registry.permissions.names.filter((name) => asked.test(name)))
      for (const id of rows[permission.split(':')[0]!]!) {
        const question = { permission, principal: house.principal(person), tenant: house.platform.a.id, id }
        if ((await plinth.explain(question)).decision === 'allowed') allowed.add(`${person.id} ${permission} ${id}`)
      }
  return allowed
}

/** What each gains and loses with these instead: `+ id crate:update`. */
async function happening(before: Plinth, after: Plinth): Promise<readonly string[]> {
  const [left, right] = [await decisions(before), await decisions(after)]
  const short = (sign: string, one: string): string => `${sign} ${one.split(' ').slice(0, 2).join(' ')}`
  const gained = [...right].filter((one) => !left.has(one)).map((one) => short('+', one))
  const lost = [...left].filter((one) => !right.has(one)).map((one) => short('-', one))
  return [...new Set([...gained, ...lost])].sort()
}

const told = ({ affected }: Pick<RolePreview, 'affected'>): readonly string[] => {
  const signed = affected.flatMap(({ id, gained, lost }) => [
    ...gained.map((one) => ['+', id, one] as const),
    ...lost.map((one) => ['-', id, one] as const),
  ])
  return [...new Set(signed.map(([sign, id, one]) => [sign, id, one.split(':').slice(0, 2).join(':')] as const))]
    .filter(([, , permission]) => asked.test(permission))
    .map((parts) => parts.join(' '))
    .sort()
}

const preview = (change: Omit<ConsideredPolicies, 'change'>): Promise<RolePreview> =>
  feature.preview(house.platform.a.id, { change: 'policies', ...change })

test('what a policy takes away is what comes back without it', async () => {
  const now = house.platform.plinth
  for (const gone of [pro, sealed]) {
    const expected = await happening(now, platformWith([pro, sealed].filter((one) => one !== gone)))
    expect(expected.length).toBeGreaterThan(3)
    expect(told(await preview({ without: [gone.name] })), gone.name).toEqual(expected)
  }
  const reply = await house.ask(owner, 'POST', 'user-roles/preview?pageSize=100', {
    change: 'policies',
    without: [sealed.name],
  })
  const { data } = reply.json as { data: RolePreview['affected'] }
  const of = (person: Person) => data.find(({ id }) => id === person.id)
  const [, admin, reader, pete, noel] = everyone
  // An owner is narrowed by it on no row, and a reader changes none.
  expect([of(owner), of(reader!)]).toEqual([undefined, undefined])
  expect(of(admin!)).toMatchObject({
    gained: ['crate:update:all', 'crate:delete:all'],
    lost: [],
    changes: [{ permission: 'crate:update', before: 'not (state is "sealed")', after: 'every row' }, {}],
  })
  expect(of(pete!)).toMatchObject({
    gained: ['crate:update:own'],
    changes: [
      { before: 'not (state is "sealed") and ownerUserId is the asking user', after: 'ownerUserId is the asking user' },
    ],
  })
  expect(of(noel!)!.gained).toEqual(['crate:update:own', 'crate:delete:all'])
})

test('one that is not deployed yet narrows whom it will narrow, whoever sees what by it', async () => {
  const now = house.platform.plinth
  const expected = await happening(now, platformWith([pro, sealed, careful]))
  const seen = await preview({ with: [careful] })
  expect(told(seen)).toEqual(expected)
  // To whom a row is not shown, it is not there to be changed.
  const of = seen.affected.find(({ id }) => id === owner.id)!
  expect(of).toMatchObject({ gained: [], lost: expect.arrayContaining(['vault:read:all', 'vault:update:all']) })
  const other = policy({ ...pro, action: pro.actions, when: factIs('tenantPlan', 'ne', 'pro') })
  expect(told(await preview({ with: [other] }))).toEqual(await happening(now, platformWith([other, sealed])))
})

test('a name that there is not, and a policy that would be a fault at start, are told', async () => {
  const reply = await house.ask(owner, 'POST', 'user-roles/preview', {
    change: 'policies',
    without: ['folders come with prow'],
  })
  expect(faultsOf(reply)).toEqual(['/without/0 unknown_policy'])
  expect(reply.body).toContain('nearest: folders come with pro')
  await expect(
    preview({ with: [policy({ name: 'x', action: 'folder:raed', when: factIs('role', 'eq', 'admin') })] }),
  ).rejects.toMatchObject({ code: 'validation_failed', detail: expect.stringContaining("'folder:raed' is no action") })
  const reader = everyone[2]!
  const given = { change: 'policies', without: [pro.name] }
  expect((await house.ask(reader, 'POST', 'user-roles/preview', given)).status).toBe(200)
  expect(outcome(await house.ask(everyone[3]!, 'POST', 'user-roles/preview', given))).toBe('403 permission_denied')
})

test('one state of the project is compared with another by a file', async () => {
  const run = (plinth: Plinth, name: string, given: Readonly<Record<string, string | boolean>>): Promise<unknown> =>
    plinth.commands
      .find((command) => command.name === name)!
      .run(given, { note: () => undefined, ask: () => Promise.resolve(undefined) })
  const { plinth, a } = house.platform
  const [file, broken] = [join(folder, 'policies.json'), join(folder, 'broken.json')]
  expect(await run(plinth, 'policies:write', { file })).toEqual({ written: file, policies: 2 })
  expect(await run(plinth, 'roles:preview', { tenant: a.id, policies: file })).toMatchObject({ gaining: 0, losing: 0 })
  // The working tree has another policy, and one less.
  const changed = platformWith([careful, sealed])
  const before = JSON.parse(readFileSync(file, 'utf8')) as { policies: Policy[] }
  const gone = { name: 'of what is gone', actions: ['shed:read'], when: { kind: 'always' } }
  writeFileSync(broken, JSON.stringify({ policies: [...before.policies, gone] }))
  const said = await run(changed, 'roles:preview', { tenant: a.id, 'policies-before': broken })
  const [, admin, reader] = everyone
  expect(said).toMatchObject({
    'left aside': ["policy 'of what is gone' 'shed:read' is no action"],
    [`member ${reader!.id} rita`]: expect.stringContaining('+folder:read:all -vault:read:all'),
    [`member ${admin!.id} adam`]: expect.not.stringContaining('vault'),
  })
  // The other way round it is the same, seen from what is there.
  await run(changed, 'policies:write', { file })
  expect(await run(plinth, 'roles:preview', { tenant: a.id, policies: file })).toMatchObject({
    [`member ${reader!.id} rita`]: expect.stringContaining('+folder:read:all -vault:read:all'),
  })
  for (const content of ['{', '{"policies":[{"name":"x","actions":["folder:read"],"when":{"kind":"listed"}}]}', '[]']) {
    writeFileSync(broken, content)
    const asking = run(plinth, 'roles:preview', { tenant: a.id, policies: broken })
    await expect(asking).rejects.toMatchObject({ code: 'validation_failed' })
  }
  const missing = run(plinth, 'roles:preview', { tenant: a.id, policies: join(folder, 'none.json') })
  await expect(missing).rejects.toMatchObject({ code: 'validation_failed' })
})

test('however many there are, those are kept that were asked for', async () => {
  const { superuser, a, database } = house.platform
  await superuser.query(`with u as (
      insert into plinth.users (id, email, name) select gen_random_uuid(), 'many-' || n || '@example.com', 'm' from generate_series(1, 1200) n
      returning id),
    m as (insert into plinth.memberships (tenant_id, id, user_id) select '${a.id}'::uuid, gen_random_uuid(), id from u returning user_id)
    insert into plinth.user_roles (tenant_id, user_id, role) select '${a.id}'::uuid, user_id, 'packer' from m`)
  database.forget()
  const whole = await feature.preview(a.id, { change: 'delete', role: 'packer' }, { limit: 5_000 })
  // Across several readings nobody is left out, and nobody told twice.
  expect(whole).toMatchObject({ holders: 1203, losing: 1203 })
  expect(new Set(whole.affected.map(({ id }) => id)).size).toBe(1203)
  const some = await feature.preview(a.id, { change: 'delete', role: 'packer' }, { offset: 1_100, limit: 50 })
  expect(some).toMatchObject({ holders: 1203, losing: 1203 })
  expect(some.affected).toEqual(whole.affected.slice(1_100, 1_150))
  expect((await feature.preview(a.id, { change: 'delete', role: 'packer' })).affected).toHaveLength(1_000)
  expect(await preview({ without: [sealed.name] })).toMatchObject({ holders: 1206, gaining: 1204 })
})
