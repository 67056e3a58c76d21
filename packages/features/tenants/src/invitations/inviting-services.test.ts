import { buildPermissionSet, type Feature, type Principal, type Registry } from '@plinth/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { peoplePlatform, type PeoplePlatform, type Person } from '../../tests/people-platform.ts'

/* What a service may give is asked when the guest comes, as it is of people. */

let platform: PeoplePlatform
let registry: Registry
/** What the service of the configuration may do; undefined where it is gone. */
let permissions: readonly string[] | undefined
let tenant: string | null = null
const service = (): Principal | undefined =>
  permissions && {
    kind: 'service',
    id: 'front-desk',
    name: 'front-desk',
    userId: null,
    groupIds: [],
    tenant: tenant ?? platform.a.id,
    permissions: buildPermissionSet(registry.permissions, permissions).set,
  }
const services: Feature = {
  name: 'test-services',
  verify(known) {
    registry = known
    return []
  },
  slots: {
    auth: [{ kinds: ['bearer'], read: ({ value }) => (value === 'front-desk-token' ? service() : undefined) }],
    principals: [
      {
        kind: 'service',
        names: () => ['front-desk'],
        find: (name) => (name === 'front-desk' ? service() : undefined),
      },
    ],
  },
}
const all = ['user:*', 'membership:*', 'invitation:*', 'group:*', 'setting:*', 'featureFlag:*', 'domain:*']

beforeAll(async () => {
  platform = await peoplePlatform({ features: [services] })
}, 60_000)
afterAll(() => platform.close())

async function invited(
  email: string,
  roles: readonly string[],
): Promise<{ readonly id: string; readonly token: string }> {
  const headers = { authorization: 'Bearer front-desk-token' }
  const reply = await platform.request(undefined, 'POST', '/api/v1/invitations', { email, roles }, headers)
  expect(reply.status, reply.body).toBe(201)
  await platform.mail.waitFor(email)
  const [, id, token] = /\/invitations\/([^/]+)\/accept#token=(.+)$/.exec(platform.mail.linkTo(email))!
  return { id: id!, token: token! }
}

async function accepting(who: Person, { id, token }: { readonly id: string; readonly token: string }): Promise<string> {
  const reply = await platform.ask(who, 'POST', `/api/v1/invitations/${id}/accept`, { token }, { in: null })
  const { code } = (reply.json ?? {}) as { readonly code?: string }
  return [reply.status, code].filter(Boolean).join(' ')
}
const INVALID = '400 invitation_invalid'

test('a service that may give it still makes a member', async () => {
  permissions = all
  const guest = await platform.person()
  expect(await accepting(guest, await invited(guest.email, ['admin']))).toBe('200')
})

test('one that may less by now, is of another tenant, or is there no more, does not', async () => {
  permissions = all
  const guest = await platform.person()
  const sent = await invited(guest.email, ['admin'])
  permissions = ['user:read', 'invitation:*']
  expect(await accepting(guest, sent)).toBe(INVALID)
  permissions = undefined
  expect(await accepting(guest, sent)).toBe(INVALID)
  permissions = all
  tenant = platform.b.id
  expect(await accepting(guest, sent)).toBe(INVALID)
  tenant = null
  expect(await accepting(guest, sent)).toBe('200')
})

test('nobody comes in by an invitation of which nobody knows who sent it', async () => {
  permissions = all
  const guest = await platform.person()
  const sent = await invited(guest.email, [])
  await platform.stored('update plinth.invitations set service_id = null where id = $1::uuid', [sent.id])
  expect(await accepting(guest, sent)).toBe(INVALID)
})
