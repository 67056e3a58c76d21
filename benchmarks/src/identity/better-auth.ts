import { betterAuth } from 'better-auth'
import { drizzleAdapter } from 'better-auth/adapters/drizzle'
import { drizzle } from 'drizzle-orm/postgres-js'
import { boolean, pgTable, text, timestamp } from 'drizzle-orm/pg-core'
import postgres from 'postgres'

const times = { createdAt: timestamp('created_at').notNull(), updatedAt: timestamp('updated_at').notNull() }
const user = pgTable('user', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  email: text('email').notNull().unique(),
  emailVerified: boolean('email_verified').notNull(),
  image: text('image'),
  ...times,
})
const session = pgTable('session', {
  id: text('id').primaryKey(),
  expiresAt: timestamp('expires_at').notNull(),
  token: text('token').notNull().unique(),
  ipAddress: text('ip_address'),
  userAgent: text('user_agent'),
  userId: text('user_id')
    .notNull()
    .references(() => user.id),
  ...times,
})
const account = pgTable('account', {
  id: text('id').primaryKey(),
  accountId: text('account_id').notNull(),
  providerId: text('provider_id').notNull(),
  userId: text('user_id')
    .notNull()
    .references(() => user.id),
  accessToken: text('access_token'),
  refreshToken: text('refresh_token'),
  idToken: text('id_token'),
  accessTokenExpiresAt: timestamp('access_token_expires_at'),
  refreshTokenExpiresAt: timestamp('refresh_token_expires_at'),
  scope: text('scope'),
  password: text('password'),
  ...times,
})
const verification = pgTable('verification', {
  id: text('id').primaryKey(),
  identifier: text('identifier').notNull(),
  value: text('value').notNull(),
  expiresAt: timestamp('expires_at').notNull(),
  ...times,
})

/** The tables that its documentation asks for, indexes on what it looks up. */
export async function addBetterAuthTables(sql: postgres.Sql): Promise<void> {
  await sql`create table "user" (id text primary key, name text not null, email text not null unique, email_verified boolean not null, image text,
    created_at timestamp not null, updated_at timestamp not null)`
  await sql`create table session (id text primary key, expires_at timestamp not null, token text not null unique, ip_address text, user_agent text,
    user_id text not null references "user" (id), created_at timestamp not null, updated_at timestamp not null)`
  await sql`create index session_of_user on session (user_id)`
  await sql`create table account (id text primary key, account_id text not null, provider_id text not null, user_id text not null references "user" (id),
    access_token text, refresh_token text, id_token text, access_token_expires_at timestamp, refresh_token_expires_at timestamp, scope text,
    password text, created_at timestamp not null, updated_at timestamp not null)`
  await sql`create index account_of_user on account (user_id)`
  await sql`create table verification (id text primary key, identifier text not null, value text not null, expires_at timestamp not null,
    created_at timestamp not null, updated_at timestamp not null)`
}

export interface BetterAuthParts {
  readonly databaseUrl: string
  readonly secret: string
  readonly cookieCache: boolean
}

/** Better Auth as its documentation sets it up, without its limit (which would refuse the load) and without telemetry. */
export function openBetterAuth({ databaseUrl, secret, cookieCache }: BetterAuthParts) {
  const client = postgres(databaseUrl, { max: 10 })
  const auth = betterAuth({
    secret,
    baseURL: 'http://127.0.0.1',
    database: drizzleAdapter(drizzle(client), { provider: 'pg', schema: { user, session, account, verification } }),
    emailAndPassword: { enabled: true },
    session: { cookieCache: { enabled: cookieCache, maxAge: 3_600 } },
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    logger: { level: 'error' },
  })
  return { auth, close: () => client.end({ timeout: 2 }) }
}

/** Signs people up; the cookies that a browser would have then. */
export async function betterAuthCookies(parts: BetterAuthParts, people: number): Promise<readonly string[]> {
  const { auth, close } = openBetterAuth(parts)
  const cookies: string[] = []
  for (let at = 0; at < people; at += 1) {
    const { headers } = await auth.api.signUpEmail({
      body: {
        email: `person-${Number(parts.cookieCache)}-${at}@example.com`,
        password: 'a pass phrase that is long enough',
        name: 'Person',
      },
      returnHeaders: true,
    })
    cookies.push(
      headers
        .getSetCookie()
        .map((each) => each.split(';')[0]!)
        .join('; '),
    )
  }
  await close()
  return cookies
}
