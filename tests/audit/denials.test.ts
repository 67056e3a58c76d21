import { audit } from '@plinth/audit'
import { defineJob, PermissionSet, problem, type PersonalRoute, type Principal } from '@plinth/core'
import { depot, folders, type TestReply } from '@plinth/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { jobPlatform, type JobPlatform } from '../../packages/features/jobs/tests/job-platform.ts'

/* What is denied is in the log, whatever way it was asked for: not by a route of ours alone. */

const PLATFORM = '00000000-0000-0000-0000-000000000000'

const tidy = defineJob({
  name: 'folder.tidy',
  input: z.object({}),
  retry: { attempts: 1 },
  run: (ctx) => ctx.create(folders, { name: 'tidied' }),
})

const nested = defineJob({
  name: 'folder.nested',
  input: z.object({}),
  retry: { attempts: 1 },
  run: () => deeply(),
})

/** As a program may: code in somebody's name, within code in his name. */
const deeply = (): Promise<unknown> =>
  platform.plinth.as(mere(), platform.a.id, () =>
    platform.plinth.as(mere(), platform.a.id, (ctx) => ctx.create(folders, { name: 'deep' })),
  )
const conflicting = (): Promise<unknown> =>
  platform.plinth.as(mere(), platform.a.id, () => Promise.reject(problem('conflict')))

/** Thrown each time. */
const barred = problem('permission_denied')

const route = (path: string, work: () => Promise<unknown>): PersonalRoute => ({
  method: 'POST',
  public: false,
  personal: 'anyone',
  inTenant: true,
  path,
  operationId: path.slice(1),
  summary: 'Deep',
  tag: 'depths',
  origin: 'platform',
  errors: ['permission_denied', 'conflict'],
  answers: [{ status: 200, description: 'Never' }],
  handle: async () => {
    await work()
    throw new Error('not denied')
  },
})

const feature = audit()
let platform: JobPlatform
/** What whoever asked for a job is when it runs. */
let recalled: (tenantId: string) => Principal | undefined

beforeAll(async () => {
  platform = await jobPlatform(
    [tidy, nested],
    {},
    {
      resources: depot,
      features: [
        feature,
        {
          name: 'depths',
          routes: () => [
            route('/deep', deeply),
            route('/conflict', conflicting),
            route('/barred', () => platform.plinth.as(mere(), platform.a.id, () => Promise.reject(barred))),
          ],
        },
        {
          name: 'test-people',
          slots: {
            recall: (_, tenant) => Promise.resolve(recalled(tenant.id)),
            auth: [
              {
                kinds: ['cookie'],
                read: ({ value }) => (value === 'of-a-browser' ? platform.principal() : undefined),
              },
              { kinds: ['bearer'], read: ({ value }) => (value === 'mere' ? mere() : undefined) },
            ],
          },
        },
      ],
    },
  )
}, 60_000)
afterAll(() => platform.close())

/** Nobody's rights: a person of tenant a who may do nothing. */
function mere(tenantId = platform.a.id): Principal {
  return {
    kind: 'service',
    id: 'mere',
    name: 'mere',
    userId: null,
    groupIds: [],
    tenant: tenantId,
    permissions: PermissionSet.none,
  }
}

async function told(work: () => Promise<unknown>, chain = platform.a.id): Promise<readonly string[]> {
  const entries = async (): Promise<readonly string[]> => {
    await feature.flushRefusals()
    await feature.seal()
    const rows = await platform.superuser.query(
      `select action, outcome, actor_kind, actor_id, target_id, detail from plinth.audit_logs
       where tenant_id = $1::uuid and outcome <> 'success' order by seq`,
      [chain],
    )
    return rows.map(
      (row) =>
        `${String(row['actor_kind'])}:${String(row['actor_id'])} ${String(row['action'])} ${String(row['outcome'])} ${String(row['target_id'])} ${(JSON.parse(String(row['detail'])) as { code: string }).code}`,
    )
  }
  const before = (await entries()).length
  await work()
  // Told after the answer.
  await expect.poll(async () => (await entries()).length).toBeGreaterThan(before)
  return (await entries()).slice(before)
}

test('a request that a browser was made to send, to a route of ours and to one of the host', async () => {
  const forged = { cookie: 'session_id=of-a-browser', origin: 'https://evil.example.com' }
  const ours = await told(async () => {
    const reply = await platform.request(undefined, 'POST', '/api/v1/folders', { name: 'x' }, forged)
    expect(reply.json).toMatchObject({ code: 'csrf_failed' })
  }, PLATFORM)
  expect(ours).toEqual(['anonymous: folder.create denied null csrf_failed'])
  const request = (): Request => new Request('http://test/host', { method: 'POST', headers: forged })
  const theirs = await told(async () => {
    expect((await platform.plinth.guard('folder:update')(request())).refused?.status).toBe(403)
    expect((await platform.plinth.guard(null)(request())).refused?.status).toBe(403)
  }, PLATFORM)
  expect(theirs.toSorted()).toEqual([
    'anonymous: folder.update denied null csrf_failed',
    'anonymous: host.post denied null csrf_failed',
  ])
})

test('what a guard denies, and what is denied behind it', async () => {
  const headers = { authorization: `Bearer ${platform.a.actors.reader.token}` }
  const request = (): Request => new Request('http://test/host', { method: 'POST', headers })
  const who = 'service:a-reader'
  expect(
    await told(async () => {
      expect((await platform.plinth.guard('folder:create')(request())).refused?.status).toBe(403)
    }),
  ).toEqual([`${who} folder.create denied null permission_denied`])
  const behind = await told(async () => {
    const { granted } = await platform.plinth.guard('folder:read')(request())
    await expect(granted!.as((ctx) => ctx.create(folders, { name: 'x' }))).rejects.toMatchObject({ status: 403 })
  })
  expect(behind).toEqual([`${who} folder.create denied null permission_denied`])
})

test('what code is denied that works in somebody’s name', async () => {
  const denied = await told(() =>
    expect(
      platform.plinth.as(mere(), platform.a.id, (ctx) => ctx.create(folders, { name: 'x' })),
    ).rejects.toMatchObject({ code: 'permission_denied' }),
  )
  expect(denied).toEqual(['service:mere folder.create denied null permission_denied'])
  const barred = await told(
    () =>
      expect(platform.plinth.as(mere(), platform.b.id, () => Promise.resolve())).rejects.toMatchObject({
        code: 'tenant_forbidden',
      }),
    PLATFORM,
  )
  expect(barred).toEqual(['service:mere tenant.enter denied null tenant_forbidden'])
})

test('what a job is denied, in the name of whoever asked for it, and one that may not come in any more', async () => {
  recalled = (tenantId) => mere(tenantId)
  let id = ''
  const run = async (): Promise<void> => {
    ;({ id } = await platform.plinth.as(mere(), platform.a.id, (ctx) => ctx.enqueue(tidy, {})))
    await platform.settled()
  }
  expect(await told(run)).toEqual(['service:mere folder.create denied null permission_denied'])
  recalled = () => undefined
  expect(await told(run)).toEqual([`service:mere job.run denied ${id} tenant_forbidden`])
})

describe('one denial is one entry', () => {
  const post = (path: string): Promise<TestReply> =>
    platform.request(undefined, 'POST', path, undefined, {
      authorization: 'Bearer mere',
      'x-tenant-id': platform.a.slug,
    })

  test('of code in somebody’s name within such code, in a route and in a job', async () => {
    const denied = 'service:mere folder.create denied null permission_denied'
    expect(await told(() => expect(deeply()).rejects.toMatchObject({ status: 403 }))).toEqual([denied])
    expect(await told(async () => expect((await post('/deep')).status).toBe(403))).toEqual([denied])
    recalled = (tenantId) => mere(tenantId)
    const run = async (): Promise<void> => {
      await platform.plinth.as(mere(), platform.a.id, (ctx) => ctx.enqueue(nested, {}))
      await platform.settled()
    }
    expect(await told(run)).toEqual([denied])
  })

  test('and no fewer: of the next one with the same error, and of what failed and was not denied', async () => {
    const twice = await told(async () => {
      expect((await post('/barred')).status).toBe(403)
      expect((await post('/barred')).status).toBe(403)
    })
    expect(twice).toEqual(Array.from({ length: 2 }, () => 'service:mere work.run denied null permission_denied'))
    expect(await told(async () => expect((await post('/conflict')).status).toBe(409))).toEqual([
      'service:mere depths.conflict failed null conflict',
    ])
  })
})
