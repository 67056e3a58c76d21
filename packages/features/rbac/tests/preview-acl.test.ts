import { compare, not, PermissionSet, policy, type Feature, type Principal } from '@plinth/core'
import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { faultsOf, idOf, openHouse, outcome, type House, type Person } from './people.ts'

interface Told {
  readonly id: string
  readonly kind: string
  readonly name: string | null
  readonly gained: string[]
  readonly lost: string[]
  readonly changes?: readonly { permission: string; before: string; after: string }[]
}
interface Preview {
  readonly holders: number
  readonly gaining: number
  readonly losing: number
  readonly data: readonly Told[]
}

/** A service as a configuration has it. */
const robot: Principal = {
  kind: 'service',
  id: 'robot',
  name: 'robot',
  userId: null,
  groupIds: [],
  tenant: null,
  permissions: PermissionSet.none,
}
const robots: Feature = {
  name: 'test-robots',
  slots: { principals: [{ kind: 'service', find: (name) => (name === 'robot' ? robot : undefined), names: () => [] }] },
}

let house: House
let owner: Person
let admin: Person
let people: Record<string, Person>
let team: string
let rows: readonly string[]
beforeAll(async () => {
  house = await openHouse({
    features: [robots],
    rbac: {
      roles: { mender: { description: 'Mends folders', permissions: ['folder:read:own'], alwaysAllow: ['folder'] } },
    },
    plinth: {
      policies: [
        policy({
          name: 'what is archived stays',
          action: 'folder:update',
          when: not(compare('name', 'eq', 'archived')),
        }),
      ],
    },
  })
  owner = await house.member('olga', ['owner'])
  admin = await house.member('adam', ['admin'])
  for (const [name, permissions] of Object.entries({
    filer: ['folder:read', 'folder:update:own', 'folder:delete:own'],
    writer: ['folder:update', 'crate:read'],
    sharer: ['folder:*:own', 'aclEntry:read:own', 'userRole:read'],
  }))
    await house.ask(owner, 'POST', 'roles', { name, permissions })
  people = {
    admin,
    mender: await house.member('mia', ['mender']),
    reader: await house.member('rita', ['read_only']),
    filer: await house.member('fred', ['filer']),
    writer: await house.member('will', ['writer']),
    nobody: await house.member('noel', []),
  }
  team = await house.group([people['reader']!, people['nobody']!, people['mender']!], randomUUID(), 'a', ['filer'])
  rows = await Promise.all(
    ['folder 0', 'folder 1', 'archived'].map(async (name) => idOf(await house.ask(admin, 'POST', 'folders', { name }))),
  )
  const { superuser } = house.platform
  await superuser.query(`update folders set owner_user_id = $1::uuid where id = $2::uuid`, [
    people['filer']!.id,
    rows[1]!,
  ])
}, 60_000)
afterAll(() => house.close())

const ask = async (path: string, body: object, who = owner): Promise<Preview> => {
  const reply = await house.ask(who, 'POST', path, body)
  expect(reply.status, reply.body).toBe(200)
  return reply.json as Preview
}

/** Every decision there is about folders, as explanations know it: `mia folder:read 0193…`. */
async function decisions(): Promise<ReadonlySet<string>> {
  const { plinth, a, database } = house.platform
  database.forget()
  const names = plinth.registry.permissions.names.filter((name) => /^folder:(?!create|clear)/.test(name))
  const allowed = new Set<string>()
  const asked = [owner, ...Object.values(people)].map((person) => [person.id, house.principal(person)] as const)
  for (const [id, principal] of [...asked, ['robot', robot] as const])
    for (const permission of names)
      for (const row of rows) {
        const { decision } = await plinth.explain({ permission, principal, tenant: a.id, id: row })
        if (decision === 'allowed') allowed.add(`${id} ${permission} ${row}`)
      }
  return allowed
}

/** What the preview says, over the same rows. Of every row: some of those that are there, or more. */
function changesIn({ data }: Preview, row: string | undefined): ReadonlySet<string> {
  return new Set(
    data.flatMap(({ id, gained, lost }) =>
      [...gained.map((one) => ['+', one] as const), ...lost.map((one) => ['-', one] as const)].flatMap(
        ([sign, one]) => {
          const permission = one.split(':').slice(0, 2).join(':')
          return row === undefined ? [`${sign} ${id} ${permission}`] : [`${sign} ${id} ${permission} ${row}`]
        },
      ),
    ),
  )
}

function between(before: ReadonlySet<string>, after: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([
    ...[...after].filter((one) => !before.has(one)).map((one) => `+ ${one}`),
    ...[...before].filter((one) => !after.has(one)).map((one) => `- ${one}`),
  ])
}

const subjects = fc.constantFrom(
  ...(['reader', 'filer', 'writer', 'nobody', 'mender'] as const).map((name) => ({ kind: 'user', name })),
  { kind: 'group', name: 'team' },
  ...['filer', 'read_only', 'writer', 'mender'].map((name) => ({ kind: 'role', name })),
  { kind: 'service', name: 'robot' },
)
const entries = fc.record({
  subject: subjects,
  action: fc.constantFrom('read', 'update', 'delete', '*'),
  row: fc.constantFrom(0, 1, 2, undefined),
  effect: fc.constantFrom('allow', 'deny'),
})

test('what a preview of random entries says is what then happens, made and taken back, on top of each other', async () => {
  const sample = fc.sample(entries, { numRuns: 14, seed: 20261128 })
  const made: string[] = []
  let before = await decisions()
  const seen = { gaining: 0, losing: 0 }
  for (const { subject, action, row, effect } of sample) {
    const id = subject.kind === 'group' ? team : subject.kind === 'user' ? people[subject.name]!.id : subject.name
    const recordId = row === undefined ? undefined : rows[row]
    const entry = { resource: `Folder.${action}`, recordId, principal: { kind: subject.kind, id }, effect }
    const told = await ask('acl/preview?pageSize=100', entry)
    const reply = await house.ask(owner, 'POST', 'acl', entry)
    if (outcome(reply) === '409 already_exists') {
      expect(told.data).toEqual([])
      continue
    }
    made.push(idOf(reply))
    const after = await decisions()
    compareWith(told, recordId, between(before, after), JSON.stringify(entry))
    seen.gaining += told.gaining
    seen.losing += told.losing
    before = after
  }
  // Something was seen, in both directions.
  expect(Math.min(seen.gaining, seen.losing)).toBeGreaterThan(2)
  for (const id of made) {
    const { recordId } = (await house.ask(owner, 'GET', `acl/${id}`)).json as { recordId: string | null }
    const told = await ask(`acl/${id}/preview?pageSize=100`, { deleted: true })
    expect((await house.ask(owner, 'DELETE', `acl/${id}`)).status).toBe(204)
    const after = await decisions()
    compareWith(told, recordId ?? undefined, between(before, after), `without ${id}`)
    before = after
  }
}, 120_000)

function compareWith(told: Preview, row: string | undefined, happened: ReadonlySet<string>, what: string): void {
  if (row !== undefined) {
    expect([...changesIn(told, row)].sort(), what).toEqual([...happened].filter((one) => one.endsWith(row)).sort())
    return
  }
  // Of every row: nothing happens that was not told, and what was told happens on some row where there is one in it.
  const short = new Set([...happened].map((one) => one.split(' ').slice(0, 3).join(' ')))
  const all = changesIn(told, undefined)
  expect(
    [...short].filter((one) => !all.has(one)),
    what,
  ).toEqual([])
  expect([...all].filter((one) => /folder:(read|update|delete)/.test(one)).sort(), what).toEqual(
    expect.arrayContaining([...short].filter((one) => /folder:(read|update|delete)/.test(one)).sort()),
  )
}

test('of two entries that say the same of two rows one is taken back, and one row is back', async () => {
  const filer = people['filer']!
  const said = async (resource: string, recordId: string, who: Person, effect: string): Promise<string> =>
    idOf(await house.ask(owner, 'POST', 'acl', { resource, recordId, principal: { kind: 'user', id: who.id }, effect }))
  const denials = [
    await said('Folder.read', rows[0]!, filer, 'deny'),
    await said('Folder.read', rows[1]!, filer, 'deny'),
  ]
  // He may read one folder by an entry, and so sees no other of those that he may change.
  const writer = people['writer']!
  const shown = [
    await said('Folder.read', rows[0]!, writer, 'allow'),
    await said('Folder.read', rows[1]!, writer, 'allow'),
  ]
  for (const [at, id] of [...denials, ...shown].entries()) {
    const before = await decisions()
    const told = await ask(`acl/${id}/preview`, { deleted: true })
    expect((await house.ask(owner, 'DELETE', `acl/${id}`)).status).toBe(204)
    compareWith(told, rows[at % 2]!, between(before, await decisions()), `entry ${at}`)
    expect(told.gaining + told.losing, `entry ${at}`).toBe(1)
  }
})

test('of every row it says which rows, in words; a role that is always allowed is not touched', async () => {
  const denied = await ask('acl/preview', {
    resource: 'Folder.read',
    principal: { kind: 'group', id: team },
    effect: 'deny',
  })
  expect(denied).toMatchObject({ holders: 3, gaining: 0, losing: 2 })
  const reader = denied.data.find(({ id }) => id === people['reader']!.id)!
  expect(reader.lost).toContain('folder:read:all')
  // What he does not see he cannot change either.
  expect(reader.lost).toContain('folder:update:own')
  expect(reader.changes).toContainEqual({
    permission: 'folder:update',
    before: 'not (name is "archived") and ownerUserId is the asking user',
    after: 'no row',
  })
  expect(denied.data.map(({ id }) => id)).not.toContain(people['mender']!.id)
  const allowed = await ask('acl/preview', {
    resource: 'Folder.update',
    principal: { kind: 'user', id: people['filer']!.id },
    effect: 'allow',
  })
  expect(allowed.data).toMatchObject([
    { gained: ['folder:update:all'], lost: [], changes: [{ after: 'not (name is "archived")' }] },
  ])
})

test('a suspended member is left out; nothing is written', async () => {
  const count = async (): Promise<unknown> =>
    house.platform.superuser.query(
      'select (select count(*) from plinth.acl_entries)::int as e, (select count(*) from plinth.events)::int as v',
    )
  const before = await count()
  const sam = await house.member('sam', ['filer'])
  await house.platform.superuser.query(`update plinth.memberships set status = 'suspended' where user_id = '${sam.id}'`)
  const told = await ask('acl/preview', {
    resource: 'folder:read',
    principal: { kind: 'role', id: 'filer' },
    effect: 'deny',
  })
  expect(told.data.map(({ id }) => id)).not.toContain(sam.id)
  expect(told.losing).toBe(3)
  expect(await count()).toEqual(before)
})

test('is for whoever may write it, and see of everybody what he may do', async () => {
  const sharer = await house.member('sue', ['sharer'])
  const narrow = await house.member('nel', ['sharer'])
  const own = idOf(await house.ask(sharer, 'POST', 'folders', { name: 'hers' }))
  const body = (
    recordId: string | undefined,
    principal = { kind: 'user', id: people['nobody']!.id },
    effect = 'allow',
  ) => ({
    resource: 'Folder.read',
    recordId,
    principal,
    effect,
  })
  const newcomer = await house.member('ned', [])
  expect((await ask('acl/preview', body(own, { kind: 'user', id: newcomer.id }), sharer)).data).toEqual([
    // She may not read who is a member, so no name is told.
    { kind: 'member', id: newcomer.id, name: null, gained: ['folder:read'], lost: [] },
  ])
  const as = async (who: Person, given: object, path = 'acl/preview'): Promise<string> =>
    outcome(await house.ask(who, 'POST', path, given))
  // Another's row is not there for her, and every row is not hers to share.
  expect(faultsOf(await house.ask(sharer, 'POST', 'acl/preview', body(rows[0])))).toEqual([
    '/recordId reference_not_found',
  ])
  expect(await as(sharer, body(undefined))).toBe('403 permission_denied')
  expect(await as(narrow, body(own))).toBe('400 validation_failed')
  // What would be refused when it is written: to deny those who may do more.
  expect(await as(sharer, body(own, { kind: 'user', id: admin.id }, 'deny'))).toBe('403 permission_denied')
  expect(await as(people['reader']!, body(rows[0]))).toBe('403 permission_denied')
  const entry = idOf(await house.ask(owner, 'POST', 'acl', body(rows[0])))
  const removal = `acl/${entry}/preview`
  expect(await as(sharer, { deleted: true }, removal)).toBe('404 not_found')
  expect(await as(owner, {}, removal)).toBe('400 validation_failed')
  const foreign = await house.member('boss', ['owner'], 'b')
  expect(await as(foreign, { deleted: true }, removal)).toBe('404 not_found')
  // A denial of seeing all roles counts, though the scope of her role is still all.
  await house.ask(owner, 'POST', 'acl', {
    resource: 'UserRole.read',
    recordId: dataIdOf(await house.ask(owner, 'GET', 'user-roles?pageSize=1')),
    principal: { kind: 'user', id: narrow.id },
    effect: 'deny',
  })
  const hers = idOf(await house.ask(narrow, 'POST', 'folders', { name: 'nels' }))
  expect(await as(narrow, body(hers))).toBe('403 permission_denied')
  expect(await as(narrow, { change: 'give', role: 'filer', userId: narrow.id }, 'user-roles/preview')).toBe(
    '403 permission_denied',
  )
  expect((await house.ask(owner, 'DELETE', `acl/${entry}`)).status).toBe(204)
})

const dataIdOf = (reply: Awaited<ReturnType<House['ask']>>): string =>
  (reply.json as { data: { id: string }[] }).data[0]!.id

test('on the command line', async () => {
  const { plinth, a } = house.platform
  const command = plinth.commands.find(({ name }) => name === 'roles:preview')!
  const run = (given: Readonly<Record<string, string | boolean>>): Promise<unknown> =>
    command.run({ tenant: a.id, ...given }, { note: () => undefined, ask: () => Promise.resolve(undefined) })
  const filer = people['filer']!
  const deny = { deny: 'Folder.update', user: filer.id, record: rows[1]! }
  expect(await run(deny)).toEqual({ holders: 1, gaining: 0, losing: 1, [`member ${filer.id} fred`]: '-folder:update' })
  const entry = idOf(
    await house.ask(owner, 'POST', 'acl', {
      resource: 'Folder.update',
      recordId: rows[1],
      principal: { kind: 'user', id: filer.id },
      effect: 'deny',
    }),
  )
  expect(await run({ entry })).toMatchObject({ gaining: 1, [`member ${filer.id} fred`]: '+folder:update' })
  expect(await run({ allow: 'folder:read', role: 'writer' })).toMatchObject({ holders: 1, gaining: 1 })
  expect((await house.ask(owner, 'DELETE', `acl/${entry}`)).status).toBe(204)
  for (const wrong of [
    { deny: 'Folder.update' },
    { deny: 'Folder.updat', user: filer.id },
    { deny: 'Folder.update', role: 'filre' },
    { allow: 'Folder.read', user: filer.id, group: team },
    { deny: 'Folder.update', record: randomUUID(), user: filer.id },
    { entry: 'x' },
  ])
    await expect(run(wrong)).rejects.toMatchObject({ code: 'validation_failed' })
  await expect(run({ entry: randomUUID() })).rejects.toMatchObject({ code: 'not_found' })
})
