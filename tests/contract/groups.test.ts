import {
  belongsTo,
  createPlinth,
  defineResource,
  resourceTable,
  serviceTokens,
  StartupError,
  type ServiceToken,
} from '@plinth/core'
import { embedded } from '@plinth/postgres'
import { text } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { openPlatform, tokenOf, type Answered, type OpenPlatform } from './open-platform.ts'

const RED = '0193a000-0000-7000-8000-00000000000a'
const BLUE = '0193a000-0000-7000-8000-00000000000b'
const GREEN = '0193a000-0000-7000-8000-00000000000c'

const reports = resourceTable('reports', { title: text().notNull() })
const drafts = resourceTable('drafts', { title: text().notNull(), reportId: belongsTo(() => reports) })
const resources = [
  defineResource({ table: reports }),
  defineResource({
    table: drafts,
    hooks: { beforeCreate: (_, draft) => ({ ...draft, title: `${draft.title}!` }) },
  }),
]

const service = (
  name: string,
  groups: readonly string[],
  permissions: readonly string[],
  tenant = 'acme',
): ServiceToken => ({
  name,
  token: tokenOf(name),
  tenant,
  groups,
  permissions,
})
const team = ['*:*:group'] as const
const tokens = [
  service('red', [RED.toUpperCase()], team),
  service('blue', [BLUE], team),
  service('both', [RED, BLUE], team),
  service('lead', [RED], ['*']),
  service('viewer', [RED], ['report:read', 'report:update:group', 'report:delete:group']),
  service('lonely', [], team),
  service('foreign', [RED], team, 'beta'),
]

let platform: OpenPlatform
beforeAll(async () => {
  platform = await openPlatform(inject('postgresUrl'), resources, [{ ...serviceTokens(tokens), name: 'teams' }])
})
afterAll(() => platform.close())

const ask = (who: string, method: string, path: string, body?: unknown): Promise<Answered> =>
  platform.call(who, method, `/api/v1/${path}`, body)
const add = async (who: string, body: object): Promise<string> => {
  const reply = await ask(who, 'POST', 'reports', { title: 'a report', ...body })
  expect(reply.status, reply.text).toBe(201)
  return String(reply.json['id'])
}
const faults = (reply: Answered): readonly string[] =>
  reply.json.errors?.map((fault) => `${fault.path} ${fault.code}`) ?? []
const ids = (reply: Answered): readonly string[] => (reply.json['data'] as { id: string }[]).map((row) => row.id)
const strip = (reply: Answered): string => reply.text.replace(/"requestId":"[^"]*"/, '')

describe('the group of a new row', () => {
  test('is the one group of whoever may only create for his group', async () => {
    const reply = await ask('red', 'POST', 'reports', { title: 'ours' })
    expect(reply.status, reply.text).toBe(201)
    expect(reply.json).toMatchObject({ ownerGroupId: RED, ownerUserId: null })
  })

  test('is said by whoever has several', async () => {
    const silent = await ask('both', 'POST', 'reports', { title: 'whose?' })
    expect([silent.status, faults(silent)]).toEqual([400, ['/ownerGroupId required']])
    expect((await ask('both', 'POST', 'reports', { title: 'blue', ownerGroupId: BLUE })).json).toMatchObject({
      ownerGroupId: BLUE,
    })
  })

  test('is none where any row may be created, unless it is said', async () => {
    expect((await ask('lead', 'POST', 'reports', { title: 'nobody' })).json).toMatchObject({ ownerGroupId: null })
    expect((await ask('lead', 'POST', 'reports', { title: 'red', ownerGroupId: RED })).json).toMatchObject({
      ownerGroupId: RED,
    })
  })

  test('is never one that he is not in; which groups there are cannot be found out', async () => {
    const answers = await Promise.all(
      [BLUE, GREEN, '0193a000-0000-7000-8000-0000000000ff'].map((ownerGroupId) =>
        ask('lead', 'POST', 'reports', { title: 'theirs', ownerGroupId }),
      ),
    )
    for (const reply of answers) {
      expect([reply.status, faults(reply)]).toEqual([400, ['/ownerGroupId reference_not_found']])
      expect(strip(reply)).toBe(strip(answers[0]!))
    }
    expect((await ask('red', 'POST', 'reports', { title: 'theirs', ownerGroupId: BLUE })).status).toBe(403)
    expect((await ask('red', 'POST', 'reports', { title: 'nobody', ownerGroupId: null })).status).toBe(403)
    expect(faults(await ask('lead', 'POST', 'reports', { title: 'odd', ownerGroupId: 'red' }))[0]).toMatch(
      /^\/ownerGroupId /,
    )
  })

  test('cannot be made by whoever is in none', async () => {
    expect((await ask('lonely', 'POST', 'reports', { title: 'x' })).status).toBe(403)
    expect((await ask('viewer', 'POST', 'reports', { title: 'x' })).status).toBe(403)
  })

  test('survives a hook', async () => {
    const reply = await ask('red', 'POST', 'drafts', { title: 'hooked' })
    expect(reply.json).toMatchObject({ title: 'hooked!', ownerGroupId: RED })
  })
})

describe('rows of a group', () => {
  test('are seen, changed and deleted by its members; to others they are not there', async () => {
    const id = await add('red', {})
    const never = '0193a000-0000-7000-8000-000000000fff'
    for (const [method, body] of [['GET'], ['PATCH', { title: 'x' }], ['PUT', { title: 'x' }], ['DELETE']] as const) {
      for (const who of ['blue', 'lonely', 'foreign']) {
        const [theirs, missing] = [
          await ask(who, method, `reports/${id}`, body),
          await ask(who, method, `reports/${never}`, body),
        ]
        expect(theirs.status, who).toBe(404)
        expect(strip(theirs)).toBe(strip(missing))
      }
    }
    expect(ids(await ask('blue', 'GET', 'reports?pageSize=100'))).not.toContain(id)
    expect(ids(await ask('both', 'GET', 'reports?pageSize=100'))).toContain(id)
    expect((await ask('both', 'PATCH', `reports/${id}`, { title: 'both' })).status).toBe(200)
    expect((await ask('red', 'DELETE', `reports/${id}`)).status).toBe(204)
  })

  test('who sees all and changes his own is told 403, not 404', async () => {
    const id = await add('blue', {})
    expect((await ask('viewer', 'GET', `reports/${id}`)).status).toBe(200)
    expect((await ask('viewer', 'PATCH', `reports/${id}`, { title: 'x' })).status).toBe(403)
    expect((await ask('viewer', 'PATCH', `reports/${id}`, { ownerGroupId: RED })).status).toBe(403)
    expect((await ask('viewer', 'DELETE', `reports/${id}`)).status).toBe(403)
    expect((await ask('blue', 'GET', `reports/${id}`)).json).toMatchObject({ ownerGroupId: BLUE, version: 1 })
  })

  test('are found by their owner', async () => {
    const id = await add('both', { ownerGroupId: BLUE, title: 'to find' })
    const found = await ask('lead', 'GET', `reports?ownerGroupId=${BLUE}&pageSize=100`)
    expect(ids(found)).toContain(id)
    expect((found.json['data'] as { ownerGroupId: string }[]).every((row) => row.ownerGroupId === BLUE)).toBe(true)
    expect(ids(await ask('red', 'GET', `reports?ownerGroupId=${BLUE}`))).toEqual([])
    expect(
      ids(await ask('lead', 'GET', `reports?ownerUserId[isNull]=true&ownerGroupId=${BLUE}&pageSize=100`)),
    ).toContain(id)
  })

  test('a parent of another group cannot be referred to', async () => {
    const reportId = await add('blue', {})
    const reply = await ask('red', 'POST', 'drafts', { title: 'x', reportId })
    expect([reply.status, faults(reply)]).toEqual([400, ['/reportId reference_not_found']])
  })
})

test('bulk keeps to the same rules', async () => {
  const create = (data: object): object => ({ op: 'create', data: { title: 'bulk', ...data } })
  const bulk = (who: string, ...operations: object[]): Promise<Answered> =>
    ask(who, 'POST', 'reports/bulk', { operations })
  const made = await bulk('red', create({}), create({ ownerGroupId: RED }))
  expect(made.status, made.text).toBe(200)
  expect(made.json['results']).toMatchObject([{ row: { ownerGroupId: RED } }, { row: { ownerGroupId: RED } }])
  const unsaid = await bulk('both', create({ ownerGroupId: BLUE }), create({}))
  expect([unsaid.status, faults(unsaid)]).toEqual([400, ['/operations/1/data/ownerGroupId required']])
  const foreign = await bulk('lead', create({ ownerGroupId: RED }), create({ ownerGroupId: BLUE }))
  expect([foreign.status, faults(foreign)]).toEqual([400, ['/operations/1/data/ownerGroupId reference_not_found']])
  expect((await bulk('red', create({}), create({ ownerGroupId: BLUE }))).status).toBe(403)
  expect((await bulk('lonely', create({}))).status).toBe(403)
  const id = await add('both', { ownerGroupId: BLUE })
  const away = { op: 'update', id, data: { ownerGroupId: null } }
  expect((await bulk('blue', away)).status).toBe(403)
  expect((await bulk('red', away)).status).toBe(404)
  expect((await ask('blue', 'GET', `reports/${id}`)).json).toMatchObject({ ownerGroupId: BLUE, version: 1 })
})

describe('giving a row away', () => {
  test('from one group of mine to another, and not out of my scope', async () => {
    const id = await add('both', { ownerGroupId: RED })
    expect((await ask('both', 'PATCH', `reports/${id}`, { ownerGroupId: BLUE })).json).toMatchObject({
      ownerGroupId: BLUE,
      version: 2,
    })
    expect((await ask('red', 'GET', `reports/${id}`)).status).toBe(404)
    const foreign = await ask('both', 'PATCH', `reports/${id}`, { ownerGroupId: GREEN })
    expect([foreign.status, faults(foreign)]).toEqual([400, ['/ownerGroupId reference_not_found']])
    expect((await ask('both', 'PATCH', `reports/${id}`, { ownerGroupId: null })).status).toBe(403)
    expect((await ask('both', 'PUT', `reports/${id}`, { title: 'x', ownerGroupId: null })).status).toBe(403)
    expect((await ask('both', 'GET', `reports/${id}`)).json).toMatchObject({ ownerGroupId: BLUE, version: 2 })
    expect((await ask('lead', 'PATCH', `reports/${id}`, { ownerGroupId: null })).json).toMatchObject({
      ownerGroupId: null,
    })
  })

  test('what GET gave can be PUT by whoever is not in the group; absent, the group stays', async () => {
    const id = await add('blue', {})
    const row = (await ask('lead', 'GET', `reports/${id}`)).json
    expect((await ask('lead', 'PUT', `reports/${id}`, row)).json).toMatchObject({ ownerGroupId: BLUE })
    expect((await ask('lead', 'PUT', `reports/${id}`, { title: 'put' })).json).toMatchObject({ ownerGroupId: BLUE })
    const { version } = (await ask('lead', 'GET', `reports/${id}`)).json
    expect((await ask('blue', 'PATCH', `reports/${id}`, { ownerGroupId: BLUE })).json).toMatchObject({ version })
  })

  test('by many at once: each answer is of a row that was its own then', async () => {
    const id = await add('both', { ownerGroupId: RED })
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, at) =>
        at % 2 === 0
          ? ask('both', 'PATCH', `reports/${id}`, { ownerGroupId: at % 4 === 0 ? BLUE : RED })
          : ask('red', 'PATCH', `reports/${id}`, { title: `red ${at}` }),
      ),
    )
    for (const reply of answers) expect([200, 404]).toContain(reply.status)
    answers.forEach((reply, at) => {
      if (at % 2 === 1 && reply.status === 200) expect(reply.json).toMatchObject({ ownerGroupId: RED })
    })
  })
})

test('a group that is no id is a fault at start', () => {
  try {
    createPlinth({
      database: embedded(),
      resources,
      features: [serviceTokens([service('odd', ['marketing'], team)])],
    })
    expect.unreachable()
  } catch (error) {
    if (!(error instanceof StartupError)) throw error
    expect(error.faults).toContainEqual({
      path: 'serviceTokens[0].groups',
      problem: "'marketing' is no id of a group",
      fix: "groups: ['<uuid>']",
    })
  }
})
