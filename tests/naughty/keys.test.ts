import { depot, testPlatform, type TestPlatform, type TestReply } from '@plinth/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { wrongReply } from './judge-reply.ts'

/*
 * Ids of tables with keys of their own. A second spelling of an id is no second name of its row: what is not the very id is a
 * row that is not there. No 5xx, never another row, and nothing written.
 */
let platform: TestPlatform
let number: string
let foreign: string
let name: string

beforeAll(async () => {
  platform = await testPlatform({ resources: depot, rolePrefix: 'naughty_' })
  const { a, b } = await platform.twoTenants()
  const own = (rows: typeof a, resource: string): string => rows.get(resource)!.find((row) => row.role === 'own')!.id
  number = own(a, 'manifest')
  foreign = own(b, 'manifest')
  name = own(a, 'berth')
})
afterAll(() => platform.close())

function ask(method: string, target: string, body?: unknown): Promise<TestReply> {
  return platform.request(platform.a.actors.full, method, target, body)
}

async function stored(): Promise<string> {
  const rows = await platform.superuser.query(
    `select to_jsonb(t)::text as row from public.manifests t union all select to_jsonb(t)::text from public.berths t order by 1`,
  )
  return JSON.stringify(rows)
}

const escaped = (text: string): string =>
  [...new TextEncoder().encode(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
const arabic = (text: string): string => text.replace(/\d/g, (digit) => String.fromCodePoint(0x0660 + Number(digit)))
const wide = (text: string): string =>
  text.replace(/[\da-z]/g, (letter) => String.fromCodePoint(letter.codePointAt(0)! + 0xfee0))

/** As they stand on the request line. */
function spellings(id: string): readonly string[] {
  const signed = `0${id} 00${id} -${id} +${id} %2B${id} %20${id} ${id}%20 ${id}%0a %09${id} ${id}%00 ~${id}`
  const typed = `${id}.0 ${id}. ${id}e0 ${id}E0 ${id}n ${id},1 ${id}%2C${id} 0x${id} '${id}' %22${id}%22`
  const hidden = `${id}%2F ${id}%2F.. ..%2F${id} ${id};a=1 ${id}-- ${id}%20or%201=1 %7B${id}%7D [${id}] ${id}%E2%80%8B`
  const others = [encodeURIComponent(arabic(id)), encodeURIComponent(wide(id)), escaped(escaped(id))]
  return [...`${signed} ${typed} ${hidden}`.split(' '), ...others]
}

const numbers = [
  ...'042 4e1 %2042 9223372036854775808 -9223372036854775809 2147483648 -2147483649 -1 0 -0 1.0 %D9%A4%D9%A2'.split(
    ' ',
  ),
  ...'%34%32 1e9 NaN Infinity null true 0b1 1_000 %F0%9F%92%A9 % %zz %ff __proto__ constructor'.split(' '),
  '9'.repeat(40),
  '9'.repeat(4_000),
  '01941f29-7c00-7aaa-8bbb-0123456789ab',
]
const names = [
  ...'%C3%A9 %F0%9F%92%A9 %E2%80%AE a%2Fb a%252Fb %2e %2e%2e ... a..b .a ~a -a _a __proto__ constructor toString'.split(
    ' ',
  ),
  ...'hasOwnProperty null bulk export assign new stream a%20b %00 a%0d%0ab % %zz %ff * %25 %27%20or%201=1'.split(' '),
  'x'.repeat(128),
  'x'.repeat(129),
  'x'.repeat(5_000),
]

function decoded(id: string): string | undefined {
  try {
    return decodeURIComponent(id)
  } catch {
    return undefined
  }
}

test.each([
  ['whole numbers', 'manifests', () => [...numbers, foreign, ...spellings(foreign), ...spellings(number)]],
  ['names', 'berths', () => [...names, ...spellings(name), name.toUpperCase(), `${name}.json`]],
])('%s: no id leads to a row that is not called so, and nothing is written', async (_title, path, ids) => {
  const before = await stored()
  const wrong: string[] = []
  for (const id of ids()) {
    for (const [method, suffix, body] of [
      ['GET', ''],
      ['HEAD', ''],
      ['PATCH', '', { title: 'changed' }],
      ['PUT', '', { title: 'changed', manifestId: number }],
      ['DELETE', ''],
      ['POST', '/assign', { manifestId: number }],
    ] as const) {
      const reply = await ask(method, `/api/v1/${path}/${id}${suffix}`, body)
      // `GET /berths/export` and their like are routes of their own, where they are served.
      const words =
        wrongReply({ method, target: '' }, reply) ?? (reply.status < 400 ? `${reply.status} ${reply.body}` : undefined)
      if (words !== undefined) wrong.push(`${method} ${path}/${id.slice(0, 60)}: ${words}`)
    }
  }
  expect(wrong).toEqual([])
  expect(await stored()).toBe(before)
})

test('an id whose letters are escaped is the same id, and its row the same row', async () => {
  for (const [path, id] of [
    ['manifests', number],
    ['berths', name],
  ] as const) {
    const reply = await ask('GET', `/api/v1/${path}/${escaped(id)}`)
    expect(reply, reply.body).toMatchObject({ status: 200, json: { id } })
  }
  // The very same of the other tenant's leads nowhere.
  expect((await ask('GET', `/api/v1/manifests/${escaped(foreign)}`)).status).toBe(404)
})

test('in filters and bodies: refused, or a row that is called so', async () => {
  const before = await stored()
  const wrong: string[] = []
  const told = (what: string, reply: TestReply, ids: readonly (string | undefined)[]): void => {
    const data = (reply.json as { readonly data?: readonly { readonly id: string; readonly manifestId: string }[] })
      .data
    const other = data?.filter((row) => !ids.includes(row.id) && !ids.includes(row.manifestId)) ?? []
    const words =
      wrongReply({ method: 'GET', target: '' }, reply) ?? (other.length > 0 ? `another row: ${reply.body}` : undefined)
    if (words !== undefined) wrong.push(`${what}: ${words}`)
  }
  for (const id of [...numbers, ...names, foreign, ...spellings(foreign), ...spellings(number)]) {
    const shown = id.slice(0, 60)
    // In a query `+` is a space.
    const meant = decoded(id.replaceAll('+', ' '))
    told(`id=${shown}`, await ask('GET', `/api/v1/manifests?id=${id}`), [meant])
    told(`id=${shown}`, await ask('GET', `/api/v1/berths?id=${id}`), [meant])
    told(`manifestId=${shown}`, await ask('GET', `/api/v1/berths?manifestId=${id}`), [meant])
    told(`id[in]=${shown}`, await ask('GET', `/api/v1/manifests?id[in]=${id}`), meant?.split(',') ?? [])
    for (const manifestId of [id, meant, Number(meant)]) {
      const reply = await ask('POST', '/api/v1/berths', { id: 'made', title: 'x', manifestId })
      const words = wrongReply({ method: 'POST', target: '' }, reply) ?? (reply.status < 400 ? reply.body : undefined)
      if (words !== undefined) wrong.push(`POST manifestId ${shown}: ${words}`)
    }
  }
  expect(wrong).toEqual([])
  expect(await stored()).toBe(before)
})

test('names that are taken as they are come back as they are; all others are refused', async () => {
  const fine = [
    'x'.repeat(128),
    'a',
    'A',
    'a.b',
    'a..b',
    'a~',
    '0',
    '042',
    '42',
    '4e1',
    'constructor',
    'toString',
    'null',
    'q.json',
  ]
  for (const id of fine) {
    const made = await ask('POST', '/api/v1/berths', { id, title: `called ${id}`, manifestId: number })
    expect(made.status, made.body).toBe(201)
  }
  // After all of them are there: none hides or changes another.
  for (const id of fine) {
    const read = await ask('GET', `/api/v1/berths/${id}`)
    expect(read, read.body).toMatchObject({ status: 200, json: { id, title: `called ${id}` } })
  }
  const refused = names.map(decoded).filter((id) => id !== undefined && !/^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$/.test(id))
  const before = await stored()
  const reserved = ['bulk', 'clear', 'create', 'edit', 'export', 'import', 'list', 'new', 'search', 'stream', 'assign']
  for (const id of [
    ...refused,
    ...reserved,
    '',
    ' a',
    'a ',
    'a\u0000',
    '\ud800',
    'e\u0301',
    42,
    null,
    ['a'],
    { a: 1 },
  ]) {
    const reply = await ask('POST', '/api/v1/berths', { id, title: 'x', manifestId: number })
    expect(reply.status, JSON.stringify(id)).toBe(400)
    expect(wrongReply({ method: 'POST', target: '' }, reply)).toBeUndefined()
  }
  expect(await stored()).toBe(before)
})
