import type { Plinth } from '@plinth/core'
import { SERVICE_TOKEN } from './landed-features.ts'

/** What was asked and what was answered, without what is different each time. */
export type Exchange = readonly [request: string, status: number, headers: string, body: string]

interface Reply {
  readonly status: number
  readonly json: Readonly<Record<string, unknown>>
}

/**
 * One conversation through every feature: an account, its tenant, an invitation, roles, rows, explanations, refusals. Ids, tokens and
 * times are written as the first, second … of their kind.
 */
export async function converse(plinth: Plinth): Promise<readonly Exchange[]> {
  const exchanges: Exchange[] = []
  const names = new Map<string, string>()
  const named = (kind: string) => (found: string) => {
    const known = names.get(found) ?? `<${kind} ${names.size}>`
    names.set(found, known)
    return known
  }
  const plain = (text: string): string =>
    text
      .replaceAll(/eyJ[\w-]+\.[\w-]+\.[\w-]+|pl[a-z]_[\w-]{20,}|[\w-]{40,}/g, named('token'))
      .replaceAll(/[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/g, named('id'))
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
      .replaceAll(/"response_time_ms":[\d.]+/g, '"response_time_ms":0')
  const ask = async (method: string, path: string, token?: string, body?: object): Promise<Reply> => {
    const response = await plinth.fetch(
      new Request(`http://test${path}`, {
        method,
        headers: {
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(body && { 'content-type': 'application/json' }),
        },
        ...(body && { body: JSON.stringify(body) }),
      }),
    )
    const text = await response.text()
    const headers = [...response.headers]
      .filter(([name]) => !['x-request-id', 'ratelimit', 'ratelimit-policy', 'content-length', 'date'].includes(name))
      .map(([name, value]) => `${name}: ${plain(value)}`)
      .sort()
    exchanges.push([`${method} ${plain(path)}`, response.status, headers.join('\n'), plain(text)])
    const parsed: unknown = text.startsWith('{') ? JSON.parse(text) : {}
    return { status: response.status, json: parsed as Reply['json'] }
  }
  const api = (path: string): string => `/api/v1/${path}`

  const registered = await ask('POST', api('auth/register'), undefined, {
    email: 'ada@example.com',
    password: 'a rather long pass phrase',
    name: 'Ada',
    organizationName: 'Acme',
  })
  const owner = String(registered.json['access_token'])
  await ask('GET', api('auth/me'), owner)
  await ask('GET', api('tenants'), owner)
  const folder = await ask('POST', api('folders'), owner, { name: 'Plans' })
  const made = await ask('POST', api('users'), owner, {
    email: 'bob@example.com',
    password: 'another rather long one',
    name: 'Bob',
    roles: ['user'],
  })
  const signedIn = await ask('POST', api('auth/login'), undefined, {
    email: 'bob@example.com',
    password: 'another rather long one',
  })
  const bob = String(signedIn.json['access_token'])
  const row = api(`folders/${String(folder.json['id'])}`)
  await ask('GET', row, bob)
  await ask('POST', api('roles'), bob, { name: 'filer', permissions: ['folder:read'] })
  await ask('POST', api('roles'), owner, { name: 'filer', permissions: ['folder:raed'] })
  const role = await ask('POST', api('roles'), owner, {
    name: 'filer',
    permissions: ['folder:read', 'folder:update:own'],
  })
  await ask('POST', api('user-roles'), owner, { userId: made.json['id'] as string, role: 'filer' })
  await ask('GET', row, bob)
  await ask('PATCH', row, bob, { name: 'Mine' })
  await ask('GET', `${api('explain')}?action=folder:update&id=${String(folder.json['id'])}`, bob)
  await ask('GET', `${api('roles')}?sort=name&count=exact`, owner)
  await ask('GET', `${api('permissions')}?model=folder&sort=name`, owner)
  await ask('GET', `${api('user-roles')}?sort=createdAt&userId=${String(made.json['id'])}`, owner)
  await ask('DELETE', api(`roles/${String(role.json['id'])}`), owner)
  await ask('GET', api('users?sort=name'), owner)
  await ask('GET', api('folders'), SERVICE_TOKEN)
  await ask('GET', api('folders'))
  await ask('DELETE', api('folders'), owner)
  await ask('GET', '/docs/errors/built_in')
  await ask('GET', '/health')
  return exchanges
}
