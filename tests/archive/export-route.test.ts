import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { Readable } from 'node:stream'
import type { tenants } from '@plinth/tenants'
import { depot } from '@plinth/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openIdentity, PASSWORD, type Identity, type Person } from '../identity/open-identity.ts'
import { linesOf } from './open-archive.ts'

/* An owner takes what his organisation has along; nobody else does. */

let platform: Identity
let owner: Person
beforeAll(async () => {
  platform = await openIdentity({ resources: depot })
  owner = await platform.signUp()
}, 120_000)
afterAll(() => platform.close())

const path = (tenantId: string): string => `/api/v1/tenants/${tenantId}/export`
const spooled = (): number => readdirSync(tmpdir()).filter((name) => name.startsWith('plinth-export-')).length

/** The answer as it comes, its body unread. */
function answer(who: Person, tenantId: string, signal?: AbortSignal): Promise<Response> {
  const how = { method: 'POST', headers: who.bearer, ...(signal && { signal }) }
  return platform.plinth.fetch(new Request(`https://app.example.com${path(tenantId)}`, how))
}

/** While an archive is being written: it waits for a table. */
async function whileWriting(tenant: Person, work: () => Promise<void>, signal?: AbortSignal): Promise<Response> {
  let writing: Promise<Response> | undefined
  await platform.superuser.transaction(async (connection) => {
    await connection.query('lock table crates in access exclusive mode')
    writing = answer(tenant, tenant.tenantId, signal)
    const waiting = `select 1 from pg_locks where not granted and relation = 'crates'::regclass`
    await expect.poll(() => platform.superuser.query(waiting), { timeout: 10_000 }).toHaveLength(1)
    await work()
  })
  return writing!
}

async function member(role: string): Promise<Person> {
  const email = `${role.replaceAll('_', '-')}-of-${owner.email}`
  await platform.call('POST', '/api/v1/invitations', { email, roles: [role] }, owner.bearer)
  await platform.mail.waitFor(email)
  return platform.signUp({ email, invitationToken: platform.linkToken(email) })
}

test('an owner gets an archive: his rows, without what is hidden or secret, and nothing of others', async () => {
  await platform.twoTenants()
  for (const [title, at] of [
    ['first', 1],
    ['second', 2],
  ] as const)
    await platform.call('POST', '/api/v1/crates', { title, label: `label ${at}`, pieces: at }, owner.bearer)
  await platform.superuser.query(`insert into folders (tenant_id, id, name) values ($1::uuid, $1::uuid, 'folder')`, [
    owner.tenantId,
  ])
  await platform.superuser.query(
    `insert into documents (tenant_id, id, title, doc_key, folder_id, passphrase, internal_note, reviewed_by)
     values ($1::uuid, $1::uuid, 'canary-title', 'key', $1::uuid, 'canary-passphrase', 'canary-hidden', 'somebody')`,
    [owner.tenantId],
  )
  const got = await answer(owner, owner.tenantId)
  expect(got.status).toBe(200)
  expect(got.headers.get('content-type')).toBe('application/gzip')
  expect(got.headers.get('content-disposition')).toMatch(/^attachment; filename="organisation-\d+\.plinth"$/)
  expect(got.headers.get('cache-control')).toBe('no-store')
  const lines = linesOf(new Uint8Array(await got.arrayBuffer()))
  const text = lines.join('\n')
  expect(text).toContain('canary-title')
  expect(text).toContain(owner.email)
  expect(text).not.toMatch(/canary-passphrase|canary-hidden/)
  expect(text).not.toContain(platform.b.id)
  expect(JSON.parse(lines.at(-2)!)).toMatchObject({ end: 'archive' })
  expect(spooled()).toBe(0)
})

test('nobody else does: a stranger finds nothing, a member may not, a key is nobody who signed in', async () => {
  const stranger = await platform.signUp()
  expect((await platform.call('POST', path(owner.tenantId), undefined, stranger.bearer)).status).toBe(404)
  expect((await platform.call('POST', path(owner.tenantId))).status).toBe(401)
  for (const role of ['admin', 'read_only']) {
    const reply = await platform.call('POST', path(owner.tenantId), undefined, (await member(role)).bearer)
    expect([role, reply.status, reply.json]).toMatchObject([role, 403, { code: 'permission_denied' }])
  }
  const made = await platform.call('POST', '/api/v1/auth/api-keys', { name: 'Agent', role: 'owner' }, owner.bearer)
  const { key } = made.json as { key: string }
  expect((await platform.call('POST', path(owner.tenantId), undefined, { 'x-api-key': key })).status).toBe(403)
})

test('the operator sees no rows of tenants, by this way neither', async () => {
  const operator = await platform.signUp()
  await platform.superuser.query('update plinth.users set superadmin = true where id = $1::uuid', [operator.userId])
  platform.database.forget()
  await expect
    .poll(async () => (await platform.call('POST', path(owner.tenantId), undefined, operator.bearer)).json)
    .toMatchObject({ code: 'permission_denied', detail: expect.stringContaining('plinth tenant:export') as unknown })
})

test('what the owner took can be brought to another platform', async () => {
  const body = new Uint8Array(await (await answer(owner, owner.tenantId)).arrayBuffer())
  const other = await openIdentity({ resources: depot, features: [] })
  try {
    const archives = other.plinth.registry.features.find(({ name }) => name === 'tenants') as ReturnType<typeof tenants>
    const report = await archives.archive.import(() => Readable.from([body]))
    expect(report.usersCreated).toBeGreaterThan(1)
  } finally {
    await other.close()
  }
}, 60_000)

test('who hangs up leaves no file behind', async () => {
  const got = await answer(owner, owner.tenantId)
  await got.body!.cancel()
  expect(spooled()).toBe(0)
})

test('one archive is written at a time, so that founded tenants do not take all connections of those who sign in', async () => {
  const others = [await platform.signUp(), await platform.signUp()]
  const got = await whileWriting(owner, async () => {
    for (const other of others) {
      const refused = await answer(other, other.tenantId)
      expect(refused.status).toBe(503)
      expect(refused.headers.get('retry-after')).toBe('30')
    }
    const body = { email: owner.email, password: PASSWORD }
    expect((await platform.call('POST', '/api/v1/auth/login', body)).status).toBe(200)
  })
  expect(got.status).toBe(200)
  // Written and not read: others have their turn, and he has not.
  const read = await answer(others[0]!, others[0]!.tenantId)
  expect((await read.arrayBuffer()).byteLength).toBeGreaterThan(0)
  const second = await platform.call('POST', path(owner.tenantId), undefined, owner.bearer)
  expect([second.status, second.json]).toMatchObject([429, { code: 'too_many_exports' }])
  await got.body!.cancel()
  const third = await answer(others[1]!, others[1]!.tenantId)
  expect(third.status).toBe(200)
  await third.body!.cancel()
}, 30_000)

test('who hangs up while it is written gets no archive, and others have their turn', async () => {
  const hasty = await platform.signUp()
  const gone = new AbortController()
  const got = await whileWriting(hasty, () => Promise.resolve(gone.abort()), gone.signal)
  expect(got.status).toBe(503)
  const again = await answer(hasty, hasty.tenantId)
  expect(again.status).toBe(200)
  await again.body!.cancel()
}, 30_000)

test('a sign-in of eleven minutes ago is not enough, and the seventh archive of an hour is too much', async () => {
  const busy = await platform.signUp()
  for (let at = 0; at < 6; at += 1)
    expect((await answer(busy, busy.tenantId).then(async (got) => (await got.arrayBuffer(), got))).status).toBe(200)
  const refused = await platform.call('POST', path(busy.tenantId), undefined, busy.bearer)
  expect(refused.status).toBe(429)
  platform.clock.advance(11 * 60_000)
  const stale = await platform.call('POST', path(owner.tenantId), undefined, owner.bearer)
  expect([stale.status, stale.json]).toMatchObject([401, { code: 'reauthentication_required' }])
})
