import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { auth } from '@plinth/auth'
import type { AuthOptions } from '@plinth/auth'
import { createPlinth, type Feature, type Plinth } from '@plinth/core'
import { databaseFrom, postgresDrivers } from '@plinth/postgres/driver'
import { rbac } from '@plinth/rbac'
import { tenants, type TenantsOptions } from '@plinth/tenants'
import {
  capturedMail,
  depot,
  inProcess,
  loginUrl,
  testPlatform,
  type Send,
  type TestPlatform,
  type TestPlatformOptions,
  type TestReply,
} from '@plinth/testing'

export const PUBLIC_URL = 'https://app.example.com'
export const PASSWORD = 'a rather long pass phrase'
export const ES256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey

const environment = {
  ENVIRONMENT: 'test',
  PUBLIC_URL,
  SECRET_KEYS: `test:${createHash('sha256').update('keys of the identity tests').digest('base64')}`,
}

export interface IdentityOptions extends Partial<Omit<TestPlatformOptions, 'plinth'>> {
  readonly auth?: AuthOptions
  readonly tenants?: TenantsOptions
  readonly key?: KeyObject
  readonly plinth?: TestPlatformOptions['plinth']
}

/** A platform of real identity, tenants and roles over the resources of the depot. */
export interface Identity extends TestPlatform {
  readonly mail: ReturnType<typeof capturedMail>
  call(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<TestReply>
  /** An account with an organisation of its own, or joined by invitation. */
  signUp(more?: Readonly<Record<string, unknown>>): Promise<Person>
  /** The token in the last link that was sent to this address. */
  linkToken(address: string): string
}

export interface Person {
  readonly email: string
  readonly userId: string
  readonly tenantId: string
  readonly accessToken: string
  readonly refreshToken: string
  readonly bearer: Readonly<Record<string, string>>
}

let people = 0
let organisations = 0

export function identityFeatures(options: IdentityOptions = {}): readonly Feature[] {
  return [
    auth({ jwt: { keys: [options.key ?? ES256] }, ...options.auth }),
    tenants(options.tenants),
    rbac(),
    ...(options.features ?? []),
  ]
}

export async function openIdentity(options: IdentityOptions = {}): Promise<Identity> {
  const mail = capturedMail()
  const { auth: _auth, key: _key, tenants: _tenants, plinth, features: _features, resources = depot, ...rest } = options
  const platform = await testPlatform({
    ...rest,
    resources,
    // Its own actors get in by tokens of their own; the tenant is chosen by tenants().
    features: identityFeatures(options),
    plinth: {
      mailer: mail,
      env: environment,
      ...plinth,
    },
  })
  const call: Identity['call'] = (method, path, body, headers) =>
    platform.request(undefined, method, path, body, headers)
  return {
    ...platform,
    mail,
    call,
    linkToken: (address) => new URL(mail.linkTo(address)).hash.replace(/^#token=/, ''),
    async signUp(more = {}) {
      const email = `person-${(people += 1)}@example.com`
      const founding = 'invitationToken' in more ? {} : { organizationName: `Organisation ${(organisations += 1)}` }
      const reply = await call('POST', '/api/v1/auth/register', { email, password: PASSWORD, ...founding, ...more })
      if (reply.status !== 201) throw new Error(`register answered ${reply.status}: ${reply.body}`)
      return personOf(reply, typeof more['email'] === 'string' ? more['email'] : email)
    },
  }
}

export function personOf(reply: TestReply, email: string): Person {
  const json = reply.json as {
    access_token: string
    refresh_token: string
    user?: { id: string }
    tenant: { id: string } | null
  }
  return {
    email,
    userId: json.user?.id ?? '',
    tenantId: json.tenant?.id ?? '',
    accessToken: json.access_token,
    refreshToken: json.refresh_token,
    bearer: { authorization: `Bearer ${json.access_token}` },
  }
}

/** Another process on the same database: nothing of what the first one remembers is known to it. */
export function secondProcess(platform: Identity, options: IdentityOptions = {}): Plinth & { readonly send: Send } {
  const url = platform.url!
  const database = databaseFrom(
    postgresDrivers(loginUrl(url, 'plinth_app'), { systemUrl: loginUrl(url, 'plinth_system'), max: 4 }),
    { appLogin: { user: 'plinth_app' } },
  )
  const plinth = createPlinth({
    clock: platform.clock,
    log: platform.log,
    notFound: 'plinth',
    mailer: platform.mail,
    rateLimits: { requests: false },
    env: environment,
    database,
    resources: options.resources ?? depot,
    features: identityFeatures(options),
  })
  return Object.assign(plinth, { send: inProcess(plinth.fetch) })
}
