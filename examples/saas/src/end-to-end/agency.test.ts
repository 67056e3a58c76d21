import { setTimeout as pass } from 'node:timers/promises'
import { generateSync } from 'otplib'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { asker, signIn, signUp, type Ask, type Person } from './api.ts'
import { dataFolder, removeFolders, startProcess, type LookoutProcess } from './lookout-process.ts'
import { openMailbox, type Mailbox } from './mailbox.ts'
import { places, type Place } from './places.ts'

/* An agency from signing up to parting: Lookout as a process, its mails on a real mail server. In order; each test goes on. */

// Whole processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 })
afterAll(removeFolders)

const password = 'kestrel over seven quays'

describe.each(places)('an agency on $name', ({ name, make }) => {
  const dataDir = dataFolder()
  const running: LookoutProcess[] = []
  let place: Place
  let mailbox: Mailbox
  let origin = ''
  let owner: Person
  let colleague: Person
  let reader: Person
  let siteId = ''

  const start = async (): Promise<string> => {
    const lookout = await startProcess({ DATA_DIR: dataDir, ...place.env, ...mailbox.env })
    running.push(lookout)
    return lookout.origin
  }
  beforeAll(async () => {
    ;[place, mailbox] = await Promise.all([make(), openMailbox()])
    origin = await start()
  })
  afterAll(async () => {
    for (const lookout of running) await lookout.stop()
    await mailbox.close()
    await place.remove()
  })

  const nobody: Ask = (...given) => asker(origin, '')(...given)
  const ok = { status: 200 }
  const made = { status: 201 }
  const gone = { status: 204 }
  const denied = { status: 403, body: { code: 'permission_denied' } }

  /** Asks somebody in by mail; he registers with the token of the link. */
  const invite = async (email: string, role: string): Promise<Person> => {
    expect(await owner.ask('POST', '/invitations', { email, roles: [role] })).toMatchObject(made)
    const invitationToken = await mailbox.tokenOf(email, /^\/invitations\/[\w-]+\/accept$/)
    return signUp(origin, { email, password, invitationToken })
  }

  /** Sets up an authenticator and confirms it. @returns codes, one at a time: each counts once */
  const addFactor = async (person: Person): Promise<() => string> => {
    const setUp = await person.ask('POST', '/auth/mfa/setup', { name: 'Phone' })
    expect(setUp).toMatchObject({ status: 200, body: { qr: expect.stringContaining('<svg') } })
    const secret = String(setUp.body['secret'])
    // The step of now and the one after it are right for as long as this takes, wherever in a step it began.
    const began = Math.floor(Date.now() / 1_000)
    let steps = 0
    const next = (): string => generateSync({ secret, epoch: began + 30 * steps++ })
    const confirmed = await person.ask('POST', '/auth/mfa/verify', { code: next() })
    expect(confirmed).toMatchObject(ok)
    expect(new Set(confirmed.body['recoveryCodes'] as string[]).size).toBe(10)
    return next
  }

  test('is founded by whoever signs up, and is his', async () => {
    owner = await signUp(origin, { email: 'ada@agency.example', password, organizationName: 'Agency' })
    const me = await owner.ask('GET', '/auth/me')
    expect(me.body).toMatchObject({ roles: ['owner'], tenant: { slug: 'agency', name: 'Agency' } })
    const verified = await owner.ask('POST', '/auth/email/verify', {
      token: await mailbox.tokenOf(owner.email, /^\/verify-email$/),
    })
    expect(verified.status).toBeLessThan(300)
    const site = await owner.ask('POST', '/sites', { name: 'Bakery', url: `${origin}/demo` })
    expect(site).toMatchObject(made)
    siteId = String(site.body['id'])
    const again = { email: owner.email, password, organizationName: 'Agency' }
    expect(await nobody('POST', '/auth/register', again)).toMatchObject({ status: 409, body: { code: 'email_taken' } })
  })

  test('invites a developer, who works with its rows and invites nobody', async () => {
    colleague = await invite('bea@agency.example', 'developer')
    expect((await colleague.ask('GET', '/auth/me')).body).toMatchObject({
      roles: ['developer'],
      tenant: { slug: 'agency' },
      user: { email: 'bea@agency.example', emailVerified: true },
    })
    const monitor = await colleague.ask('POST', '/monitors', { siteId, name: 'Home', path: '/status-page' })
    expect(monitor).toMatchObject(made)
    expect(await colleague.ask('POST', `/monitors/${String(monitor.body['id'])}/check`)).toMatchObject({
      status: 200,
      body: { lastStatus: 'up' },
    })
    const guest = { email: 'eve@agency.example', roles: ['developer'] }
    expect(await colleague.ask('POST', '/invitations', guest)).toMatchObject(denied)
    expect(await colleague.ask('PATCH', `/users/${colleague.userId}`, { roles: ['owner'] })).toMatchObject({
      status: 403,
    })
  })

  test('lets in by a link once, and only whom it was sent to', async () => {
    const token = await mailbox.tokenOf(colleague.email, /^\/invitations\//)
    for (const email of ['eve@agency.example', 'mallory@elsewhere.example'])
      expect(await nobody('POST', '/auth/register', { email, password, invitationToken: token })).toMatchObject({
        status: 400,
        body: { code: 'invitation_invalid' },
      })
  })

  test('has a reader who reads, and changes nothing', async () => {
    reader = await invite('rea@agency.example', 'read_only')
    expect(await reader.ask('GET', `/sites/${siteId}`)).toMatchObject({ status: 200, body: { name: 'Bakery' } })
    for (const [method, path, body] of [
      ['POST', '/sites', { name: 'Mine', url: `${origin}/demo` }],
      ['PATCH', `/sites/${siteId}`, { name: 'Mine' }],
      ['DELETE', `/sites/${siteId}`, undefined],
      ['POST', '/invitations', { email: 'eve@agency.example', roles: ['read_only'] }],
      ['POST', '/auth/api-keys', { name: 'Mine', role: 'read_only' }],
    ] as const)
      expect(await reader.ask(method, path, body), `${method} ${path}`).toMatchObject(denied)
    expect((await owner.ask('GET', `/sites/${siteId}`)).body).toMatchObject({ name: 'Bakery', version: 1 })
  })

  test('has managers who see the clients of their groups, and support that can say why', async () => {
    const [bakeries, florists] = await Promise.all(
      ['Bakeries', 'Florists'].map(async (group) => {
        const answer = await owner.ask('POST', '/groups', { name: group })
        expect(answer).toMatchObject(made)
        return String(answer.body['id'])
      }),
    )
    const manager = await invite('max@agency.example', 'client_manager')
    const joined = await owner.ask('POST', `/groups/${bakeries}/members`, { userId: manager.userId })
    expect(joined.status, JSON.stringify(joined.body)).toBeLessThan(300)
    const florist = await owner.ask('POST', '/sites', { name: 'Florist', url: `${origin}/demo` })
    expect(florist).toMatchObject(made)
    const theirs = String(florist.body['id'])
    await pass(1_000) // As long as any process may keep what it knows of a member.
    // Who is in one group need not name it: what he makes belongs to it.
    const baker = await manager.ask('POST', '/sites', { name: 'Baker', url: `${origin}/demo` })
    expect(baker).toMatchObject({ status: 201, body: { ownerGroupId: bakeries } })
    const his = String(baker.body['id'])
    const monitor = await manager.ask('POST', '/monitors', { siteId: his, name: 'Shop', path: '/status-page' })
    expect(monitor).toMatchObject(made)

    const seen = (await manager.ask('GET', '/sites')).body['data'] as readonly { readonly name: string }[]
    expect(seen.map((site) => site.name)).toEqual(['Baker'])
    expect(await manager.ask('GET', '/monitors')).toMatchObject({ status: 200, body: { data: [{ name: 'Shop' }] } })
    expect(await manager.ask('GET', `/sites/${theirs}`)).toMatchObject({ status: 404 })
    expect(await manager.ask('PATCH', `/sites/${theirs}`, { name: 'Mine' })).toMatchObject({ status: 404 })
    expect(await manager.ask('PATCH', `/sites/${his}`, { ownerGroupId: florists })).toMatchObject({ status: 400 })
    expect(await manager.ask('GET', '/agents')).toMatchObject(denied)

    // What a client pays is for the owner to know, and for whom he tells.
    const priced = await owner.ask('PATCH', `/sites/${his}`, { monthlyFee: 12_000 })
    expect(priced).toMatchObject({ status: 200, body: { monthlyFee: 12_000 } })
    for (const path of [`/sites/${his}`, '/sites', '/monitors?include=site']) {
      const shown = await manager.ask('GET', path)
      expect(shown.status).toBe(200)
      expect(JSON.stringify(shown.body)).not.toContain('monthlyFee')
    }
    expect(await manager.ask('GET', '/sites?monthlyFee[gt]=1')).toMatchObject({ status: 400 })
    expect(await manager.ask('PATCH', `/sites/${his}`, { monthlyFee: 1 })).toMatchObject(denied)

    const support = await invite('sue@agency.example', 'support')
    const why = (site: string) =>
      support.ask('GET', `/explain?action=site:update&id=${site}&principal=${encodeURIComponent(manager.email)}`)
    expect(await why(his)).toMatchObject({ status: 200, body: { decision: 'allowed', decidedBy: 'scope' } })
    const refused = await why(theirs)
    expect(refused).toMatchObject({ status: 200, body: { decision: 'denied', answer: 'not_found' } })
    expect(String(refused.body['sentence'])).toContain('may not see this site')
    expect(await support.ask('PATCH', `/sites/${his}`, { name: 'Mine' })).toMatchObject(denied)
    expect(await manager.ask('GET', `/explain?action=site:read&principal=${support.userId}`)).toMatchObject(denied)
    for (const person of [manager, support])
      expect(await owner.ask('DELETE', `/users/${person.userId}`)).toMatchObject(gone)
    expect(await owner.ask('DELETE', `/monitors/${String(monitor.body['id'])}`)).toMatchObject(gone)
  })

  test('gives a program a key that commands agents, and is good for nothing else', async () => {
    const permissions = ['agent:read', 'agent:command', 'agent:status']
    expect(await owner.ask('POST', '/roles', { name: 'commanding', permissions })).toMatchObject(made)
    const key = await owner.ask('POST', '/auth/api-keys', { name: 'Pipeline', role: 'commanding' })
    expect(key).toMatchObject({ status: 201, body: { role: 'commanding', key: expect.stringMatching(/^plk_\w{36}$/) } })
    const agent = await owner.ask('POST', '/agents', { name: 'Watcher' })
    const one = `/agents/${String(agent.body['id'])}`
    const robot = asker(origin, String(key.body['key']))

    expect((await robot('POST', `${one}/command`, { task: 'check' })).body).toMatchObject({ status: 'busy' })
    // It has no account: what it does is done with the rights of the key, which sees no monitor.
    await vi.waitFor(async () => expect((await robot('GET', `${one}/status`)).body['status']).toBe('idle'), {
      timeout: 60_000,
    })
    expect((await owner.ask('GET', '/jobs?type=agent.task')).body['data']).toMatchObject([
      { principalKind: 'apiKey', status: 'completed', result: { checked: 0, down: 0 } },
    ])

    expect(await robot('GET', '/sites')).toMatchObject(denied)
    expect(await robot('DELETE', one)).toMatchObject(denied)
    expect((await robot('POST', '/auth/api-keys', { name: 'Another', role: 'commanding' })).status).toBe(403)
    expect((await robot('POST', '/auth/password/change', { password, newPassword: password })).status).toBe(403)
    // Nobody hands out more than he has: a developer's key is a developer's at most.
    expect(await colleague.ask('POST', '/auth/api-keys', { name: 'More', role: 'owner' })).toMatchObject({
      status: 403,
    })
    expect(await colleague.ask('POST', '/auth/api-keys', { name: 'Mine', role: 'developer' })).toMatchObject(made)

    expect(await owner.ask('DELETE', `/auth/api-keys/${String(key.body['id'])}`)).toMatchObject(gone)
    expect(await robot('GET', `${one}/status`)).toMatchObject({ status: 401 })
    expect(await owner.ask('DELETE', one)).toMatchObject(gone)
  })

  test('makes an agent act by a service account of its own, which ends with it', async () => {
    const service = await owner.ask('POST', '/service-accounts', { name: 'Watcher of the bakery' })
    const serviceAccountId = String(service.body['id'])
    // Who may change agents need not say as whom they act.
    const refused = await colleague.ask('POST', '/agents', { name: 'Mine', serviceAccountId })
    expect(refused).toMatchObject(denied)
    const agents = await Promise.all(
      [{ serviceAccountId }, {}].map((more) => owner.ask('POST', '/agents', { name: 'Watcher', ...more })),
    )
    const [its, other] = agents.map(({ body }) => `/agents/${String(body['id'])}`)
    expect(agents[0]).toMatchObject({ status: 201, body: { serviceAccountId } })
    expect(await owner.ask('DELETE', `/service-accounts/${serviceAccountId}`)).toMatchObject({ status: 409 })
    const done = async (count: number): Promise<unknown> => {
      const of = `/jobs?type=agent.task&status=completed&principalId=${serviceAccountId}&sort=createdAt`
      return vi.waitFor(
        async () => {
          const jobs = (await owner.ask('GET', of)).body['data'] as readonly Readonly<Record<string, unknown>>[]
          expect(jobs).toHaveLength(count)
          return jobs.at(-1)!['result']
        },
        { timeout: 60_000 },
      )
    }

    // A developer commands it, and it does what its account may: nothing, before that has a role.
    const command = () => colleague.ask('POST', `${its!}/command`, { task: 'check' })
    expect(await command()).toMatchObject(ok)
    expect(await done(1)).toEqual({ checked: 0, down: 0 })
    // A role for the agent is a role for its service account.
    expect(await owner.ask('POST', '/user-roles', { serviceAccountId, role: 'watcher' })).toMatchObject(made)
    await pass(1_000) // As long as any process may keep what it knows of a role.
    expect(await command()).toMatchObject(ok)
    expect(await done(2)).toMatchObject({ checked: expect.toSatisfy((count: number) => count > 0) })

    // With a key it comes in by itself: it commands nobody else, and not itself without the right to.
    const key = await owner.ask('POST', `/service-accounts/${serviceAccountId}/keys`, { name: 'Watcher' })
    const robot = asker(origin, String(key.body['key']))
    expect(await robot('POST', `${its!}/command`, { task: 'check' })).toMatchObject(denied)
    expect(await robot('DELETE', its!)).toMatchObject(denied)
    expect(await robot('GET', '/sites')).toMatchObject(ok)
    const permissions = ['agent:read', 'agent:command']
    expect(await owner.ask('POST', '/roles', { name: 'agentic', permissions })).toMatchObject(made)
    expect(await owner.ask('POST', '/user-roles', { serviceAccountId, role: 'agentic' })).toMatchObject(made)
    await pass(1_000)
    expect(await robot('POST', `${its!}/command`, { task: 'check' })).toMatchObject(ok)
    expect(await robot('POST', `${other!}/command`, { task: 'check' })).toMatchObject(denied)
    await done(3)

    expect(await owner.ask('DELETE', its!)).toMatchObject(gone)
    await vi.waitFor(async () => expect(await robot('GET', '/sites')).toMatchObject({ status: 401 }), {
      timeout: 20_000,
    })
    expect(await owner.ask('GET', `/service-accounts/${serviceAccountId}`)).toMatchObject({ status: 404 })
    expect(await owner.ask('DELETE', other!)).toMatchObject(gone)
  })

  test('throws notes away by a person who has just signed in, and by no key', async () => {
    const { body } = await owner.ask('POST', '/auth/api-keys', { name: 'Tidy', role: 'owner' })
    const byKey = asker(origin, String(body['key']))
    expect(await byKey('PATCH', `/sites/${siteId}`, { notes: 'Call Rita' })).toMatchObject(ok)
    expect(await byKey('POST', `/sites/${siteId}/forget`)).toMatchObject(denied)
    expect(await owner.ask('POST', `/sites/${siteId}/forget`)).toMatchObject({ status: 200, body: { notes: null } })
    expect(await owner.ask('DELETE', `/auth/api-keys/${String(body['id'])}`)).toMatchObject(gone)
  })

  test('asks everybody for a second factor, once its owner has one', async () => {
    const { id } = (await owner.ask('GET', '/auth/me')).body['tenant'] as { readonly id: string }
    const tenant = `/tenants/${id}`
    expect(await owner.ask('PATCH', tenant, { requireMfa: true })).toMatchObject({
      status: 403,
      body: { code: 'second_factor_required' },
    })
    const codeOf = await addFactor(owner)

    const { email } = owner
    const waiting = await nobody('POST', '/auth/login', { email, password })
    expect(waiting).toMatchObject({ status: 200, body: { mfa_required: true } })
    expect(waiting.body).not.toHaveProperty('access_token')
    const mfaToken = waiting.body['mfa_token']
    const wrong = await nobody('POST', '/auth/mfa/verify', { mfa_token: mfaToken, code: '000000' })
    expect(wrong).toMatchObject({ status: 401, body: { code: 'invalid_code' } })
    const entered = await nobody('POST', '/auth/mfa/verify', { mfa_token: mfaToken, code: codeOf() })
    expect(entered).toMatchObject(ok)
    const token = String(entered.body['access_token'])
    owner = { ...owner, token, ask: asker(origin, token) }
    expect(await owner.ask('PATCH', tenant, { requireMfa: true })).toMatchObject({
      status: 200,
      body: { requireMfa: true },
    })

    const refused = { status: 403, body: { code: 'second_factor_required' } }
    await pass(1_000) // As long as any process may keep what it knows of a tenant.
    expect(await colleague.ask('GET', '/monitors')).toMatchObject(refused)
    // A password alone lets him in no further; his own account he reaches, or he could never set one up.
    expect(await (await signIn(origin, colleague)).ask('GET', '/monitors')).toMatchObject(refused)
    await addFactor(colleague)
    expect(await colleague.ask('GET', '/monitors')).toMatchObject({ status: 200, body: { data: [{ name: 'Home' }] } })
    expect(await reader.ask('GET', '/monitors')).toMatchObject(refused)
  })

  test('parts with somebody, who is out in every process within a second', async () => {
    const elsewhere = name === 'PostgreSQL' ? asker(await start(), colleague.token) : undefined
    const key = await colleague.ask('POST', '/auth/api-keys', { name: 'Kept for later', role: 'developer' })
    const robot = asker(origin, String(key.body['key']))
    expect(await colleague.ask('GET', '/sites')).toMatchObject(ok)
    expect(await robot('GET', '/sites')).toMatchObject(ok)
    if (elsewhere) expect(await elsewhere('GET', '/sites')).toMatchObject(ok)
    expect(await owner.ask('DELETE', `/users/${colleague.userId}`)).toMatchObject(gone)
    // At once in the process that did it: no member any more, whatever his credentials are still worth.
    for (const ask of [colleague.ask, robot]) expect([401, 403]).toContain((await ask('GET', '/sites')).status)
    await pass(1_000)
    for (const ask of [colleague.ask, robot, elsewhere ?? nobody])
      expect(await ask('GET', '/sites')).toMatchObject({ status: 401 })
    const back = await nobody('POST', '/auth/login', { email: colleague.email, password })
    expect(back.body).not.toHaveProperty('access_token')
    expect((await owner.ask('GET', '/monitors')).body['data']).toMatchObject([{ name: 'Home' }])
  })

  test('is nothing to another agency, also not by the names of its rows', async () => {
    const other = await signUp(origin, { email: 'otto@other.example', password, organizationName: 'Agency' })
    // The same name, and another tenant.
    expect((await other.ask('GET', '/auth/me')).body).toMatchObject({
      tenant: { slug: expect.stringMatching(/^agency-/) },
    })
    for (const path of ['/sites', '/monitors', '/agents', '/invitations', '/api-keys'])
      expect(await other.ask('GET', path), path).toMatchObject({ status: 200, body: { data: [] } })
    expect((await other.ask('GET', '/users')).body['data']).toMatchObject([{ email: other.email }])
    expect(await other.ask('GET', `/sites/${siteId}`)).toMatchObject({ status: 404 })
    expect(await other.ask('GET', `/users/${owner.userId}`)).toMatchObject({ status: 404 })
    expect(await other.ask('DELETE', `/users/${reader.userId}`)).toMatchObject({ status: 404 })
    const chosen = await other.ask('GET', '/sites', undefined, { 'x-tenant-id': 'agency' })
    expect(chosen).toMatchObject({ status: 403, body: { code: 'tenant_forbidden' } })
    const roles = (await other.ask('GET', '/roles?pageSize=100')).body['data'] as readonly { readonly name: string }[]
    expect(roles.map((role) => role.name)).not.toContain('commanding')
  })
})
