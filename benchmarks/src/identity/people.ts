import type { Plinth } from '@plinth/core'
import type postgres from 'postgres'
import { asked, writing } from '../database/tenants.ts'
import { PUBLIC_URL } from './identity-platform.ts'

export interface SignedIn {
  readonly slug: string
  readonly email: string
  readonly token: string
  readonly cookie: string
  readonly csrf: string
  readonly apiKey: string
}

export const PASSWORD = 'a pass phrase that is long enough'
/** Signed in for each tenant that is asked for: what is remembered of one person must not serve them all. */
const PEOPLE_EACH = 20

/** Signs people up and in over HTTP, each an owner in one tenant, with a token, a cookie and an API key. */
export async function signPeopleIn(
  plinth: Pick<Plinth, 'fetch'>,
  join: (email: string, slug: string) => Promise<void>,
): Promise<readonly SignedIn[]> {
  const call = async (
    method: string,
    path: string,
    body: object | undefined,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<{ json: Record<string, string>; cookie: string }> => {
    const response = await plinth.fetch(
      new Request(`http://127.0.0.1${path}`, {
        method,
        headers: { accept: 'application/json', 'content-type': 'application/json', ...headers },
        ...(body && { body: JSON.stringify(body) }),
      }),
    )
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`)
    const cookie = response.headers
      .getSetCookie()
      .map((each) => each.split(';')[0]!)
      .find((each) => !each.endsWith('='))
    return { json: text === '' ? {} : (JSON.parse(text) as Record<string, string>), cookie: cookie ?? '' }
  }
  const people: SignedIn[] = []
  for (const slug of [...asked, writing]) {
    for (let at = 0; at < PEOPLE_EACH; at += 1) {
      const email = `person-${slug}-${at}@example.com`
      await call('POST', '/api/v1/auth/register', { email, password: PASSWORD })
      await join(email, slug)
      const { json } = await call('POST', '/api/v1/auth/login', { email, password: PASSWORD, tenant: slug })
      const token = json['access_token']!
      const page = await call('GET', '/login', undefined)
      const signed = await call(
        'POST',
        '/login',
        { identifier: email, password: PASSWORD, tenant: slug },
        { cookie: page.cookie, origin: PUBLIC_URL, 'x-csrf-token': page.json['csrf_token']! },
      )
      const made = await call(
        'POST',
        '/api/v1/auth/api-keys',
        { name: 'Bench', role: 'owner' },
        { authorization: `Bearer ${token}` },
      )
      people.push({
        slug,
        email,
        token,
        cookie: signed.cookie,
        csrf: signed.json['csrf_token']!,
        apiKey: made.json['key']!,
      })
    }
  }
  return people
}

/** Makes somebody an owner, as the one who founds a tenant is. */
export function joiner(sql: postgres.Sql): (email: string, slug: string) => Promise<void> {
  return async (email, slug) => {
    await sql`insert into plinth.memberships (tenant_id, id, user_id)
      select t.id, u.id, u.id from plinth.tenants t, plinth.users u where t.slug = ${slug} and u.email = ${email}`
    await sql`insert into plinth.user_roles (tenant_id, user_id, role)
      select t.id, u.id, 'owner' from plinth.tenants t, plinth.users u where t.slug = ${slug} and u.email = ${email}`
  }
}
