import { compare, policy } from '@plinth/core'
import fc from 'fast-check'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dataOf, openHouse, type House, type Person } from '../../packages/features/rbac/tests/people.ts'
import { may, type Policy, type World } from './oracle.ts'
import { insertRows, paper } from './papers.ts'
import { ALWAYS, FIELD, MODEL, ROLES, worlds } from './worlds.ts'

/*
 * Everything as a tenant does it: roles and entries over HTTP, members and their groups, and what each of them is answered. Policies
 * are code: these two stand for all worlds.
 */
const WORLDS = 300
const policies: readonly Policy[] = [
  { model: MODEL, action: 'update', field: 'status', op: 'ne', value: 'shut' },
  { model: MODEL, action: 'delete', field: 'amount', op: 'lt', value: 3 },
]

let house: House
let admin: Person
beforeAll(async () => {
  house = await openHouse({
    resources: [paper],
    rbac: { roles: { [ALWAYS]: { permissions: [], alwaysAllow: true } } },
    plinth: {
      policies: policies.map(({ model, action, field, op, value }) =>
        policy({ name: `${action} by ${field}`, action: `${model}:${action}`, when: compare(field, op, value) }),
      ),
    },
  })
  admin = await house.member('ada', ['owner'])
}, 60_000)
afterAll(() => house.close())

test(`${WORLDS} random sets over HTTP: lists, fields, changes and an action answer as the oracle says`, async () => {
  const [read, field, changed] = [1, 2, 3].map(() => ({ asked: 0, admitted: 0 })) as [Count, Count, Count]
  const world = worlds(fc.constant(policies))
  await fc.assert(
    fc.asyncProperty(world, fc.nat(), async (one, turn) => {
      const { people, ids, batch } = await settle(one)
      for (const [person, who] of people.entries()) {
        const listed = await house.ask(who, 'GET', `papers?batch=${batch}&pageSize=100`)
        const seen = listed.status === 200 ? dataOf(listed).map((row) => String(row['id'])) : []
        const expected = ids.filter((_, at) => may(one, person, MODEL, 'read', at))
        read.asked += ids.length
        read.admitted += expected.length
        expect(listed.status === 403 ? expected : [], listed.body).toEqual([])
        expect(seen.toSorted()).toEqual(expected.toSorted())
        for (const row of listed.status === 200 ? dataOf(listed) : []) {
          const reads = may(one, person, FIELD, 'read', ids.indexOf(String(row['id'])))
          expect('remark' in row, JSON.stringify(row)).toBe(reads)
          field.asked += 1
          field.admitted += reads ? 1 : 0
        }
      }
      const person = turn % people.length
      const at = turn % ids.length
      if (may(one, person, MODEL, 'read', at) && may(one, person, MODEL, 'update', at)) {
        const reply = await house.ask(people[person]!, 'PATCH', `papers/${ids[at]!}`, { remark: 'written' })
        expect(reply.status, reply.body).toBe(may(one, person, FIELD, 'update', at) ? 200 : 403)
      }
      for (const [action, method, path] of [
        ['update', 'PATCH', ''],
        ['archive', 'POST', '/archive'],
        ['delete', 'DELETE', ''],
      ] as const) {
        const body = method === 'PATCH' ? { label: 'changed' } : undefined
        const reply = await house.ask(people[person]!, method, `papers/${ids[at]!}${path}`, body)
        const [sees, does] = ['read', action].map((verb) => may(one, person, MODEL, verb, at))
        changed.asked += 1
        changed.admitted += does ? 1 : 0
        // Whoever reads nothing at all is told of what he may change.
        if (does && !sees) expect([200, 204, 404], reply.body).toContain(reply.status)
        else if (does) expect(reply.status, `${action} ${reply.body}`).toBeLessThan(300)
        else expect([403, 404], `${action} ${reply.body}`).toContain(reply.status)
        if (!does && sees) expect(reply.status, `${action} ${reply.body}`).toBe(403)
      }
    }),
    { numRuns: WORLDS, seed: 20_261_128 },
  )
  for (const { asked, admitted } of [read, field, changed]) {
    expect(admitted / asked).toBeGreaterThan(0.1)
    expect(admitted / asked).toBeLessThan(0.9)
  }
}, 240_000)

interface Count {
  asked: number
  admitted: number
}

interface Settled {
  readonly people: readonly Person[]
  readonly ids: readonly string[]
  readonly batch: string
}

/** Makes a world: names of its own, so that nothing of the one before is left. */
async function settle(world: World): Promise<Settled> {
  const batch = randomUUID().slice(0, 8)
  const named = (role: string): string => (role === ALWAYS ? role : `${role}_${batch}`)
  const made = async (path: string, body: unknown): Promise<string> => {
    const reply = await house.ask(admin, 'POST', path, body)
    expect(reply.status, reply.body).toBe(201)
    return String((reply.json as { readonly id: string }).id)
  }
  for (const role of ROLES) {
    const permissions = world.roles[role]!.map(({ model, action, scope }) => `${model}:${action}:${scope}`)
    await made('roles', { name: named(role), permissions: [...new Set(permissions)] })
  }
  const { superuser, a } = house.platform
  const groups: string[] = []
  for (const roles of world.rolesOfGroups) {
    const id = randomUUID()
    await superuser.query(`insert into plinth.groups (tenant_id, id, name) values ('${a.id}', '${id}', 'g ${id}')`)
    for (const role of roles) await made('user-roles', { groupId: id, role: named(role) })
    groups.push(id)
  }
  const people: Person[] = []
  for (const { groups: of, roles } of world.people) {
    const person = await house.member('somebody', roles.map(named))
    for (const group of of)
      await superuser.query(
        `insert into plinth.group_members (tenant_id, group_id, user_id) values ('${a.id}', '${groups[group]}', '${person.id}')`,
      )
    people.push(person)
  }
  const ids = world.rows.map(() => randomUUID())
  const owner = (at: number | null, of: readonly string[]): string | null => (at === null ? null : of[at]!)
  const rows = world.rows.map((row, at) => ({
    ...row,
    id: ids[at]!,
    ownerId: owner(
      row.owner,
      people.map(({ id }) => id),
    ),
    groupId: owner(row.group, groups),
  }))
  await insertRows(superuser, a.id, batch, rows)
  const said = new Set<string>()
  for (const { model, action, row, subject, effect } of world.entries) {
    const [kind = '', which = ''] = subject.split(':')
    const id = kind === 'user' ? people[Number(which)]!.id : kind === 'group' ? groups[Number(which)]! : named(which)
    const key = [model, action, row, subject, effect].join()
    if (said.has(key)) continue
    said.add(key)
    const recordId = row === null ? {} : { recordId: ids[row]! }
    await made('acl', { resource: `${model}:${action}`, principal: { kind, id }, effect, ...recordId })
  }
  house.platform.database.forget()
  return { people, ids, batch }
}
