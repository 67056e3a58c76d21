import { belongsTo, createPlinth, defineResource, resourceTable, StartupError, type Resource } from '@plinth/core'
import { embedded } from '@plinth/postgres'
import { tappedDriver, testPlatform, type TappedDriver, type TestPlatform, type TestReply } from '@plinth/testing'
import { text } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { agency } from './include-tables.ts'

let platform: TestPlatform
let tap: TappedDriver
beforeAll(async () => {
  platform = await testPlatform({
    resources: agency,
    wrap: (driver) => (tap = tappedDriver(driver)),
    actors: {
      sitesOnly: ['site:read'],
      noClients: ['site:read', 'monitor:read', 'agent:read', 'site:create'],
    },
  })
})
afterAll(() => platform.close())

type Json = Readonly<Record<string, unknown>>
const as =
  (who: string) =>
  (method: string, path: string, body?: unknown): Promise<TestReply> =>
    platform.request(platform.a.actors[who], method, `/api/v1/${path}`, body)
const full = as('full')
const add = async (path: string, body: Json, who = 'full'): Promise<string> => {
  const reply = await as(who)('POST', path, body)
  expect(reply.status, reply.body).toBe(201)
  return (reply.json as { id: string }).id
}
const faultsOf = (reply: TestReply): readonly string[] =>
  (reply.json as { errors?: readonly { path: string; code: string; message: string }[] }).errors?.map(
    (fault) => `${fault.path} ${fault.code} ${fault.message}`,
  ) ?? []

describe('to one', () => {
  test('the parent is nested; a row without one has null', async () => {
    const clientId = await add('clients', { name: 'Bakery' })
    const id = await add('sites', { name: 'shop', clientId })
    const alone = await add('sites', { name: 'alone' })
    const plain = await full('GET', `clients/${clientId}`)
    const read = await full('GET', `sites/${id}?include=client`)
    expect(read.status).toBe(200)
    expect(read.json).toMatchObject({ id, clientId, client: { id: clientId, name: 'Bakery' } })
    expect((read.json as Json)['client']).toEqual(plain.json)
    expect((await full('GET', `sites/${alone}?include=client`)).json).toMatchObject({ id: alone, client: null })
    const list = await full('GET', `sites?include=client,agent&sort=name`)
    const rows = (list.json as { data: Json[] }).data
    expect(rows.find((row) => row['id'] === id)).toMatchObject({ client: { id: clientId }, agent: null })
    expect(rows.find((row) => row['id'] === alone)).toMatchObject({ client: null, agent: null })
  })

  test('there is no ETag, and If-None-Match is not heard', async () => {
    const id = await add('sites', { name: 'tagless', clientId: await add('clients', { name: 'c' }) })
    const etag = (await full('GET', `sites/${id}`)).headers['etag']!
    const reply = await platform.request(
      platform.a.actors.full,
      'GET',
      `/api/v1/sites/${id}?include=client`,
      undefined,
      { 'if-none-match': etag },
    )
    expect(reply.status).toBe(200)
    expect(reply.headers['etag']).toBeUndefined()
  })

  test('a deleted parent is null', async () => {
    const clientId = await add('clients', { name: 'gone' })
    const id = await add('sites', { name: 'orphan', clientId })
    // Over the API its sites would keep it: this one went before there were any rules.
    await platform.superuser.query(`update public.clients set deleted_at = now() where id = '${clientId}'`)
    expect((await full('GET', `sites/${id}?include=client`)).json).toMatchObject({ clientId, client: null })
  })
})

describe('to many', () => {
  test('children come newest first, bounded, with hasMore; each parent has its own', async () => {
    const parents = [await add('sites', { name: 'many' }), await add('sites', { name: 'few' })]
    for (let at = 0; at < 12; at += 1) await add('monitors', { name: `m${at}`, siteId: parents[0]! })
    await add('monitors', { name: 'only', siteId: parents[1]! })
    const read = await full('GET', `sites/${parents[0]}?include=monitors`)
    const { monitors } = read.json as { monitors: { data: Json[]; hasMore: boolean } }
    expect(monitors.hasMore).toBe(false)
    expect(monitors.data.map((row) => row['name'])).toEqual(Array.from({ length: 12 }, (_, at) => `m${11 - at}`))
    expect(monitors.data[0]).not.toHaveProperty('inner')
    const list = await full('GET', 'sites?include=monitors&pageSize=100')
    const rows = (list.json as { data: { id: string; monitors: { data: Json[]; hasMore: boolean } }[] }).data
    const of = (id: string) => rows.find((row) => row.id === id)!.monitors
    // A page of 100 rows shows 10 children of each.
    expect(of(parents[0]!).data).toHaveLength(10)
    expect(of(parents[0]!).hasMore).toBe(true)
    expect(of(parents[0]!).data.map((row) => row['siteId'])).toEqual(Array(10).fill(parents[0]))
    expect(of(parents[1]!)).toMatchObject({ data: [{ name: 'only' }], hasMore: false })
  })

  test('deleted children are absent', async () => {
    const siteId = await add('sites', { name: 'shrinking' })
    const gone = await add('monitors', { name: 'gone', siteId })
    await add('monitors', { name: 'stays', siteId })
    await full('DELETE', `monitors/${gone}`)
    expect((await full('GET', `sites/${siteId}?include=monitors`)).json).toMatchObject({
      monitors: { data: [{ name: 'stays' }] },
    })
  })

  test('two references to one table are told apart by `inverse`', async () => {
    const agentId = await add('agents', { name: 'bot', token: 't0ken' })
    const checked = await add('sites', { name: 'checked', agentId })
    const reviewed = await add('sites', { name: 'reviewed', reviewerId: agentId })
    const reply = await full('GET', `agents/${agentId}?include=checkedSites,reviewedSites`)
    expect(reply.json).toMatchObject({
      checkedSites: { data: [{ id: checked }] },
      reviewedSites: { data: [{ id: reviewed }] },
    })
    expect(reply.body).not.toContain('t0ken')
    expect((await full('GET', `sites/${checked}?include=agent`)).body).not.toContain('t0ken')
  })
})

test('fields choose of the row and, with its name before a dot, of what is included', async () => {
  const clientId = await add('clients', { name: 'Chosen' })
  const id = await add('sites', { name: 'masked', clientId })
  await add('monitors', { name: 'm', siteId: id })
  const get = async (query: string): Promise<unknown> => (await full('GET', `sites/${id}?${query}`)).json
  expect(await get('include=client&fields=name,client.name')).toEqual({ name: 'masked', client: { name: 'Chosen' } })
  expect(await get('include=monitors&fields=id,monitors.name')).toEqual({
    id,
    monitors: { data: [{ name: 'm' }], hasMore: false },
  })
  // Nothing said of the row itself: all of it.
  expect(await get('include=client&fields=client.id')).toMatchObject({ id, name: 'masked', client: { id: clientId } })
  const list = await full('GET', `sites?id=${id}&include=client&fields=name,client.name`)
  expect((list.json as { data: unknown }).data).toEqual([{ name: 'masked', client: { name: 'Chosen' } }])
  for (const fields of ['client.name', 'id,monitors.inner', 'client.tenantId', 'client.', 'agent.token', 'site.pin']) {
    const include = fields.includes('monitors') ? 'monitors' : fields.startsWith('agent') ? 'agent' : 'client'
    const path =
      fields === 'client.name' ? `sites/${id}?fields=${fields}` : `sites/${id}?include=${include}&fields=${fields}`
    expect((await full('GET', path)).status, path).toBe(400)
  }
})

describe('what may be included', () => {
  test.each(['tenant', 'letters', 'monitors.site', 'clientId', '', 'client,client', '__proto__', 'constructor'])(
    'include=%s is refused with what is allowed',
    async (include) => {
      const id = await add('sites', { name: 'x' })
      for (const path of [`sites/${id}`, 'sites']) {
        const reply = await full('GET', `${path}?include=${include}`)
        expect(reply.status).toBe(400)
        expect(faultsOf(reply)[0]).toMatch(/^\?include /)
      }
    },
  )

  test('what the principal may not read at all is refused like what was never declared', async () => {
    const id = await add('sites', { name: 'x', clientId: await add('clients', { name: 'y' }) })
    const refused = await as('noClients')('GET', `sites/${id}?include=client`)
    const undeclared = await as('noClients')('GET', `sites/${id}?include=nothing`)
    expect(faultsOf(refused)).toEqual([
      "?include unknown_include 'client' cannot be included; allowed: agent, reviewer, monitors",
    ])
    expect(faultsOf(undeclared)[0]).toBe(faultsOf(refused)[0]!.replace('client', 'nothing'))
    // Where nothing is left, there is no such parameter.
    expect(faultsOf(await as('sitesOnly')('GET', `sites/${id}?include=client`))).toEqual([
      '?include unknown_parameter Allowed: fields',
    ])
  })

  test('of a narrower scope only the rows within it are shown', async () => {
    const own = as('own')
    const theirs = await add('clients', { name: 'not his' })
    const his = await add('clients', { name: 'his' }, 'own')
    const site = await add('sites', { name: 'his site', clientId: his }, 'own')
    await add('monitors', { name: 'not his', siteId: site })
    await add('monitors', { name: 'his', siteId: site }, 'own')
    // He owns the site; its client becomes somebody else's.
    expect((await own('GET', `sites/${site}?include=client,monitors`)).json).toMatchObject({
      client: { name: 'his' },
      monitors: { data: [{ name: 'his' }], hasMore: false },
    })
    await full('PATCH', `sites/${site}`, { clientId: theirs })
    expect((await own('GET', `sites/${site}?include=client`)).json).toMatchObject({ clientId: theirs, client: null })
  })
})

test('one statement for each include, however many rows there are', async () => {
  for (let at = 0; at < 5; at += 1) {
    const siteId = await add('sites', { name: 'counted', clientId: await add('clients', { name: `c${at}` }) })
    for (let child = 0; child < 3; child += 1) await add('monitors', { name: 'm', siteId })
  }
  const texts: string[] = []
  tap.observe = (text) => void texts.push(text)
  const reply = await full('GET', 'sites?name=counted&include=client,monitors')
  tap.observe = undefined
  expect((reply.json as { data: unknown[] }).data).toHaveLength(5)
  expect(texts).toHaveLength(3)
})

test('OpenAPI names what can be included and what it looks like', () => {
  const document = platform.plinth.openapi() as unknown as {
    paths: Record<string, { get: { parameters: { name: string; description: string }[] } }>
    components: { schemas: Record<string, { properties: Record<string, unknown> }> }
  }
  const parameter = document.paths['/api/v1/sites/{id}']!.get.parameters.find((each) => each.name === 'include')
  expect(parameter?.description).toContain('client, agent, reviewer, monitors')
  expect(Object.keys(document.components.schemas['SiteWithIncludes']!.properties)).toEqual(
    expect.arrayContaining(['name', 'client', 'monitors']),
  )
  expect(document.components.schemas['Site']!.properties).not.toHaveProperty('client')
})

describe('at start', () => {
  const faults = (...resources: readonly Resource[]): readonly string[] => {
    try {
      createPlinth({ database: embedded('memory://'), resources, env: { ENVIRONMENT: 'development' } })
    } catch (error) {
      if (error instanceof StartupError)
        return error.faults.map((fault) => `${fault.path}: ${fault.problem} → ${fault.fix}`)
      throw error
    }
    return []
  }

  test('two relations of one name are a fault, with the line that mends it', () => {
    const people = resourceTable('people', { name: text() })
    const tasks = resourceTable('tasks', { authorId: belongsTo(() => people), reviewerId: belongsTo(() => people) })
    expect(faults(defineResource({ table: people }), defineResource({ table: tasks }))).toEqual([
      "resource task.fields.reviewerId: include=tasks of person would mean the tasks by their authorId and the tasks by their reviewerId → reviewerId: belongsTo(() => …, { inverse: 'reviewerTasks' })",
    ])
  })

  test('so is one with the name of a column', () => {
    const people = resourceTable('people', { name: text(), tasks: text() })
    const tasks = resourceTable('tasks', { author: text(), authorId: belongsTo(() => people) })
    expect(faults(defineResource({ table: people }), defineResource({ table: tasks }))).toEqual([
      "resource task.fields.authorId: include=tasks of person would mean the column tasks and the tasks by their authorId → authorId: belongsTo(() => …, { inverse: 'authorTasks' })",
      'resource task.fields.authorId: include=author of task would mean the column author and what authorId points at → give the column author, or the reference authorId, another name',
    ])
  })
})
