import assert from 'node:assert/strict'
import type { ServerSpec } from './servers/catalog.ts'
import type { BenchTenant } from './servers/messages.ts'
import { asked, writing } from './database/tenants.ts'
import { DEEP_PAGE, draft, keyset, type Target } from './workloads.ts'

const base = '/api/v1/projects'

/** What a server answered, in a form in which all servers must be equal. */
export interface Conversation {
  readonly one: unknown
  readonly first: unknown
  readonly deep: unknown
}

/**
 * Asks a server for everything that is measured and checks each answer: a server that is fast because it leaves something out
 * must not get into the table. Returns what must be equal for all servers.
 */
async function verifyServer(name: string, target: Target, recorded: boolean): Promise<Conversation> {
  try {
    return await verify(target, recorded)
  } catch (error) {
    throw new Error(`${name} answers wrongly, so it is not measured`, { cause: error })
  }
}

async function verify(target: Target, recorded: boolean): Promise<Conversation> {
  const [acme, beta] = asked.map((slug) => tenantOf(target, slug)) as [BenchTenant, BenchTenant]
  const ask = asker(target.port)
  const id = target.ids.get(acme.slug)![0]!
  const one = await ask('GET', `${base}/${id}`, acme.token)
  assert.equal(one.status, 200)
  assert.match(one.etag, /^"1-[0-9a-f]{6}"$/)
  assert.equal((await ask('GET', `${base}/${id}`, beta.token)).status, 404, 'a row of another tenant')
  assert.equal((await ask('GET', `${base}/${id}`)).status, 401, 'no token')
  assert.equal(
    (await ask('GET', `${base}/${id}`, 'a-token-that-nobody-ever-gave-out-0123456789')).status,
    401,
    'a wrong token',
  )
  const pages = await verifyPages(target, acme, ask)
  await verifyWrites(target, recorded, ask)
  return { one: plain(one.body), ...pages }
}

async function verifyPages(target: Target, acme: BenchTenant, ask: Ask): Promise<Pick<Conversation, 'first' | 'deep'>> {
  const page = async (
    query: string,
  ): Promise<{ data: { id: string }[]; page: { hasMore: boolean; nextCursor: string } }> => {
    const answer = await ask('GET', `${base}${query}`, acme.token)
    assert.equal(answer.status, 200, query)
    return answer.body as never
  }
  const first = await page('')
  assert.equal(first.data.length, 20)
  assert.equal(first.page.hasMore, true)
  const deep = await page(`?page=${DEEP_PAGE}`)
  const after = await page(await keyset(target.port, acme.token))
  assert.deepEqual(after.data, deep.data, 'the page at offset 900 and the page after row 900')
  return { first: plain(first.data), deep: plain(deep.data) }
}

async function verifyWrites(target: Target, recorded: boolean, ask: Ask): Promise<void> {
  const { token } = tenantOf(target, writing)
  for (const path of recorded ? [target.recordedPath, base] : [base]) {
    const made = await ask('POST', path, token, draft(1))
    assert.equal(made.status, 201, path)
    assert.deepEqual(plain(fieldsOf(made.body)), plain(draft(1)))
    const { id } = made.body as { id: string }
    const read = await ask('GET', `${base}/${id}`, token)
    assert.deepEqual(read.body, made.body, 'what was created is what is read')
  }
  assert.equal((await ask('POST', base, token, { ...draft(1), status: 'nonsense' })).status, 400)
  assert.equal((await ask('POST', base, token, { ...draft(1), name: 'x' })).status, 400)
  const path = `${base}/${target.ids.get(writing)!.at(-1)!}`
  const { etag } = await ask('GET', path, token)
  const renamed = await ask('PATCH', path, token, { name: 'Another name' }, etag)
  assert.equal(renamed.status, 200)
  assert.equal((renamed.body as { name: string }).name, 'Another name')
  assert.notEqual(renamed.etag, etag)
  assert.equal((await ask('PATCH', path, token, { name: 'A third name' }, etag)).status, 412, 'an old version')
}

interface Asked {
  readonly status: number
  readonly etag: string
  readonly body: unknown
}
type Ask = (method: string, path: string, token?: string, body?: unknown, ifMatch?: string) => Promise<Asked>

function asker(port: number): Ask {
  return async (method, path, token, body, ifMatch) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return {
      status: answer.status,
      etag: answer.headers.get('etag') ?? '',
      body: text === '' ? null : (JSON.parse(text) as unknown),
    }
  }
}

function tenantOf(target: Target, slug: string): BenchTenant {
  return target.tenants.find((tenant) => tenant.slug === slug)!
}

function fieldsOf(row: unknown): unknown {
  const { name, status, priority, dueAt, settings, budget, contactEmail, notes } = row as Record<string, unknown>
  return { name, status, priority, dueAt, settings, budget, contactEmail, notes }
}

/** Servers print the same time as `…:00.1Z` or `…:00.100Z`: compared as times. The order of members means nothing. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, member]) => [key, plain(member)]),
    )
  }
  return typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) ? new Date(value).getTime() : value
}

/** Verifies every server and that they all say the same. */
export async function verifyAll(
  entrants: readonly { readonly spec: ServerSpec; readonly target: Target }[],
): Promise<void> {
  let first: { readonly name: string; readonly conversation: Conversation } | undefined
  for (const { spec, target } of entrants) {
    const conversation = await verifyServer(spec.name, target, spec.workloads.includes('w3-both'))
    first ??= { name: spec.name, conversation }
    assert.deepEqual(conversation, first.conversation, `${spec.name} and ${first.name} answer differently`)
  }
}
