import { generateKeyPairSync, randomBytes } from 'node:crypto'
import postgres from 'postgres'
import { launchServer, type TestServer } from '@plinth/testing'
import { seedProjects } from '../database/seed.ts'
import { slugs } from '../database/tenants.ts'
import { parentOf } from '../measure/postgres-cpu.ts'
import { addBetterAuthTables, betterAuthCookies } from './better-auth.ts'
import { identityPlatform } from './identity-platform.ts'
import { joiner, signPeopleIn, type SignedIn } from './people.ts'

export interface PreparedIdentity {
  readonly version: string
  readonly postmaster: number
  readonly app: string
  readonly owner: string
  readonly key: string
  readonly secretKeys: string
  readonly people: readonly SignedIn[]
  /** Of projects, by slug of the tenant. */
  readonly ids: ReadonlyMap<string, readonly string[]>
  readonly peer: { readonly url: string; readonly secret: string }
  /** Cookies of Better Auth's people, by whether the session is cached in a cookie. */
  readonly cookies: { readonly plain: readonly string[]; readonly cached: readonly string[] }
  /** A connection of the superuser to Plinth's database. */
  readonly sql: postgres.Sql
  stop(): Promise<void>
}

const PEERS = 40
const settings = [
  'synchronous_commit=on',
  'shared_buffers=256MB',
  'autovacuum=off',
  'checkpoint_timeout=1h',
  'max_wal_size=8GB',
]

/** A PostgreSQL of our own with people who have signed in, at Plinth and at Better Auth. */
export async function prepareIdentity(say: (words: string) => void): Promise<PreparedIdentity> {
  const server = await launchServer({ own: true, fsync: true, fullPageWrites: true, settings })
  try {
    return await fill(server, say)
  } catch (error) {
    await server.stop()
    throw error
  }
}

async function fill(server: TestServer, say: (words: string) => void): Promise<PreparedIdentity> {
  const open = (url: string): postgres.Sql => postgres(url, { max: 1, onnotice: () => undefined })
  const admin = open(server.url)
  const as = (user: string, database: string): string => {
    const url = new URL(server.url)
    url.pathname = `/${database}`
    url.username = user
    return url.href
  }
  await admin`create database identity template template0`
  await admin`create database peer template template0`
  const [app, owner] = [as('plinth_app', 'identity'), as('postgres', 'identity')]
  const peer = { url: as('postgres', 'peer'), secret: randomBytes(32).toString('base64') }
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' })
  const secretKeys = `bench:${randomBytes(32).toString('base64')}`
  const parts = { key: String(key), secretKeys }
  say('signing people up and in')
  const plinth = identityPlatform({ databaseUrl: app, ownerUrl: owner, ...parts })
  const sql = open(owner)
  await plinth.migrate()
  const founded = new Map<string, string>()
  for (const slug of slugs()) founded.set(slug, (await plinth.foundTenant({ slug, name: slug })).id)
  const people = await signPeopleIn(plinth, joiner(sql))
  await plinth.close()
  const ids = await seedProjects(sql, founded)
  const peers = open(peer.url)
  await addBetterAuthTables(peers)
  const cookiesOf = (cookieCache: boolean): Promise<readonly string[]> =>
    betterAuthCookies({ databaseUrl: peer.url, secret: peer.secret, cookieCache }, PEERS)
  const cookies = { plain: await cookiesOf(false), cached: await cookiesOf(true) }
  for (const one of [sql, peers]) {
    await one`vacuum (analyze)`
    await one`checkpoint`
  }
  await peers.end()
  const [row] = await admin<
    { pid: number; version: string }[]
  >`select pg_backend_pid() pid, current_setting('server_version') version`
  return {
    version: row!.version,
    postmaster: parentOf(row!.pid),
    app,
    owner,
    ...parts,
    people,
    ids,
    peer,
    cookies,
    sql,
    async stop() {
      await sql.end({ timeout: 2 })
      await admin.end({ timeout: 2 })
      await server.stop()
    },
  }
}
