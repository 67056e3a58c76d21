import {
  depot,
  seededRandom,
  testJournal,
  testPlatform,
  type TestPlatform,
  type WireReply,
  type WireRequest,
} from '@plinth/testing'
import {
  isGuarded,
  writableFields,
  type FieldInfo,
  type GuardedRoute,
  type ResourceInfo,
  type Route,
} from '@plinth/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { climbingBodies, malformedBodies } from './bodies.ts'
import { wrongReply } from './judge-reply.ts'
import {
  contentTypes,
  naughtyFilterValues,
  naughtyHeaders,
  naughtyIds,
  naughtyQueries,
  oddHeaders,
  oddMethods,
  oddPaths,
  wrongValues,
} from './requests.ts'
import { allNaughtyStrings } from './strings.ts'
import { undeclaredRows } from './stored-rows.ts'

/*
 * Input that breaks things, against every route: no 5xx, always a problem with the documented members, nothing of the inside
 * in it, and nothing stored that was not declared.
 */
let platform: TestPlatform
let sent = 0
let slowest = { milliseconds: 0, request: '' }
const polluted = (): unknown => ({} as Record<string, unknown>)['polluted']

beforeAll(async () => {
  platform = await testPlatform({
    resources: depot,
    features: [testJournal({ listen: () => undefined })],
    rolePrefix: 'naughty_',
  })
  await platform.twoTenants()
})
afterAll(async () => {
  console.info(
    `naughty input: ${sent} requests in process, the slowest took ${slowest.milliseconds.toFixed(0)} ms (${slowest.request})`,
  )
  await platform.close()
})

/** Sends all, 16 at a time; returns what is wrong with the answers, in words. */
async function barrage(
  requests: readonly WireRequest[],
  check?: (request: WireRequest, reply: WireReply) => string | undefined,
): Promise<string[]> {
  const wrong: string[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    for (let request = requests[next++]; request; request = requests[next++]) {
      const startedAt = performance.now()
      const reply = await platform.send(request)
      const milliseconds = performance.now() - startedAt
      sent += 1
      if (milliseconds > slowest.milliseconds)
        slowest = { milliseconds, request: `${request.method} ${request.target.slice(0, 80)}` }
      const words = wrongReply(request, reply) ?? check?.(request, reply)
      if (words !== undefined) wrong.push(`${describeRequest(request)} → ${words}`)
    }
  }
  await Promise.all(Array.from({ length: 16 }, worker))
  return wrong.slice(0, 20)
}

function describeRequest({ method, target, headers, body }: WireRequest): string {
  const others = headers.filter(([name]) => name !== 'authorization').map((header) => header.join(': ').slice(0, 80))
  return `${method} ${target.slice(0, 200)} [${others.join(' | ')}] ${String(body ?? '').slice(0, 200)}`
}

const json = ['content-type', 'application/json'] as const
const bearer = (): readonly [string, string] => ['authorization', `Bearer ${platform.a.actors.full.token}`]

function ask(
  method: string,
  target: string,
  body?: WireRequest['body'],
  headers: Readonly<Record<string, string | undefined>> = {},
): WireRequest {
  const given = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const names = new Set(Object.keys(headers))
  const usual = [bearer(), ...(body === undefined ? [] : [json])].filter(([name]) => !names.has(name))
  return { method, target, headers: [...usual, ...given], ...(body === undefined ? {} : { body }) }
}

const guarded = (): readonly GuardedRoute[] => platform.plinth.routes.filter(isGuarded)
const withBody = (): readonly GuardedRoute[] => guarded().filter((route) => route.body !== undefined)

/** A path of a route with an id that exists. */
function concrete(route: Route, id?: string): string {
  return route.path.replace(':id', id ?? (isGuarded(route) ? existingId(route.resource) : 'x'))
}

const ids = new Map<string, string>()
function existingId(resource: ResourceInfo): string {
  return ids.get(resource.name)!
}

beforeAll(async () => {
  const rows = await platform.twoTenants()
  for (const resource of platform.plinth.registry.resources)
    ids.set(resource.name, rows.a.get(resource.name)!.find((row) => row.role === 'own')!.id)
})

/** A body that the route takes, as an object to be spoilt. */
function validBody(resource: ResourceInfo): Record<string, unknown> {
  const bodies: Readonly<Record<string, Record<string, unknown>>> = {
    crate: { title: 'A crate', label: `label ${seededRandom(sent).word(12)}`, pieces: 1 },
    folder: { name: 'A folder' },
    document: { title: 'A document', docKey: 'k', folderId: ids.get('folder') },
    vault: { name: 'A vault' },
    letter: { subject: 'A letter' },
    manifest: { title: 'A manifest' },
    // Without the reference, so that none is made under an odd name: keys.test.ts makes those.
    berth: { title: 'A berth' },
  }
  return bodies[resource.name] ?? {}
}

/** A valid body with one member given as JSON text. */
function bodyWith(resource: ResourceInfo, key: string, value: string): string {
  const rest = Object.entries(validBody(resource)).filter(([name]) => name !== key)
  return `{${[...rest.map(([name, member]) => `${JSON.stringify(name)}:${JSON.stringify(member)}`), `${JSON.stringify(key)}:${value}`].join(',')}}`
}

const bodyFields = (resource: ResourceInfo): readonly FieldInfo[] => writableFields(resource)

describe('bodies', () => {
  test('malformed ones, on every route that takes one', async () => {
    const requests = withBody().flatMap((route) =>
      malformedBodies.map(([, body]) => ask(route.method, concrete(route), body)),
    )
    const optional = new Set(
      withBody()
        .filter((route) => route.body!.optional)
        .map((route) => route.path),
    )
    expect(
      await barrage(requests, (request, reply) => {
        const empty =
          request.body === '' &&
          [...optional].some((path) => new RegExp(`^${path.replace(':id', '[^/]+')}$`).test(request.target))
        const takesAny = reply.status === 200 && (request.method === 'PATCH' || empty)
        return reply.status >= 400 || takesAny ? undefined : `accepted: ${reply.status}`
      }),
    ).toEqual([])
  })

  test('no single one holds the process for a second', async () => {
    const held: string[] = []
    for (const [name, body] of malformedBodies) {
      // Of the processor and not of the wall: other tests run beside this one.
      const before = process.cpuUsage()
      await platform.send(ask('POST', '/api/v1/crates', body))
      const { user, system } = process.cpuUsage(before)
      sent += 1
      if (user + system > 1_000_000) held.push(`${name}: ${Math.round((user + system) / 1000)} ms`)
    }
    expect(held).toEqual([])
  })

  test('a byte-order mark is not part of the text (RFC 8259 §8.1)', async () => {
    const reply = await platform.send(ask('POST', '/api/v1/folders', '\ufeff{"name":"marked"}'))
    expect([reply.status, field(reply, 'name')]).toEqual([201, 'marked'])
  })

  test('of every wrong type and size in every field', { timeout: 120_000 }, async () => {
    const requests = withBody().flatMap((route) => {
      const fields = ['create', 'update'].includes(route.verb)
        ? bodyFields(route.resource).map((field) => field.key)
        : ['weight', 'folderId', 'documentId', 'shout', 'title']
      return fields.flatMap((key) =>
        wrongValues.map((value) =>
          ask(
            route.method,
            concrete(route),
            route.method === 'PATCH' ? `{"${key}":${value}}` : bodyWith(route.resource, key, value),
          ),
        ),
      )
    })
    expect(requests.length).toBeGreaterThan(5_000)
    expect(await barrage(requests)).toEqual([])
  })

  test('with keys that climb into prototypes', async () => {
    const requests = withBody().flatMap((route) =>
      climbingBodies.map((body) => ask(route.method, concrete(route), body)),
    )
    expect(await barrage(requests)).toEqual([])
    expect(polluted()).toBeUndefined()
  })

  test('with what only the server may set', async () => {
    const server = {
      tenantId: platform.b.id,
      tenant_id: platform.b.id,
      id: existingId(platform.plinth.registry.resources[0]!),
      ownerUserId: platform.b.id,
      ownerGroupId: platform.b.id,
      version: 999,
      createdAt: '1999-01-01T00:00:00Z',
      updatedAt: '1999-01-01T00:00:00Z',
      deletedAt: '1999-01-01T00:00:00Z',
      internalNote: 'written from outside',
      reviewedBy: 'written from outside',
    }
    const requests = withBody().flatMap((route) =>
      Object.entries(server).flatMap(([key, value]) => [
        ask(route.method, concrete(route), JSON.stringify({ ...validBody(route.resource), [key]: value })),
        ask(route.method, concrete(route), JSON.stringify({ [key]: value })),
        ask(route.method, concrete(route), JSON.stringify([{ ...validBody(route.resource), [key]: value }])),
        ask(route.method, concrete(route), JSON.stringify({ data: { ...validBody(route.resource), [key]: value } })),
      ]),
    )
    expect(await barrage(requests)).toEqual([])
  })

  test('under wrong content types', async () => {
    const requests = withBody().flatMap((route) =>
      contentTypes.map((type) =>
        ask(route.method, concrete(route), JSON.stringify(validBody(route.resource)), { 'content-type': type }),
      ),
    )
    expect(
      await barrage(requests, (request, reply) => {
        const type = request.headers.find(([name]) => name === 'content-type')?.[1] ?? ''
        const fine = /^application\/(merge-patch\+)?json(?: *;(?!.*(?:utf-16|8859|charset=(?:"utf-8)?$)).*)?$/i.test(
          type,
        )
        return reply.status === 415 || fine || reply.status === 404 ? undefined : `taken as JSON: ${reply.status}`
      }),
    ).toEqual([])
  })
})

describe('urls', () => {
  test('queries, on every route', async () => {
    const requests = platform.plinth.routes.flatMap((route) =>
      naughtyQueries.map((query) =>
        ask(route.method, `${concrete(route)}?${query}`, route.public || !route.body ? undefined : '{}'),
      ),
    )
    expect(await barrage(requests)).toEqual([])
    expect(polluted()).toBeUndefined()
  })

  test('values of filters, on every field and operator', { timeout: 120_000 }, async () => {
    const operators = ['', '[ne]', '[gt]', '[gte]', '[lt]', '[lte]', '[in]', '[contains]', '[isNull]']
    const lists = guarded().filter(
      (route) => route.method === 'GET' && route.query !== undefined && !route.path.includes(':id'),
    )
    const requests = lists.flatMap((route) =>
      route.resource.fields
        .filter((field) => field.filter || field.reference)
        .flatMap((field) =>
          naughtyFilterValues.flatMap((value, at) => {
            // Each value with three operators, all operators in turn.
            const chosen = [0, 3, 6].map((step) => operators[(at + step) % operators.length]!)
            return chosen.map((operator) =>
              ask('GET', `${concrete(route)}?${field.key}${operator}=${encodeURIComponent(value)}`),
            )
          }),
        ),
    )
    expect(requests.length).toBeGreaterThan(3_000)
    expect(await barrage(requests)).toEqual([])
  })

  test('ids, on every route that has one', async () => {
    const requests = guarded()
      .filter((route) => route.path.includes(':id'))
      .flatMap((route) =>
        naughtyIds.map((id) =>
          ask(route.method, concrete(route, id), route.body ? JSON.stringify(validBody(route.resource)) : undefined),
        ),
      )
    expect(
      await barrage(requests, (request, reply) =>
        reply.status >= 400 || reply.status === 200 ? undefined : `accepted: ${reply.status}`,
      ),
    ).toEqual([])
  })

  test('paths that are nearly ours', async () => {
    const requests = oddPaths.flatMap((path) =>
      ['GET', 'POST', 'DELETE', 'HEAD'].map((method) => ask(method, path, method === 'POST' ? '{}' : undefined)),
    )
    expect(await barrage(requests)).toEqual([])
  })

  test('methods, on every path', async () => {
    const paths = [...new Set(platform.plinth.routes.map((route) => concrete(route)))]
    const requests = paths.flatMap((path) => oddMethods.map((method) => ask(method, path)))
    expect(
      await barrage(requests, ({ method }, reply) => {
        const known = ['HEAD', 'OPTIONS', 'GET', 'DELETE', 'PATCH'].includes(method.toUpperCase())
        return known || reply.status === 405 ? undefined : `${method}: ${reply.status}`
      }),
    ).toEqual([])
  })
})

describe('headers', () => {
  test('credentials that are none, on every route', async () => {
    const requests = guarded().flatMap((route) =>
      naughtyHeaders.map((headers) =>
        ask(route.method, concrete(route), route.body ? '{}' : undefined, { authorization: undefined, ...headers }),
      ),
    )
    expect(
      await barrage(requests, (_, reply) => (reply.status === 401 ? undefined : `not 401: ${reply.status}`)),
    ).toEqual([])
  })

  test('odd ones beside a good credential, on every route', async () => {
    const requests = platform.plinth.routes.flatMap((route) =>
      oddHeaders.map((headers) =>
        ask(
          route.method,
          concrete(route),
          !isGuarded(route) || !route.body ? undefined : JSON.stringify(validBody(route.resource)),
          headers,
        ),
      ),
    )
    expect(await barrage(requests)).toEqual([])
  })
})

test('cursors with any one byte changed are refused, on every list', async () => {
  const lists = guarded().filter(
    (route) => route.method === 'GET' && route.query !== undefined && !route.path.includes(':id'),
  )
  const requests: WireRequest[] = []
  for (const route of lists) {
    const page = JSON.parse((await platform.send(ask('GET', `${route.path}?pageSize=1`))).body) as {
      page: { nextCursor: string }
    }
    const { nextCursor } = page.page
    for (let at = 0; at < nextCursor.length; at += 1) {
      for (const letter of ['A', '~', '.', '=']) {
        if (nextCursor[at] !== letter)
          requests.push(
            ask(
              'GET',
              `${route.path}?pageSize=1&cursor=${nextCursor.slice(0, at)}${letter}${nextCursor.slice(at + 1)}`,
            ),
          )
      }
    }
    for (const cut of [
      nextCursor.slice(1),
      nextCursor.slice(0, -1),
      nextCursor + nextCursor,
      `${nextCursor}A`,
      nextCursor.toUpperCase(),
      nextCursor.split('~')[0]!,
    ])
      requests.push(ask('GET', `${route.path}?pageSize=1&cursor=${cut}`))
    // Whole, but with what it is not bound to.
    for (const other of ['sort=id', 'fields=id', 'search=x', 'id[ne]=01941f29-7c00-7aaa-8bbb-0123456789ab'])
      requests.push(ask('GET', `${route.path}?pageSize=1&cursor=${nextCursor}&${other}`))
  }
  expect(requests.length).toBeGreaterThan(1_500)
  expect(
    await barrage(requests, (_, reply) =>
      reply.status === 400 ? undefined : `taken: ${reply.status} ${reply.body.slice(0, 200)}`,
    ),
  ).toEqual([])
})

describe(`${allNaughtyStrings.length} naughty strings`, () => {
  test('are stored and read back to the byte, or refused', { timeout: 120_000 }, async () => {
    expect(allNaughtyStrings.length).toBeGreaterThan(150)
    const wrong: string[] = []
    let stored = 0
    for (const text of allNaughtyStrings) {
      const draft = { title: 'Naughty', docKey: text, body: text, authorEmail: text, folderId: ids.get('folder') }
      const made = await platform.send(ask('POST', '/api/v1/documents', JSON.stringify(draft)))
      sent += 1
      const words = wrongReply({ method: 'POST', target: '' }, made)
      if (words !== undefined) wrong.push(`${JSON.stringify(text.slice(0, 60))}: ${words}`)
      if (made.status !== 201) continue
      stored += 1
      const { id } = JSON.parse(made.body) as { id: string }
      const read = await platform.send(ask('GET', `/api/v1/documents/${id}`))
      const changed = await platform.send(
        ask('PATCH', `/api/v1/documents/${id}`, JSON.stringify({ title: 'Changed', docKey: text })),
      )
      const listed = await platform.send(
        ask('GET', `/api/v1/documents?id=${id}&docKey=${text.length < 500 ? encodeURIComponent(text) : 'x'}`),
      )
      sent += 3
      const [row] = await platform.superuser.query(
        'select body, doc_key, author_email from public.documents where id = $1::uuid',
        [id],
      )
      for (const [where, value] of [
        ['created', field(made, 'body')],
        ['read', field(read, 'body')],
        ['changed', field(changed, 'docKey')],
        ['stored', row?.['body']],
        ['stored key', row?.['doc_key']],
        ['stored e-mail', row?.['author_email']],
        ...(text.length < 500
          ? [['listed', (JSON.parse(listed.body) as { data?: { body: string }[] }).data?.[0]?.body] as const]
          : []),
      ] as const)
        if (value !== text)
          wrong.push(`${JSON.stringify(text.slice(0, 60))} ${where} as ${JSON.stringify(String(value).slice(0, 60))}`)
    }
    expect(wrong.slice(0, 20)).toEqual([])
    expect(stored).toBeGreaterThan(150)
  })

  test('as keys and values of json, and as words to search for', { timeout: 120_000 }, async () => {
    const wrong: string[] = []
    for (const text of allNaughtyStrings.filter((each) => each.length < 20_000)) {
      // Built as text: as an object literal, `__proto__` would set the prototype.
      const facts = `{${JSON.stringify(text)}:${JSON.stringify(text)},"list":[${JSON.stringify(text)}]}`
      const made = await platform.send(
        ask(
          'POST',
          '/api/v1/crates',
          bodyWith(
            platform.plinth.registry.resources.find(({ name }) => name === 'crate')!,
            'facts',
            facts,
          ),
        ),
      )
      sent += 1
      const words = wrongReply({ method: 'POST', target: '' }, made)
      if (words !== undefined) wrong.push(`${JSON.stringify(text.slice(0, 60))}: ${words}`)
      if (made.status !== 201) continue
      const back = (JSON.parse(made.body) as { facts: object }).facts
      // The one key that is dropped: whoever merges such a row into an object would set its prototype.
      if (text === '__proto__' && JSON.stringify(back) === '{"list":["__proto__"]}') continue
      if (JSON.stringify(sorted(back)) !== JSON.stringify(sorted(JSON.parse(facts) as object)))
        wrong.push(`${JSON.stringify(text.slice(0, 60))} came back as ${JSON.stringify(back).slice(0, 200)}`)
    }
    expect(wrong.slice(0, 20)).toEqual([])
    const words = allNaughtyStrings.filter((each) => each.length < 1_000).map((each) => encodeURIComponent(each))
    const requests = ['crates', 'documents', 'folders', 'vaults', 'prices'].flatMap((path) =>
      words.map((word) => ask('GET', `/api/v1/${path}?search=${word}`)),
    )
    expect(await barrage(requests)).toEqual([])
    expect(polluted()).toBeUndefined()
  })
})

test('afterwards nothing is stored that was not declared, and more than 25,000 requests were sent', async () => {
  expect(await undeclaredRows(platform)).toEqual([])
  expect(platform.log.of('request_failed')).toEqual([])
  expect(sent).toBeGreaterThan(25_000)
  expect(slowest.milliseconds, slowest.request).toBeLessThan(15_000)
})

function field(reply: WireReply, key: string): unknown {
  return (JSON.parse(reply.body) as Readonly<Record<string, unknown>>)[key]
}

/** jsonb orders keys in its own way. */
function sorted(value: object): [string, unknown][] {
  return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
}
