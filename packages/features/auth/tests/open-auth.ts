import { createHash, generateKeyPairSync } from 'node:crypto'
import { buildPermissionSet, createPlinth, foundWithin, statement, type Feature, type Platform } from '@plinth/core'
import { postgres } from '@plinth/postgres'
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
import { auth } from '../src/index.ts'
import type { AuthOptions } from '../src/options.ts'

/** One key for the whole run: making one takes as long as a test. */
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

export const PUBLIC_URL = 'https://app.example.com'
export const PASSWORD = 'a rather long pass phrase'

export interface AuthPlatform extends TestPlatform {
  readonly mail: ReturnType<typeof capturedMail>
  /** Sends as nobody, or with a credential. */
  call(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<TestReply>
  /** A new account, signed in. */
  signUp(more?: Readonly<Record<string, unknown>>): Promise<SignedUp>
  /** What the parts of features work with. */
  readonly parts: Platform
  /** Another process: the same database, with connections and memory of its own. */
  peer(): Promise<AuthPeer>
}

export interface AuthPeer extends Pick<AuthPlatform, 'call' | 'parts'> {
  readonly close: () => Promise<void>
}

export interface SignedUp {
  readonly email: string
  readonly userId: string
  readonly tenantId: string
  readonly accessToken: string
  readonly refreshToken: string
  readonly bearer: Readonly<Record<string, string>>
}

let people = 0

export async function openAuth(
  options: AuthOptions = {},
  features: readonly Feature[] = [],
  { kind, ...rest }: TestPlatformOptions['plinth'] & Pick<TestPlatformOptions, 'kind'> = {},
): Promise<AuthPlatform> {
  const mail = capturedMail()
  const env = {
    ENVIRONMENT: 'test',
    PUBLIC_URL,
    SECRET_KEYS: `test:${createHash('sha256').update('keys of tests').digest('base64')}`,
  }
  let parts: Platform | undefined
  const all = (keep: (started: Platform) => void): readonly Feature[] => [
    auth({ jwt: { keys: [privateKey] }, ...options }),
    directory,
    roles,
    { name: 'test-parts', start: keep },
    ...features,
  ]
  const platform = await testPlatform({
    resources: depot,
    features: all((started) => void (parts = started)),
    plinth: { mailer: mail, env, ...rest },
    ...(kind && { kind }),
  })
  const call: AuthPlatform['call'] = (method, path, body, headers) =>
    platform.request(undefined, method, path, body, headers)
  return {
    ...platform,
    mail,
    call,
    parts: parts!,
    async peer() {
      const url = platform.url!
      const logins = { ownerUrl: url, systemUrl: loginUrl(url, 'plinth_system'), max: 4 }
      let own: Platform | undefined
      const plinth = createPlinth({
        database: postgres(loginUrl(url, 'plinth_app'), logins),
        resources: depot,
        features: all((started) => void (own = started)),
        clock: platform.clock,
        log: platform.log,
        mailer: mail,
        env,
        rateLimits: { requests: false },
        notFound: 'plinth',
        ...rest,
      })
      await own!.ready()
      return {
        parts: own!,
        call: (method, path, body, headers) => ask(inProcess(plinth.fetch), method, path, body, headers),
        close: () => plinth.close(),
      }
    },
    async signUp(given = {}) {
      const email = `person-${(people += 1)}@example.com`
      const reply = await call('POST', '/api/v1/auth/register', {
        email,
        password: PASSWORD,
        organizationName: `Organisation ${people}`,
        ...given,
      })
      if (reply.status !== 201) throw new Error(`register answered ${reply.status}: ${reply.body}`)
      const json = reply.json as Record<string, string> & { user: { id: string }; tenant: { id: string } }
      return {
        email: typeof given['email'] === 'string' ? given['email'] : email,
        userId: json.user.id,
        tenantId: json.tenant.id,
        accessToken: json['access_token']!,
        refreshToken: json['refresh_token']!,
        bearer: { authorization: `Bearer ${json['access_token']}` },
      }
    },
  }
}

async function ask(
  send: Send,
  method: string,
  target: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<TestReply> {
  const all = { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers }
  const sent = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
  const reply = await send({ method, target, headers: Object.entries(all), body: sent })
  return { ...reply, json: reply.body.startsWith('{') ? (JSON.parse(reply.body) as unknown) : undefined }
}

/** Stands in for tenants: everybody founds his own. */
const directory: Feature = {
  name: 'test-directory',
  slots: {
    directory: {
      async tenantsOf(platform, userId) {
        const rows = await platform.database.system((system) =>
          system.run(statement`
            select t.id, m.status from plinth.memberships m join plinth.tenants t on t.id = m.tenant_id
            where m.user_id = ${userId}::uuid order by t.created_at, t.id`),
        )
        const found = await Promise.all(rows.map((row) => platform.database.findTenant(String(row['id']))))
        return found.flatMap((tenant, index) =>
          tenant
            ? [{ ...tenant, standing: rows[index]!['status'] === 'active' ? 'active' : 'suspended', roles: ['owner'] }]
            : [],
        )
      },
      async admit(platform, system, { userId, organizationName }) {
        if (organizationName === undefined) return undefined
        const slug = organizationName.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
        return foundWithin(platform, system, { slug, name: organizationName, founder: userId })
      },
    },
  },
}

/** Stands in for roles: `owner` and `ruler` may do all, `reader` may read, `manager` looks after services. */
const roles: Feature = {
  name: 'test-roles',
  slots: {
    roles: ({ registry }) => {
      const known: Readonly<Record<string, readonly string[]>> = {
        owner: ['*'],
        ruler: ['*'],
        reader: ['*:read'],
        user: ['*:*:own'],
        manager: ['serviceAccount:*'],
      }
      return {
        permissionsOf: (_tenantId, names) =>
          buildPermissionSet(
            registry.permissions,
            names.flatMap((name) => known[name] ?? []),
          ).set,
        unknown: (_tenantId, names) => names.filter((name) => !(name in known)),
        rank: (names) => names.toSorted(),
      }
    },
  },
}
