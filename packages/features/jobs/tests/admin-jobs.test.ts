import { defineJob, PermissionSet, type Feature } from '@plinth/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { jobPlatform, writeNote, type JobPlatform } from './job-platform.ts'

const breaks = defineJob({
  name: 'breaks',
  input: z.object({ secret: z.string() }),
  retry: { attempts: 1 },
  run: (_ctx, { secret }) => Promise.reject(new Error(`no: ${secret}`)),
})
/** Who runs the service, by a session. */
const operator: Feature = {
  name: 'test-operator',
  slots: {
    auth: [
      {
        kinds: ['bearer'],
        read: ({ value }) =>
          value.startsWith('operator')
            ? {
                kind: 'user',
                id: 'u',
                name: 'op',
                userId: 'u',
                groupIds: [],
                tenant: null,
                superadmin: value === 'operator',
                session: { id: 's', credential: 'bearer', secondFactor: false, authenticatedAt: new Date() },
                permissions: PermissionSet.none,
              }
            : undefined,
      },
    ],
  },
}

let platform: JobPlatform
const ids: Record<string, string> = {}
beforeAll(async () => {
  platform = await jobPlatform([writeNote, breaks], {}, { features: [operator] })
  ids['done'] = await platform.enqueue(writeNote, { title: 'done' })
  ids['dead'] = await platform.enqueue(breaks, { secret: 'of the tenant' })
  await platform.settled()
  ids['later'] = await platform.enqueue(writeNote, { title: 'later' }, { delay: '1h' })
  const other = await platform.plinth.as(platform.principal('b'), platform.b.slug, (ctx) =>
    ctx.enqueue(writeNote, { title: 'of b' }, { delay: '1h' }),
  )
  ids['other'] = other.id
}, 60_000)
afterAll(() => platform.close())

const ask = async (query = '', token = 'operator') => {
  const headers: Record<string, string> = token === '' ? {} : { authorization: `Bearer ${token}` }
  const answer = await platform.plinth.fetch(new Request(`http://test/api/v1/admin/jobs${query}`, { headers }))
  return { status: answer.status, json: (await answer.json()) as unknown }
}
const idsOf = async (query: string): Promise<readonly string[]> => {
  const { data } = (await ask(query)).json as { readonly data: readonly { readonly id: string }[] }
  return data.map(({ id }) => Object.keys(ids).find((name) => ids[name] === id) ?? id)
}

test('the operator sees the jobs of all tenants, and nothing of what they are for', async () => {
  const reply = await ask('?tenant=' + platform.a.slug)
  expect(reply.status).toBe(200)
  expect(reply.json).toEqual({
    data: [
      expect.objectContaining({ id: ids['later'], status: 'scheduled', startedAt: null, finishedAt: null }),
      {
        id: ids['dead'],
        tenant: { id: platform.a.id, slug: platform.a.slug },
        type: 'breaks',
        status: 'dead',
        attempts: 1,
        maxAttempts: 1,
        createdAt: expect.stringMatching(/Z$/),
        runAt: expect.stringMatching(/Z$/),
        startedAt: expect.stringMatching(/Z$/),
        finishedAt: expect.stringMatching(/Z$/),
        worker: null,
        requestId: expect.any(String),
      },
    ],
    page: { page: 1, pageSize: 20, hasMore: false, nextCursor: null },
  })
  expect(JSON.stringify(reply.json)).not.toContain('of the tenant')
})

test('by state, job and tenant; paged; what is unknown is refused', async () => {
  expect(await idsOf('')).toEqual(['other', 'later', 'dead'])
  expect(await idsOf('?status=completed')).toEqual(['done'])
  expect(await idsOf('?type=note.write')).toEqual(['other', 'later'])
  expect(await idsOf(`?tenant=${platform.b.id.toUpperCase()}`)).toEqual(['other'])
  expect(await idsOf('?tenant=nobody')).toEqual([])
  expect(await idsOf('?pageSize=1&page=2')).toEqual(['later'])
  for (const query of ['?status=x', '?colour=red', '?page=0', '?status=dead%00'])
    expect((await ask(query)).status, query).toBe(400)
})

test('nobody else does', async () => {
  expect((await ask('', 'operator-no-more')).status).toBe(403)
  expect((await ask('', platform.a.actors['full']!.token)).status).toBe(403)
  expect((await ask('', '')).status).toBe(401)
})
