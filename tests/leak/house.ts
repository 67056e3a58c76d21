import type { Route } from '@plinth/core'
import { addMember } from '@plinth/core'
import {
  CANARY,
  type CapturedMail,
  type LeakActor,
  type TestPlatform,
  type TestReply,
  type TestTenant,
} from '@plinth/testing'

export const HOST = 'app.example.com'
export const ORIGIN = `https://${HOST}`
const PASSWORD = 'a pass phrase that is long enough'

export interface Account {
  readonly email: string
  readonly userId: string
}

export interface Key {
  readonly key: string
}

export interface Signed {
  access: string
  /** The newest refresh token, and the one that is good again where the rows were put back. */
  refresh: string
  readonly first: string
  renew(): Promise<void>
}

export function bearer(name: string, signed: Signed, routes: (route: Route) => boolean): LeakActor {
  return {
    name,
    routes,
    credential: () => [['authorization', `Bearer ${signed.access}`]],
    renew: () => signed.renew(),
  }
}

/** By a token of a session that is over. */
export function ended(name: string, { access }: Signed, routes: (route: Route) => boolean): LeakActor {
  return { name, routes, credential: () => [['authorization', `Bearer ${access}`]] }
}

/** Where people are signed up and in over HTTP. */
export class House {
  readonly #platform: TestPlatform
  readonly #mail: CapturedMail

  constructor(platform: TestPlatform, mail: CapturedMail) {
    this.#platform = platform
    this.#mail = mail
  }

  async must(
    who: Signed | undefined,
    method: string,
    path: string,
    status: number,
    body?: unknown,
  ): Promise<TestReply> {
    const reply = await this.#platform.request(undefined, method, path, body, {
      ...(who && { authorization: `Bearer ${who.access}` }),
      'user-agent': `Mozilla/5.0 (X11; Linux x86_64) ${JSON.stringify(body)?.includes(CANARY) ? CANARY : ''} Firefox/150.0`,
    })
    if (reply.status !== status) throw new Error(`${method} ${path} answered ${reply.status}: ${reply.body}`)
    return reply
  }

  /** An account with a confirmed address. */
  async signUp(name: string, more: object = {}): Promise<Account> {
    const email = `${name}@example.com`
    const before = this.#mail.to(email).length
    await this.must(undefined, 'POST', '/api/v1/auth/register', 202, { email, password: PASSWORD, name, ...more })
    await this.#mail.waitFor(email, { count: before + 1 })
    // An invitation has proven the address already.
    if (!('invitationToken' in more)) {
      const shown = { token: this.#token(email), password: PASSWORD }
      await this.must(undefined, 'POST', '/api/v1/auth/email/verify', 204, shown)
    }
    const [row] = await this.#platform.superuser.query('select id from plinth.users where email = $1::text', [email])
    return { email, userId: String(row?.['id']) }
  }

  /** Invited by an owner, signed up by the link. */
  async invited(by: Signed, name: string, role: string): Promise<Account> {
    const email = `${name}@example.com`
    await this.must(by, 'POST', '/api/v1/invitations', 201, { email, roles: [role] })
    await this.#mail.waitFor(email)
    return this.signUp(name, { invitationToken: this.#token(email) })
  }

  /** As nobody could over HTTP: the first owner of a tenant that has none, and who was a member before the test begins. */
  async join({ userId }: Account, tenant: TestTenant, role: string): Promise<void> {
    await this.#platform.database.system((system) => addMember(system, { tenantId: tenant.id, userId, roles: [role] }))
    this.#platform.database.forget()
  }

  async logIn({ email }: Account, tenant?: TestTenant): Promise<Signed> {
    const reply = await this.must(undefined, 'POST', '/api/v1/auth/login', 200, {
      email,
      password: PASSWORD,
      ...(tenant && { tenant: tenant.slug }),
    })
    const { access_token: access, refresh_token: refresh } = reply.json as Record<string, string>
    const platform = this.#platform
    const signed: Signed = {
      access: access!,
      refresh: refresh!,
      first: refresh!,
      async renew() {
        for (const token of new Set([signed.refresh, signed.first])) {
          const answer = await platform.request(undefined, 'POST', '/api/v1/auth/refresh', { refresh_token: token })
          if (answer.status !== 200) continue
          const tokens = answer.json as Record<string, string>
          signed.access = tokens['access_token']!
          signed.refresh = tokens['refresh_token']!
          return
        }
        throw new Error(`${email} cannot refresh any more: the rest of the run would be 401`)
      },
    }
    return signed
  }

  /** By the page to sign in: a cookie, and a CSRF token for whatever changes something. */
  async browser(name: string, { email }: Account, routes: (route: Route) => boolean): Promise<LeakActor> {
    const send = (method: string, headers: Readonly<Record<string, string>>, body?: unknown): Promise<TestReply> =>
      this.#platform.request(undefined, method, '/login', body, { accept: 'application/json', ...headers })
    const cookieOf = (reply: TestReply, cookie: RegExp): string =>
      cookie.exec(reply.headers['set-cookie'] ?? '')?.[0] ?? ''
    const page = await send('GET', {})
    const before = { cookie: cookieOf(page, /[\w-]*before_login=[\w-]+/), origin: ORIGIN }
    const csrf = (reply: TestReply): string => (reply.json as { csrf_token: string }).csrf_token
    const signed = await send(
      'POST',
      { ...before, 'x-csrf-token': csrf(page) },
      { identifier: email, password: PASSWORD },
    )
    if (signed.status !== 200) throw new Error(`POST /login answered ${signed.status}: ${signed.body}`)
    const cookie = cookieOf(signed, /[\w-]*session_id=[\w-]+/)
    const token = csrf(signed)
    return {
      name,
      routes,
      credential: (method) => [
        ['cookie', cookie],
        ...(method === 'GET'
          ? []
          : ([
              ['origin', ORIGIN],
              ['x-csrf-token', token],
            ] as const)),
      ],
    }
  }

  /** A service with a role, and a key for it. */
  async service(by: Signed, name: string, role: string): Promise<string> {
    const made = await this.must(by, 'POST', '/api/v1/service-accounts', 201, { name, roles: [role] })
    const path = `/api/v1/service-accounts/${(made.json as { id: string }).id}/keys`
    return ((await this.must(by, 'POST', path, 201, { name })).json as Key).key
  }

  /** Something of each kind that a tenant can have, with this word in it. */
  async furnish(boss: Signed, friend: Account, word: string): Promise<void> {
    await this.service(boss, `Service ${word}`, 'developer')
    await this.must(boss, 'POST', '/api/v1/auth/api-keys', 201, { name: `Key ${word}`, role: 'admin' })
    await this.must(boss, 'PATCH', '/api/v1/settings', 200, { 'mail.footer': word, 'mail.password': word })
    await this.must(boss, 'PATCH', '/api/v1/settings/me', 200, { signature: word })
    await this.must(boss, 'POST', '/api/v1/auth/mfa/setup', 200, { name: `Phone ${word}` })
    await this.must(boss, 'POST', '/api/v1/invitations', 201, { email: `guest.${word}@example.com`, roles: ['user'] })
    const group = await this.must(boss, 'POST', '/api/v1/groups', 201, { name: `Crew ${word}`, description: word })
    const { id } = group.json as { id: string }
    await this.must(boss, 'POST', `/api/v1/groups/${id}/members`, 200, { userId: friend.userId })
    await this.must(boss, 'POST', '/api/v1/roles', 201, { name: `role_${word}`, permissions: ['crate:read'] })
    await this.must(boss, 'POST', '/api/v1/user-roles', 201, { userId: friend.userId, role: `role_${word}` })
  }

  /** From one address as much is asked as no person asks: without this, limits would answer and nothing else be tried. */
  async renewed(first: Signed): Promise<void> {
    await this.#platform.superuser.query('delete from plinth.rate_buckets')
    await first.renew()
  }

  #token(email: string): string {
    return new URL(this.#mail.linkTo(email)).hash.replace(/^#token=/, '')
  }
}
