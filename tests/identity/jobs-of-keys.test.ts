import { defineJob, PermissionSet, type Principal } from '@plinth/core'
import { jobs } from '@plinth/jobs'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { openIdentity, type Identity, type Person } from './open-identity.ts'

/* What a key or a service account asks for runs as it is then: it is found without its secret, and not any more once it has ended. */

const who = defineJob({
  name: 'who',
  input: z.object({}),
  requested: true,
  retry: { attempts: 1 },
  run: (ctx) => `${ctx.principal.kind} ${ctx.can('crate:create')}`,
})

let platform: Identity
let owner: Person
beforeAll(async () => {
  platform = await openIdentity({ features: [jobs({ pollMs: 20 })], plinth: { jobs: [who] } })
  owner = await platform.signUp()
}, 120_000)
afterAll(() => platform.close())

const ask = async (method: string, path: string, body?: unknown, headers = owner.bearer) => {
  const reply = await platform.call(method, `/api/v1/${path}`, body, headers)
  expect(reply.status, reply.body).toBeLessThan(300)
  return (reply.json ?? {}) as Readonly<Record<string, string>>
}
/** What became of a job that is asked for with a key. */
const became = async (key: string, end: () => Promise<unknown> = async () => undefined): Promise<unknown> => {
  const { id } = await ask('POST', 'jobs', { type: 'who', delay: '5s' }, { 'x-api-key': key })
  await end()
  return ended(id!)
}
/** Five seconds later. */
const ended = async (id: string): Promise<unknown> => {
  platform.clock.advance(5_000)
  const [row] = await vi.waitFor(
    async () => {
      const rows = await platform.superuser.query(
        `select status, result::text as result, error from plinth.background_jobs where id = $1::uuid and finished_at is not null`,
        [id],
      )
      expect(rows).toHaveLength(1)
      return rows
    },
    { timeout: 20_000 },
  )
  return row?.['result'] ?? row?.['error']
}
/** Code that runs in the name of the owner. */
const asOwner = <T>(work: Parameters<typeof platform.plinth.as<T>>[2]): Promise<T> => {
  const { userId: id, tenantId } = owner
  const rights = { member: id }
  const person: Principal = {
    kind: 'user',
    id,
    name: 'Owner',
    userId: id,
    groupIds: [],
    tenant: null,
    rights,
    permissions: PermissionSet.none,
  }
  return platform.plinth.as(person, tenantId, work)
}
const GONE = 'Whoever asked for it may not enter this tenant any more.'

test('a key asks for a job as itself, until it is revoked', async () => {
  const { key, id } = await ask('POST', 'auth/api-keys', { name: 'Agent', role: 'developer' })
  expect(await became(key!)).toBe('"apiKey true"')
  expect(await became(key!, () => ask('DELETE', `auth/api-keys/${id}`))).toBe(GONE)
})

test('a service account does as itself, until it is gone', async () => {
  const { id } = await ask('POST', 'service-accounts', { name: 'Robot', roles: ['developer'] })
  const made = await ask('POST', `service-accounts/${id}/keys`, { name: 'First' })
  expect(await became(made['key']!)).toBe('"service true"')
  expect(await became(made['key']!, () => ask('PATCH', `service-accounts/${id}`, { roles: ['read_only'] }))).toBe(
    '"service false"',
  )
  await ask('PATCH', `service-accounts/${id}`, { roles: ['developer'] })
  expect(await became(made['key']!, () => ask('DELETE', `service-accounts/${id}`))).toBe(GONE)
})

test('what is done as a service account needs no key of it, and ends when it is disabled', async () => {
  const { id: as = '' } = await ask('POST', 'service-accounts', { name: 'Keyless', roles: ['developer'] })
  const run = async (end: () => Promise<unknown> = async () => undefined): Promise<unknown> => {
    const { id } = await asOwner((ctx) => ctx.enqueue(who, {}, { as, delay: '5s' }))
    await end()
    return ended(id)
  }
  expect(await run()).toBe('"service true"')
  expect(await run(() => ask('PATCH', `service-accounts/${as}`, { roles: ['read_only'] }))).toBe('"service false"')
  expect(await run(() => ask('PATCH', `service-accounts/${as}`, { disabled: true }))).toBe(GONE)
  expect(await run(() => ask('PATCH', `service-accounts/${as}`, { disabled: false }))).toBe('"service false"')
})

test('as a service account of another tenant nothing is done', async () => {
  const stranger = await platform.signUp()
  const { id: as = '' } = await ask('POST', 'service-accounts', { name: 'Theirs', roles: [] }, stranger.bearer)
  const { id } = await asOwner((ctx) => ctx.enqueue(who, {}, { as, delay: '5s' }))
  expect(await ended(id)).toBe(GONE)
})
