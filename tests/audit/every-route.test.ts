import { createHash, randomBytes } from 'node:crypto'
import { audit } from '@plinth/audit'
import { createPlinth, silentLogger } from '@plinth/core'
import { embedded } from '@plinth/postgres'
import { capturedMail, softPasskey, type TestReply } from '@plinth/testing'
import { generateSync } from 'otplib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { lookoutDeclaration } from '../../examples/saas/src/declaration.ts'
import { identityFeatures, PASSWORD, PUBLIC_URL, type Person } from '../identity/open-identity.ts'
import { askToLogIn, askToRegister } from '../identity/passkeys.ts'
import { openWalk, type Walk } from './walk.ts'

/** Requests that change something and leave no entry, each with the reason. */
const none: Readonly<Record<string, string>> = {
  refreshTokens:
    'exchanges a token of a session that is there; one that comes back after its use is an entry (session.reused)',
  forgotPassword:
    'sends a mail; whether there is an account is told to nobody, and nothing changes before its link is used',
  resendVerification: 'the same',
  askForOwnPasskey: 'a challenge that nobody has answered',
  askForNewPasskey: 'a challenge that nobody has answered',
  askForPasskey: 'a challenge that nobody has answered',
  previewRole: 'reads',
  previewAssignment: 'reads',
  previewAclEntry: 'reads',
  previewAclEntryRemoval: 'reads',
}

/** Requests that do more than one thing, or one thing to many rows: an entry for each. */
const several: Readonly<Record<string, string>> = {
  register: 'the account, and the organisation that it founds',
  supersedeDocument: 'creates one document and deletes another',
  bulk: 'each of its operations',
  endSessions: 'each session',
  deleteVault: 'the vault, and the ties that go with it',
  deleteCrate: 'the crate, and the ties that go with it',
  deleteUser: 'the membership, and what it leaves behind',
}

let walk: Walk
let owner: Person
beforeAll(async () => {
  walk = await openWalk()
  owner = await walk.platform.signUp()
}, 120_000)
afterAll(() => walk.platform.close())

const idOf = (reply: TestReply): string => (reply.json as { id: string }).id
const api = (path: string): string => `/api/v1/${path}`

test('resources: create, replace, update, actions, delete, restore, bulk', async () => {
  const { bearer } = owner
  const go: Walk['go'] = (operation, method, path, body) => walk.go(operation, method, api(path), body, bearer)
  const folderId = idOf(await go('createFolder', 'POST', 'folders', { name: 'one' }))
  await go('replaceFolder', 'PUT', `folders/${folderId}`, { name: 'two' })
  await go('updateFolder', 'PATCH', `folders/${folderId}`, { name: 'three' })
  const operations = [{ op: 'create', data: { name: 'bulk' } }]
  await go('bulkFolder', 'POST', 'folders/bulk', { operations })
  const draft = { title: 'Doc', docKey: 'k', folderId, authorEmail: 'a@example.com' }
  const documentId = idOf(await go('createDocument', 'POST', 'documents', draft))
  const other = idOf(await go('createDocument', 'POST', 'documents', { ...draft, body: 'words' }))
  await go('replaceDocument', 'PUT', `documents/${documentId}`, draft)
  await go('updateDocument', 'PATCH', `documents/${documentId}`, { title: 'Paper' })
  await go('moveDocument', 'POST', `documents/${documentId}/move`, { folderId })
  await go('quoteDocument', 'POST', `documents/${documentId}/quote`, { documentId: other })
  await go('reviewDocument', 'POST', `documents/${documentId}/review`, { documentId: other })
  await go('supersedeDocument', 'POST', `documents/${other}/supersede`, { title: 'Next' })
  await go('deleteDocument', 'DELETE', `documents/${documentId}`)
  await go('restoreDocument', 'POST', `documents/${documentId}/restore`)
  await go('bulkDocument', 'POST', 'documents/bulk', { operations: [{ op: 'create', data: draft }] })
  const crate = { title: 'Crate', label: 'l1', pieces: 1 }
  const crateId = idOf(await go('createCrate', 'POST', 'crates', crate))
  await go('replaceCrate', 'PUT', `crates/${crateId}`, { ...crate, pieces: 2 })
  await go('updateCrate', 'PATCH', `crates/${crateId}`, { pieces: 3 })
  await go('sealCrate', 'POST', `crates/${crateId}/seal`)
  await go('weighCrate', 'POST', `crates/${crateId}/weigh`, { weight: 5 })
  await go('bulkCrate', 'POST', 'crates/bulk', { operations: [{ op: 'create', data: { ...crate, label: 'l2' } }] })
  const vaultId = idOf(await go('createVault', 'POST', 'vaults', { name: 'v', pin: '123456' }))
  await go('replaceVault', 'PUT', `vaults/${vaultId}`, { name: 'v2' })
  await go('updateVault', 'PATCH', `vaults/${vaultId}`, { name: 'v3' })
  await go('bulkVault', 'POST', 'vaults/bulk', { operations: [{ op: 'create', data: { name: 'v4' } }] })
  const stowageId = idOf(await go('createStowage', 'POST', 'stowages', { crateId, vaultId }))
  await go('replaceStowage', 'PUT', `stowages/${stowageId}`, { crateId, vaultId })
  await go('updateStowage', 'PATCH', `stowages/${stowageId}`, { crateId })
  await go('deleteStowage', 'DELETE', `stowages/${stowageId}`)
  await go('bulkStowage', 'POST', 'stowages/bulk', { operations: [{ op: 'create', data: { crateId, vaultId } }] })
  const manifestId = idOf(await go('createManifest', 'POST', 'manifests', { title: 'm' }))
  await go('replaceManifest', 'PUT', `manifests/${manifestId}`, { title: 'm2' })
  await go('updateManifest', 'PATCH', `manifests/${manifestId}`, { title: 'm3' })
  await go('bulkManifest', 'POST', 'manifests/bulk', { operations: [{ op: 'create', data: { title: 'm4' } }] })
  const berth = { id: 'b-1', title: 'b', manifestId }
  await go('createBerth', 'POST', 'berths', berth)
  await go('replaceBerth', 'PUT', 'berths/b-1', { title: 'b2', manifestId })
  await go('updateBerth', 'PATCH', 'berths/b-1', { title: 'b3' })
  await go('assignBerth', 'POST', 'berths/b-1/assign', { manifestId })
  await go('bulkBerth', 'POST', 'berths/bulk', { operations: [{ op: 'create', data: { ...berth, id: 'b-2' } }] })
  await go('deleteBerth', 'DELETE', 'berths/b-1')
  const letterId = idOf(await go('createLetter', 'POST', 'letters', { subject: 's', words: 'private' }))
  await go('deleteLetter', 'DELETE', `letters/${letterId}`)
  await go('bulkLetter', 'POST', 'letters/bulk', { operations: [{ op: 'create', data: { subject: 't' } }] })
  const lone = idOf(await go('createManifest', 'POST', 'manifests', { title: 'lone' }))
  await go('deleteManifest', 'DELETE', `manifests/${lone}`)
  await go('deleteVault', 'DELETE', `vaults/${vaultId}`)
  await go('deleteCrate', 'DELETE', `crates/${crateId}`)
  const empty = idOf(await go('createFolder', 'POST', 'folders', { name: 'empty' }))
  await go('deleteFolder', 'DELETE', `folders/${empty}`)
}, 120_000)

test('one’s own account, sessions, factors and keys', async () => {
  const { platform, go } = walk
  await go('register', 'POST', api('auth/register'), {
    email: 'walker@example.com',
    password: PASSWORD,
    organizationName: 'Walkers',
  })
  const signIn = async (): Promise<Readonly<Record<string, string>> & { readonly refresh: string }> => {
    const reply = await go('logIn', 'POST', api('auth/login'), { email: 'walker@example.com', password: PASSWORD })
    const { access_token: token, refresh_token: refresh } = reply.json as {
      access_token: string
      refresh_token: string
    }
    return { authorization: `Bearer ${token}`, refresh }
  }
  const { refresh, ...bearer } = await signIn()
  await platform.mail.waitFor('walker@example.com')
  await go('verifyEmail', 'POST', api('auth/email/verify'), { token: platform.linkToken('walker@example.com') }, bearer)
  await go('refreshTokens', 'POST', api('auth/refresh'), { refresh_token: refresh })
  await go('updateMe', 'PATCH', api('auth/me'), { name: 'Walker' }, bearer)
  await go('reauthenticate', 'POST', api('auth/reauthenticate'), { currentPassword: PASSWORD }, bearer)
  const second = await signIn()
  const sessions = await platform.call('GET', api('auth/sessions'), undefined, bearer)
  const others = (sessions.json as { data: { id: string; current: boolean }[] }).data.filter(({ current }) => !current)
  await go('endOwnSession', 'DELETE', api(`auth/sessions/${others[0]!.id}`), undefined, bearer)
  await go('endOwnSessions', 'DELETE', api('auth/sessions'), undefined, bearer)
  const page = await platform.call('GET', '/login', undefined, { accept: 'application/json' })
  const cookie = /[\w-]*before_login=[\w-]+/.exec(page.headers['set-cookie'] ?? '')![0]
  const form = { identifier: 'walker@example.com', password: PASSWORD }
  await go('logInByCookie', 'POST', '/login', form, {
    cookie,
    origin: PUBLIC_URL,
    accept: 'application/json',
    'x-csrf-token': (page.json as { csrf_token: string }).csrf_token,
  })
  const key = await go('makeApiKey', 'POST', api('auth/api-keys'), { name: 'Key', role: 'owner' }, bearer)
  await go('rotateApiKey', 'POST', api(`auth/api-keys/${idOf(key)}/rotate`), {}, bearer)
  const list = await platform.call('GET', api('auth/api-keys'), undefined, bearer)
  const keys = (list.json as { data: { id: string }[] }).data
  await go('revokeOwnApiKey', 'DELETE', api(`auth/api-keys/${keys[0]!.id}`), undefined, bearer)
  const another = idOf(await go('makeApiKey', 'POST', api('auth/api-keys'), { name: 'Two', role: 'owner' }, bearer))
  await go('revokeApiKey', 'DELETE', api(`api-keys/${another}`), undefined, bearer)
  const set = await go('setUpSecondFactor', 'POST', api('auth/mfa/setup'), {}, bearer)
  const { id, secret } = set.json as { id: string; secret: string }
  const code = (): string => generateSync({ secret, epoch: Math.floor(platform.clock.now().getTime() / 1000) })
  await go('verifySecondFactor', 'POST', api('auth/mfa/verify'), { code: code() }, bearer)
  platform.clock.advance(30_000)
  await go('renameSecondFactor', 'PATCH', api(`auth/mfa/devices/${id}`), { name: 'Phone' }, bearer)
  await go('replaceRecoveryCodes', 'POST', api('auth/mfa/recovery-codes'), {}, bearer)
  const passkey = softPasskey({ origin: PUBLIC_URL })
  const asked = await askToRegister(platform, bearer)
  const added = await go(
    'registerPasskey',
    'POST',
    api('auth/passkeys/register/verify'),
    { ceremony: asked.ceremony, credential: passkey.create(asked.publicKey) },
    bearer,
  )
  const login = await askToLogIn(platform)
  await go('logInByPasskey', 'POST', api('auth/passkeys/login/verify'), {
    ceremony: login.ceremony,
    credential: passkey.get(login.publicKey),
  })
  await go('removeSecondFactor', 'DELETE', api(`auth/mfa/devices/${idOf(added)}`), undefined, bearer)
  await go('removeSecondFactors', 'DELETE', api('auth/mfa/devices'), undefined, bearer)
  await go(
    'changePassword',
    'POST',
    api('auth/password/change'),
    { currentPassword: PASSWORD, newPassword: `${PASSWORD} 2` },
    bearer,
  )
  await go('forgotPassword', 'POST', api('auth/password/forgot'), { email: 'walker@example.com' })
  await platform.plinth.fetch(new Request('https://app.example.com/health'))
  await expect.poll(() => platform.mail.to('walker@example.com').at(-1)?.text, { timeout: 10_000 }).toContain('#token=')
  const reset = { token: platform.linkToken('walker@example.com'), password: PASSWORD }
  await go('resetPassword', 'POST', api('auth/password/reset'), reset)
  const chains = await platform.superuser.query(
    `select t.name from plinth.audit_logs l left join plinth.tenants t on t.id = l.tenant_id where l.action = 'password.reset'`,
  )
  // His tenant sees it, though it was done in none.
  expect(chains).toEqual([{ name: 'Walkers' }])
  const { refresh: _, ...last } = await signIn()
  await go('logOut', 'POST', api('auth/logout'), {}, last)
  expect(second.refresh).not.toBe('')
  const token = `btp_${randomBytes(32).toString('base64url')}`
  await platform.superuser.query(
    `insert into plinth.one_time_tokens (token_hash, purpose, created_at, expires_at) values ($1::text, 'bootstrap', now(), now() + interval '90 years')`,
    [createHash('sha256').update(token).digest('base64url')],
  )
  await go('bootstrapOperator', 'POST', api('auth/bootstrap'), {
    token,
    email: 'operator@example.com',
    password: PASSWORD,
  })
}, 180_000)

test('people, roles, groups, services and the tenant', async () => {
  const { platform, dns } = walk
  const { bearer, tenantId } = owner
  const go = (operation: string, method: string, path: string, body?: unknown, headers = bearer) =>
    walk.go(operation, method, api(path), body, headers)
  const role = await go('createRole', 'POST', 'roles', { name: 'guide', permissions: ['folder:read'] })
  await go('updateRole', 'PATCH', `roles/${idOf(role)}`, { description: 'shows' })
  await go('replaceRole', 'PUT', `roles/${idOf(role)}`, {
    name: 'guide',
    permissions: ['folder:read', 'crate:read'],
  })
  await go('bulkRole', 'POST', 'roles/bulk', {
    operations: [{ op: 'create', data: { name: 'one', permissions: [] } }],
  })
  const permission = await go('createPermission', 'POST', 'permissions', { model: 'folder', action: '*' })
  await go('updatePermission', 'PATCH', `permissions/${idOf(permission)}`, { description: 'all' })
  await go('replacePermission', 'PUT', `permissions/${idOf(permission)}`, { model: 'folder', action: '*' })
  await go('bulkPermission', 'POST', 'permissions/bulk', {
    operations: [{ op: 'create', data: { model: 'crate', action: '*' } }],
  })
  await go('deletePermission', 'DELETE', `permissions/${idOf(permission)}`)
  const group = idOf(await go('createGroup', 'POST', 'groups', { name: 'g' }))
  await go('updateGroup', 'PATCH', `groups/${group}`, { name: 'g2' })
  await go('replaceGroup', 'PUT', `groups/${group}`, { name: 'g3' })
  await go('bulkGroup', 'POST', 'groups/bulk', { operations: [{ op: 'create', data: { name: 'g4' } }] })
  const invited = await go('createUser', 'POST', 'users', {
    email: 'member@example.com',
    roles: ['user'],
    password: PASSWORD,
    name: 'Member',
  })
  const memberId = idOf(invited)
  await go('updateUser', 'PATCH', `users/${memberId}`, { roles: ['user', 'read_only'] })
  await go('replaceUser', 'PUT', `users/${memberId}`, { roles: ['user'], status: 'active' })
  await go('addGroupMember', 'POST', `groups/${group}/members`, { userId: memberId })
  await go('removeGroupMember', 'DELETE', `groups/${group}/members/${memberId}`)
  await go('replaceGroupMembers', 'PUT', `groups/${group}/members`, { userIds: [memberId] })
  const assigned = await go('assignRole', 'POST', 'user-roles', { userId: memberId, role: 'guide' })
  await go('revokeRoleById', 'DELETE', `user-roles/${idOf(assigned)}`)
  await go('assignRole', 'POST', 'user-roles', { userId: memberId, role: 'guide' })
  await go('revokeRole', 'DELETE', `user-roles?userId=${memberId}&role=guide`)
  await go('deleteRole', 'DELETE', `roles/${idOf(role)}`)
  const folder = idOf(await go('createFolder', 'POST', 'folders', { name: 'shared' }))
  const entry = await go('createAclEntry', 'POST', 'acl', {
    resource: 'folder:read',
    recordId: folder,
    principal: { kind: 'user', id: memberId },
    effect: 'allow',
  })
  await go('deleteAclEntry', 'DELETE', `acl/${idOf(entry)}`)
  await go('deleteGroup', 'DELETE', `groups/${group}`)
  const service = idOf(await go('createServiceAccount', 'POST', 'service-accounts', { name: 'S', role: 'user' }))
  await go('updateServiceAccount', 'PATCH', `service-accounts/${service}`, { name: 'S2' })
  const key = idOf(await go('makeServiceAccountKey', 'POST', `service-accounts/${service}/keys`, { name: 'K' }))
  const rotated = await go('rotateServiceAccountKey', 'POST', `service-accounts/${service}/keys/${key}/rotate`, {})
  await go('revokeServiceAccountKey', 'DELETE', `service-accounts/${service}/keys/${idOf(rotated)}`)
  await go('deleteServiceAccount', 'DELETE', `service-accounts/${service}`)
  const invitation = idOf(
    await go('createInvitation', 'POST', 'invitations', { email: 'guest@example.com', roles: ['user'] }),
  )
  await go('resendInvitation', 'POST', `invitations/${invitation}/resend`)
  const guest = await platform.signUp({ email: 'guest@example.com' })
  await platform.superuser.query('update plinth.users set email_verified_at = now() where id = $1::uuid', [
    guest.userId,
  ])
  await expect
    .poll(() => platform.mail.to('guest@example.com').filter(({ text }) => text.includes('/invitations')).length, {
      timeout: 10_000,
    })
    .toBeGreaterThan(0)
  const mail = platform.mail
    .to('guest@example.com')
    .filter(({ text }) => /#token=inv/.test(text))
    .at(-1)!
  const token = /#token=([\w-]+)/.exec(mail.text)![1]!
  await go('acceptInvitation', 'POST', `invitations/${invitation}/accept`, { token }, guest.bearer)
  const again = idOf(
    await go('createInvitation', 'POST', 'invitations', { email: 'other@example.com', roles: ['user'] }),
  )
  await go('deleteInvitation', 'DELETE', `invitations/${again}`)
  await go('switchTenant', 'POST', 'auth/switch-tenant', { tenant: tenantId }, guest.bearer)
  const list = await platform.call('GET', api('sessions'), undefined, bearer)
  const theirs = (list.json as { data: { id: string; ownerUserId: string }[] }).data.find(
    (one) => one.ownerUserId === guest.userId,
  )!
  await go('endSession', 'DELETE', `sessions/${theirs.id}`)
  await platform.call('POST', api('auth/login'), { email: 'member@example.com', password: PASSWORD, tenant: tenantId })
  await go('endSessions', 'DELETE', 'sessions?confirm=sessions')
  await go('deleteUser', 'DELETE', `users/${memberId}`)
  const domain = await go('createDomain', 'POST', 'domains', { domain: 'walkers-agency.com' })
  const shown = await platform.call('GET', api(`domains/${idOf(domain)}`), undefined, bearer)
  dns.set('_plinth.walkers-agency.com', String((shown.json as Record<string, unknown>)['token']))
  await go('verifyDomain', 'POST', `domains/${idOf(domain)}/verify`)
  await go('updateDomain', 'PATCH', `domains/${idOf(domain)}`, { autoJoin: true })
  await go('replaceDomain', 'PUT', `domains/${idOf(domain)}`, { domain: 'walkers-agency.com', autoJoin: true })
  const joining = await platform.signUp({ email: 'joining@walkers-agency.com' })
  await platform.superuser.query('update plinth.users set email_verified_at = now() where id = $1::uuid', [
    joining.userId,
  ])
  await go('joinTenant', 'POST', 'tenants/join', undefined, joining.bearer)
  await go('deleteDomain', 'DELETE', `domains/${idOf(domain)}`)
  await go('updateSettings', 'PATCH', 'settings', { 'mail.footer': 'f' })
  await go('updateOwnSettings', 'PATCH', 'settings/me', { signature: 's' })
  await go('updateFeatureFlag', 'PATCH', 'feature-flags', { 'new-editor': true })
  await go('exportAuditLogs', 'POST', 'audit-logs/export', {})
  await go('exportTenant', 'POST', `tenants/${tenantId}/export`)
  await go('createTenant', 'POST', 'tenants', { name: 'Second' })
  await go('updateTenant', 'PATCH', `tenants/${tenantId}`, { name: 'Renamed' })
}, 180_000)

test('jobs and dead letters', async () => {
  const go = (operation: string, path: string, body?: unknown) =>
    walk.go(operation, 'POST', api(path), body, owner.bearer)
  const ask = async (): Promise<string> => idOf(await go('createJob', 'jobs', { type: 'folder.tidy' }))
  const dead = (id: string): Promise<unknown> =>
    walk.platform.superuser.query(`update plinth.background_jobs set status = 'dead' where id = $1::uuid`, [id])
  const id = await ask()
  await go('cancelJob', `jobs/${id}/cancel`)
  await go('retryJob', `jobs/${id}/retry`)
  await dead(id)
  await go('redriveDeadLetter', `dead-letters/${id}/redrive`)
  await dead(id)
  await go('discardDeadLetter', `dead-letters/${id}/discard`)
}, 60_000)

test('webhooks', async () => {
  const { platform } = walk
  const go: Walk['go'] = (operation, method, path, body) => walk.go(operation, method, api(path), body, owner.bearer)
  const url = 'https://hooks.example.com/plinth'
  const id = idOf(await go('createWebhook', 'POST', 'webhooks', { url, events: ['folder.*'] }))
  // Nothing is sent: what comes of that is told as well.
  await platform.superuser.query(`update plinth.webhooks_out set paused_until = 'infinity'`)
  await go('updateWebhook', 'PATCH', `webhooks/${id}`, { description: 'd' })
  await go('replaceWebhook', 'PUT', `webhooks/${id}`, { url, events: ['folder.created'], active: true })
  await go('rotateWebhookSecret', 'POST', `webhooks/${id}/rotate-secret`, {})
  const test = idOf(await go('testWebhook', 'POST', `webhooks/${id}/test`))
  await platform.superuser.query(`update plinth.webhook_deliveries set status = 'failed'`)
  await go('redeliverWebhookDelivery', 'POST', `webhooks/${id}/deliveries/${test}/redeliver`)
  await go('deleteWebhook', 'DELETE', `webhooks/${id}`)
}, 60_000)

test('what the operator does', async () => {
  const { platform } = walk
  const operator = await platform.signUp()
  await platform.superuser.query('update plinth.users set superadmin = true where id = $1::uuid', [operator.userId])
  platform.database.forget()
  const signed = await platform.call('POST', api('auth/login'), { email: operator.email, password: PASSWORD })
  const bearer = { authorization: `Bearer ${(signed.json as { access_token: string }).access_token}` }
  const go = (operation: string, method: string, path: string, body?: unknown) =>
    walk.go(operation, method, api(path), body, bearer)
  const somebody = await platform.signUp()
  await go('suspendTenant', 'POST', `tenants/${somebody.tenantId}/suspend`)
  await go('reactivateTenant', 'POST', `tenants/${somebody.tenantId}/reactivate`)
  await go('suspendAnyUser', 'PATCH', `admin/users/${somebody.userId}`, { status: 'suspended' })
  await go('updatePlatformSettings', 'PATCH', 'admin/settings', { 'site.banner': 'b' })
  await go('updateAllFeatureFlags', 'PATCH', 'admin/feature-flags', { flags: { billing: true } })
  await go('deleteTenant', 'DELETE', `tenants/${somebody.tenantId}`)
  // And reads of it: his log, and nobody's else.
  const read = await platform.call('GET', api('admin/audit-logs?pageSize=100'), undefined, bearer)
  const { data } = read.json as { readonly data: readonly { readonly action: string }[] }
  expect(data.map(({ action }) => action)).toEqual(expect.arrayContaining(['featureFlag.updated', 'setting.updated']))
  expect(data.map(({ action }) => action)).not.toContain('folder.created')
  const again = await platform.call('GET', api('admin/audit-logs?action=auditLog.listed'), undefined, bearer)
  expect((again.json as { readonly data: unknown[] }).data).toHaveLength(1)
  expect((await platform.call('GET', api('admin/audit-logs'), undefined, owner.bearer)).status).toBe(403)
}, 120_000)

test('every request that changed something left exactly one entry', () => {
  const wrong: string[] = []
  for (const [operation, left] of walk.left) {
    for (const entries of left) {
      const count = entries === '' ? 0 : entries.split(', ').length
      const allowed =
        operation in none
          ? count === 0
          : operation in several || operation.startsWith('bulk')
            ? count >= 1
            : count === 1
      if (!allowed || entries.includes('failed') || entries.includes('denied')) wrong.push(`${operation}: ${entries}`)
    }
  }
  expect(wrong).toEqual([])
})

test('and there is no route that was forgotten', () => {
  const asked = new Set([...walk.left.keys(), ...Object.keys(none)])
  const routes = walk.platform.plinth.routes.filter(({ method, unlisted }) => method !== 'GET' && unlisted !== true)
  const forgotten = [...new Set(routes.map(({ operationId }) => operationId))].filter((id) => !asked.has(id))
  expect(forgotten).toEqual([])
})

test('the routes of Lookout are among these, or writes of its resources, which are recorded in their own statement', () => {
  const plinth = createPlinth({
    database: embedded('memory://'),
    resources: lookoutDeclaration({ allowPrivate: false, timeout: 1_000 }).resources,
    features: identityFeatures({ features: [audit()] }),
    mailer: capturedMail(),
    log: silentLogger,
    env: {
      ENVIRONMENT: 'test',
      PUBLIC_URL,
      SECRET_KEYS: `k1:${createHash('sha256').update('keys of the walk').digest('base64')}`,
    },
  })
  const known = new Set([...walk.left.keys(), ...Object.keys(none)])
  const others = plinth.routes.filter(({ method, operationId }) => method !== 'GET' && !known.has(operationId))
  expect(others.length).toBeGreaterThan(10)
  expect(others.filter((route) => route.origin !== 'product').map(({ operationId }) => operationId)).toEqual([])
})
