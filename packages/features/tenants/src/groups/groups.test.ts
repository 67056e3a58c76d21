import { defineResource, resourceTable } from '@plinth/core'
import { text } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { peoplePlatform, roleRights, type PeoplePlatform, type Person } from '../../tests/people-platform.ts'

const reports = resourceTable('reports', { title: text().notNull() })

let platform: PeoplePlatform
let admin: Person
beforeAll(async () => {
  Object.assign(roleRights, { team: ['report:*:group', 'group:read'] })
  platform = await peoplePlatform({ resources: [defineResource({ table: reports })] })
  admin = await platform.member('admin')
})
afterAll(() => platform.close())

const path = '/api/v1/groups'
let count = 0
async function group(): Promise<string> {
  const reply = await platform.ask(admin, 'POST', path, { name: `Team ${(count += 1)}` })
  expect(reply.status, reply.body).toBe(201)
  return (reply.json as { id: string }).id
}
const inside = async (id: string): Promise<readonly string[]> => {
  const reply = await platform.ask(admin, 'GET', `${path}/${id}/members?pageSize=100`)
  return (reply.json as { data: { userId: string }[] }).data.map(({ userId }) => userId)
}

describe('a group', () => {
  test('has members of the tenant, one by one or as a set', async () => {
    const [id, ada, bob] = [await group(), await platform.member('user'), await platform.member('user')]
    const members = `${path}/${id}/members`
    for (const _ of ['once', 'and again, which changes nothing'])
      expect((await platform.ask(admin, 'POST', members, { userId: ada.id })).status).toBe(200)
    expect(await inside(id)).toEqual([ada.id])
    expect((await platform.ask(admin, 'PUT', members, { userIds: [bob.id, bob.id] })).json).toEqual({
      userIds: [bob.id],
    })
    expect(await inside(id)).toEqual([bob.id])
    expect((await platform.ask(admin, 'DELETE', `${members}/${bob.id}`)).status).toBe(204)
    expect((await platform.ask(admin, 'DELETE', `${members}/${bob.id}`)).status).toBe(404)
    expect((await platform.ask(admin, 'DELETE', `${members}/odd`)).status).toBe(404)
    expect(await inside(id)).toEqual([])
  })

  test('takes no stranger in, and does not say whether there is one', async () => {
    const [id, stranger] = [await group(), await platform.person()]
    await platform.join(stranger, platform.b.id, 'user')
    const ask = (userId: string): ReturnType<PeoplePlatform['ask']> =>
      platform.ask(admin, 'POST', `${path}/${id}/members`, { userId })
    const [theirs, nobody] = [await ask(stranger.id), await ask('0193a000-0000-7000-8000-0000000000ff')]
    for (const reply of [theirs, nobody])
      expect(reply.json).toMatchObject({ status: 400, errors: [{ path: '/userId', code: 'reference_not_found' }] })
    const user = await platform.member('user')
    const set = await platform.ask(admin, 'PUT', `${path}/${id}/members`, { userIds: [user.id, stranger.id] })
    expect(set.json).toMatchObject({ errors: [{ path: '/userIds/1' }] })
    expect(await inside(id)).toEqual([])
  })

  test('of another tenant is not there', async () => {
    const [id, boss] = [await group(), await platform.person()]
    await platform.join(boss, platform.b.id, 'owner')
    for (const [method, body] of [['GET'], ['POST', { userId: boss.id }], ['PUT', { userIds: [] }]] as const)
      expect((await platform.ask(boss, method, `${path}/${id}/members`, body, { in: platform.b.id })).status).toBe(404)
  })

  test('is changed by whoever may, and left with the tenant', async () => {
    const [id, user] = [await group(), await platform.member('user')]
    await platform.member('owner')
    expect((await platform.ask(user, 'POST', `${path}/${id}/members`, { userId: user.id })).status).toBe(403)
    expect((await platform.ask(user, 'GET', `${path}/${id}/members`)).status).toBe(200)
    await platform.ask(admin, 'POST', `${path}/${id}/members`, { userId: user.id })
    expect((await platform.ask(admin, 'DELETE', `/api/v1/users/${user.id}`)).status).toBe(204)
    expect(await inside(id)).toEqual([])
  })

  test('two who replace its members at once make no mixture', async () => {
    const id = await group()
    const people = await Promise.all(Array.from({ length: 6 }, () => platform.member('user')))
    const [left, right] = [people.slice(0, 3), people.slice(3)].map((part) => part.map((one) => one.id).sort())
    for (let round = 0; round < 10; round += 1) {
      await Promise.all(
        [left, right].map((userIds) => platform.ask(admin, 'PUT', `${path}/${id}/members`, { userIds })),
      )
      expect([left, right]).toContainEqual(await inside(id))
    }
  })

  test('is what the scope `group` ends at, from the next request on', async () => {
    const [id, member, other] = [await group(), await platform.member('team'), await platform.member('team')]
    const list = async (who: Person): Promise<number> => {
      const reply = await platform.ask(who, 'GET', '/api/v1/reports')
      return reply.status === 200 ? (reply.json as { data: unknown[] }).data.length : reply.status
    }
    expect(await list(member)).toBe(0)
    await platform.ask(admin, 'POST', `${path}/${id}/members`, { userId: member.id })
    const made = await platform.ask(member, 'POST', '/api/v1/reports', { title: 'ours' })
    expect(made.json, made.body).toMatchObject({ ownerGroupId: id })
    expect([await list(member), await list(other)]).toEqual([1, 0])
    await platform.ask(admin, 'DELETE', `${path}/${id}/members/${member.id}`)
    expect(await list(member)).toBe(0)
  })
})
