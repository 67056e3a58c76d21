import { audit } from '@plinth/audit'
import { defineJob, PermissionSet, type Principal } from '@plinth/core'
import { depot, folders } from '@plinth/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
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

const feature = audit()
let platform: JobPlatform
/** What whoever asked for a job is when it runs. */
let recalled: (tenantId: string) => Principal | undefined

beforeAll(async () => {
  platform = await jobPlatform(
    [tidy],
    {},
    {
      resources: depot,
      features: [
        feature,
        {
          name: 'test-people',
          slots: {
            recall: (_, tenant) => Promise.resolve(recalled(tenant.id)),
            auth: [
              {
                kinds: ['cookie'],
                read: ({ value }) => (value === 'of-a-browser' ? platform.principal() : undefined),
              },
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
