import { randomBytes } from 'node:crypto'
import {
  createPlinth,
  serviceTokens,
  silentLogger,
  type Feature,
  type Plinth,
  type PlinthOptions,
  type Principal,
  type RawRow,
  type Resource,
} from '@plinth/core'
import { postgres } from '@plinth/postgres'
import { postgresJsDriver } from '@plinth/postgres/driver'
import { createDatabase, loginUrl } from '../../packages/testing/src/server/databases.ts'

export interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body as JSON; `{}` where there is none. */
  readonly json: Record<string, unknown> & {
    readonly errors?: readonly { path: string; code: string; message: string }[]
  }
}

export interface OpenPlatform {
  readonly plinth: Plinth
  /** The principal of one of its services, for work in code. */
  principal(who: string): Promise<Principal>
  /** How many transactions were opened so far; a write of one statement opens none. */
  transactions(): number
  /** As the superuser: what is really stored. */
  stored(text: string): Promise<readonly RawRow[]>
  readonly call: (
    who: string | undefined,
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<Answered>
  close(): Promise<void>
}

/** A file may run the tests of others with a schema for each tenant: it says so before it imports them. */
export function inSchemas(): void {
  process.env['PLINTH_TEST_ISOLATION'] = 'schema'
}

function isolationOfFile(): 'shared' | 'schema' {
  return process.env['PLINTH_TEST_ISOLATION'] === 'schema' ? 'schema' : 'shared'
}

/** One more service of the tenant acme. */
export interface NamedService {
  readonly name: string
  readonly permissions: readonly string[]
}

export const tokenOf = (who: string): string => `${who}-`.padEnd(40, 'x')

/** A platform on a database of its own, with the tenants acme and beta, `acme` and `beta` as full services and `reader`. */
export async function openPlatform(
  serverUrl: string,
  resources: readonly Resource[],
  features: readonly Feature[] = [],
  { services = [], ...options }: Partial<PlinthOptions> & { readonly services?: readonly NamedService[] } = {},
): Promise<OpenPlatform> {
  const database = await createDatabase(serverUrl)
  const identities = serviceTokens([
    { name: 'acme', token: tokenOf('acme'), tenant: 'acme', permissions: ['*'] },
    { name: 'other', token: tokenOf('other'), tenant: 'acme', permissions: ['*'] },
    { name: 'reader', token: tokenOf('reader'), tenant: 'acme', permissions: ['*:read'] },
    { name: 'beta', token: tokenOf('beta'), tenant: 'beta', permissions: ['*'] },
    ...services.map(({ name, permissions }) => ({ name, token: tokenOf(name), tenant: 'acme', permissions })),
  ])
  const isolation = isolationOfFile()
  const opened = postgres(loginUrl(database.url, 'plinth_app'), { ownerUrl: database.url, max: 8, isolation })
  const transact = opened.transaction.bind(opened)
  let transactions = 0
  opened.transaction = (scope, work) => {
    transactions += 1
    return transact(scope, work)
  }
  const plinth = createPlinth({
    database: opened,
    resources,
    log: silentLogger,
    rateLimits: { requests: false },
    env: { ENVIRONMENT: 'test', SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}` },
    ...options,
    // Many at once are a test and no flood, and the machine has other work.
    limits: { congestion: 60_000, ...options.limits },
    features: [identities, ...features],
  })
  const superuser = postgresJsDriver(database.url, {
    max: 1,
    applicationName: 'tests',
    prepare: false,
    statementTimeoutMs: 0,
    connectTimeoutSeconds: 10,
  })
  await plinth.migrate()
  const acme = await plinth.foundTenant({ slug: 'acme', name: 'Acme' })
  await plinth.foundTenant({ slug: 'beta', name: 'Beta' })
  const schema = isolation === 'schema' ? `tenant_${acme.id.replaceAll('-', '')}` : 'public'
  await superuser.query(`set search_path = "${schema}", public`)
  return {
    plinth,
    transactions: () => transactions,
    async principal(who) {
      for (const reader of identities.slots?.auth ?? []) {
        const principal = await reader.read({ kind: 'bearer', value: tokenOf(who) }, undefined as never)
        if (principal) return principal
      }
      throw new Error(`there is no service ${who}`)
    },
    stored: (text) => superuser.query(text.replaceAll('public.', `${schema}.`)),
    call: async (who, method, path, body, headers = {}) => {
      const response = await plinth.fetch(
        new Request(`http://test${path}`, {
          method,
          headers: {
            ...(who === undefined ? {} : { authorization: `Bearer ${tokenOf(who)}` }),
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...headers,
          },
          ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        }),
      )
      const text = await response.text()
      return { status: response.status, headers: response.headers, text, json: text === '' ? {} : JSON.parse(text) }
    },
    async close() {
      await plinth.close()
      await superuser.close()
      await database.drop()
    },
  }
}
