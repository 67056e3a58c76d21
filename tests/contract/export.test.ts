import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { get as httpGet } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  buildPermissionSet,
  defineResource,
  deletedAt,
  resourceTable,
  type Feature,
  type Principal,
} from '@plinth/core'
import { getRequestListener } from '@hono/node-server'
import { toHono } from '@plinth/hono'
import { tappedDriver, testPlatform, type TappedDriver, type TestPlatform } from '@plinth/testing'
import { boolean, index, integer, jsonb, numeric, text, timestamp } from 'drizzle-orm/pg-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'

const leads = resourceTable(
  'leads',
  {
    name: text().notNull(),
    amount: integer(),
    price: numeric({ precision: 12, scale: 2 }),
    won: boolean(),
    metAt: timestamp({ withTimezone: true }),
    facts: jsonb(),
    inner: text(),
    deletedAt: deletedAt(),
  },
  (table) => [index('leads_name_idx').on(table.tenantId, table.name)],
)
const lead = defineResource({
  table: leads,
  fields: { name: { filter: true, search: true, sort: true }, amount: { filter: true }, inner: { hidden: true } },
})

/** Somebody whose rights can be taken away. */
let revoked = false
const revocable: Feature = {
  name: 'revocable',
  slots: {
    auth: [
      {
        kinds: ['apiKey'],
        read: (credential): Principal | undefined =>
          credential.value === 'revocable' && !revoked ? { ...full, name: 'revocable' } : undefined,
      },
    ],
  },
  verify: () => [],
}
let full: Principal

let platform: TestPlatform
let tap: TappedDriver
beforeAll(async () => {
  platform = await testPlatform({
    resources: [lead],
    features: [revocable],
    pool: 2,
    wrap: (driver) => (tap = tappedDriver(driver)),
    plinth: { limits: { exportIdle: 1_500 } as never },
  })
  const { set } = buildPermissionSet(platform.plinth.registry.permissions, ['*'])
  full = {
    kind: 'user',
    id: crypto.randomUUID(),
    name: 'full',
    userId: null,
    groupIds: [],
    tenant: platform.a.slug,
    permissions: set,
  }
})
afterAll(() => platform.close())
afterEach(() => {
  tap.rewrite = undefined
  tap.observe = undefined
})

const bearer = (who = 'full'): Record<string, string> => ({
  authorization: `Bearer ${platform.a.actors[who]!.token}`,
})
const open = (query: string, headers: Record<string, string> = bearer()): Promise<Response> =>
  platform.plinth.fetch(new Request(`http://localhost/api/v1/leads${query}`, { headers }))
const add = async (body: object, who = 'full'): Promise<string> => {
  const reply = await platform.request(platform.a.actors[who], 'POST', '/api/v1/leads', body)
  expect(reply.status, reply.body).toBe(201)
  return (reply.json as { id: string }).id
}
/** Rows past the API, each older than the one before. */
const fill = async (name: string, count: number, width = 1): Promise<void> => {
  await platform.superuser.query(
    `insert into public.leads (tenant_id, id, name, amount, "inner", created_at)
     select '${platform.a.id}', gen_random_uuid(), '${name}', n, repeat('x', ${width}), '2020-01-01'::timestamptz - n * interval '1 second'
     from generate_series(1, ${count}) n`,
  )
}
const lines = (ndjson: string): Record<string, unknown>[] =>
  ndjson
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>)

describe('CSV', () => {
  test('RFC 4180 with a header, times, json, numbers and NULL', async () => {
    const id = await add({
      name: 'say "hi", all',
      amount: -5,
      price: '-1.50',
      won: true,
      metAt: '2026-01-31T12:00:00.123Z',
      facts: { a: [1, '='] },
    })
    await add({ name: '', amount: null })
    const answer = await open('?format=csv&fields=name,amount,price,won,metAt,facts&amount=-5')
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present')
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="leads.csv"')
    expect(answer.headers.get('cache-control')).toBe('private, no-cache')
    expect(answer.headers.get('vary')).toContain('Accept')
    expect(answer.headers.get('etag')).toBeNull()
    expect(await answer.text()).toBe(
      'name,amount,price,won,metAt,facts\r\n"say ""hi"", all",-5,-1.50,true,2026-01-31T12:00:00.123Z,"{""a"": [1, ""=""]}"\r\n',
    )
    // An empty text is not NULL.
    expect(await (await open('?format=csv&fields=name,amount&name=')).text()).toBe('name,amount\r\n"",\r\n')
    const whole = await (await open(`?format=csv&id=${id}`)).text()
    expect(whole.split('\r\n')[0]).not.toMatch(/inner|tenantId/)
  })

  test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '\n=1', '＝1+1', '=cmd|"/c calc"!A1'])(
    'a text that a spreadsheet would run is defused: %j',
    async (name) => {
      const id = await add({ name })
      const [, cell] = (await (await open(`?format=csv&fields=name&id=${id}`)).text()).split(/\r\n(?=['"])/)
      expect(cell).toMatch(/^"?'/)
      // The other format gives it back as it was.
      expect(lines(await (await open(`?format=ndjson&fields=name&id=${id}`)).text())).toEqual([{ name }])
    },
  )

  test('no rows: the header alone', async () => {
    expect(await (await open('?format=csv&fields=id,name&name=nobody')).text()).toBe('id,name\r\n')
  })
})

describe('NDJSON', () => {
  test('each line is the row as a read gives it; filter, search, mask, scope and deletion hold', async () => {
    const ids = [await add({ name: 'line one' }), await add({ name: 'line two' })]
    const gone = await add({ name: 'line three' })
    await platform.request(platform.a.actors.full, 'DELETE', `/api/v1/leads/${gone}`)
    await add({ name: 'line own' }, 'own')
    const answer = await open('?search=LINE', { ...bearer(), accept: 'application/x-ndjson' })
    expect(answer.headers.get('content-type')).toBe('application/x-ndjson')
    const rows = lines(await answer.text())
    expect(rows.map((row) => row['name'])).toEqual(['line own', 'line two', 'line one'])
    const read = await platform.request(platform.a.actors.full, 'GET', `/api/v1/leads/${ids[0]}`)
    expect(rows[2]).toEqual(read.json)
    expect(lines(await (await open('?format=ndjson&search=line&fields=name', bearer('own'))).text())).toEqual([
      { name: 'line own' },
    ])
  })

  test('all rows, each once, in the order of the list; what is made meanwhile is not among them', async () => {
    await fill('many', 1_234)
    const answer = await open('?format=ndjson&name=many&fields=amount')
    const reader = answer.body!.getReader()
    const first = await reader.read()
    await add({ name: 'many', amount: 0 })
    let body = Buffer.from(first.value!).toString()
    for (let next = await reader.read(); !next.done; next = await reader.read())
      body += Buffer.from(next.value).toString()
    expect(lines(body).map((row) => row['amount'])).toEqual(Array.from({ length: 1_234 }, (_, at) => at + 1))
  })
})

test.each(['page=1', 'pageSize=5', 'skip=1', 'limit=1', 'cursor=x', 'count=exact', 'sort=name'])(
  'there are no pages in an export: %s is a 400',
  async (query) => {
    for (const format of ['csv', 'ndjson']) {
      const answer = await open(`?format=${format}&${query}`)
      expect(answer.status).toBe(400)
      expect(answer.headers.get('content-type')).toBe('application/problem+json')
    }
  },
)

test('who may not read gets no export, and nobody another tenant', async () => {
  expect((await open('?format=csv', bearer('writer'))).status).toBe(403)
  expect((await open('?format=csv', {})).status).toBe(401)
  await add({ name: 'ours alone' })
  const theirs = { authorization: `Bearer ${platform.b.actors.full.token}` }
  expect(await (await open('?format=ndjson&name=ours+alone', theirs)).text()).toBe('')
})

test('HEAD has the headers and starts nothing', async () => {
  const answer = await platform.plinth.fetch(
    new Request('http://localhost/api/v1/leads?format=csv', { method: 'HEAD', headers: bearer() }),
  )
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toContain('text/csv')
  expect(await answer.text()).toBe('')
})

describe('a failure in the middle', () => {
  const failing = (after: number): void => {
    let seen = 0
    tap.rewrite = (statement) => (statement.includes('"public"."leads"') && ++seen > after ? 'select 1/0' : statement)
  }

  test('NDJSON: the last line says so, and the stream breaks', async () => {
    await fill('broken', 400)
    failing(1)
    const answer = await open('?format=ndjson&name=broken')
    const reader = answer.body!.getReader()
    await reader.read()
    const last = lines(Buffer.from((await reader.read()).value!).toString())
    expect(last).toEqual([{ error: expect.objectContaining({ status: 500, code: 'internal_error' }) as unknown }])
    expect(JSON.stringify(last)).not.toContain('zero')
    await expect(reader.read()).rejects.toThrow(/broke off/)
    expect(platform.log.text()).toContain('export_ended')
  })

  test.each(['csv', 'ndjson'])('%s over a socket: the client sees an answer that was not finished', async (format) => {
    await fill(`cut ${format}`, 400)
    const served = await platform.listen(getRequestListener(toHono(platform.plinth).fetch))
    try {
      failing(1)
      const outcome = await new Promise<string>((resolve, reject) => {
        httpGet(`${served.url}/api/v1/leads?format=${format}&name=cut+${format}`, { headers: bearer() }, (incoming) => {
          expect(incoming.statusCode).toBe(200)
          incoming.resume()
          incoming.on('end', () => resolve(incoming.complete ? 'complete' : 'cut off'))
          incoming.on('error', () => resolve('cut off'))
        }).on('error', reject)
      })
      expect(outcome).toBe('cut off')
    } finally {
      tap.rewrite = undefined
      await served.close()
    }
  })

  test('in the first batch: an answer like any other', async () => {
    failing(0)
    expect((await open('?format=csv')).status).toBe(500)
  })

  test('who loses his credential gets no more', async () => {
    await fill('revoked', 600)
    const answer = await open('?format=ndjson&name=revoked', { 'x-api-key': 'revocable' })
    const reader = answer.body!.getReader()
    expect(lines(Buffer.from((await reader.read()).value!).toString())[0]).toHaveProperty('id')
    await sleep(1_050)
    revoked = true
    const next = lines(Buffer.from((await reader.read()).value!).toString())
    expect(next).toEqual([{ error: expect.objectContaining({ status: 401 }) as unknown }])
    await expect(reader.read()).rejects.toThrow(/broke off/)
  })
})

describe('slow and vanishing readers', () => {
  test('nothing is read ahead, no connection is held, and four exports of a tenant run at once', async () => {
    await fill('slow', 1_000)
    let statements = 0
    tap.observe = (statement) => void (statements += statement.includes('"public"."leads"') ? 1 : 0)
    const answers: Response[] = []
    for (let at = 0; at < 4; at += 1) answers.push(await open('?format=ndjson&name=slow'))
    const refused = await open('?format=ndjson&name=slow')
    expect(refused.status).toBe(429)
    expect(refused.headers.get('retry-after')).toBe('5')
    // Another tenant has places of its own.
    const theirs = await open('?format=ndjson', { authorization: `Bearer ${platform.b.actors.full.token}` })
    expect(theirs.status).toBe(200)
    await theirs.body!.cancel()
    expect(statements).toBe(5)
    // The pool has two connections, and all four stand still.
    expect((await platform.request(platform.a.actors.full, 'GET', '/api/v1/leads?pageSize=1')).status).toBe(200)
    for (const answer of answers) await answer.body!.cancel()
    expect((await open('?format=ndjson&name=slow&fields=id').then((answer) => answer.text())).split('\n').length).toBe(
      1_001,
    )
  })

  test('who takes nothing for long is given up, and his place with him', async () => {
    await fill('idle', 600)
    const answers = await Promise.all(Array.from({ length: 4 }, () => open('?format=csv&name=idle')))
    expect((await open('?format=csv&name=idle')).status).toBe(429)
    await sleep(1_700)
    await expect(answers[0]!.text()).rejects.toThrow(/took nothing/)
    const after = await open('?format=csv&name=idle')
    expect(after.status).toBe(200)
    expect((await after.text()).split('\r\n').length).toBe(602)
  })

  test('clients that hang up leave a pool of two usable', async () => {
    await fill('abort', 5_000, 200)
    const served = await platform.listen(getRequestListener(toHono(platform.plinth).fetch))
    try {
      for (let round = 0; round < 5; round += 1) {
        await Promise.all(
          Array.from({ length: 4 }, async () => {
            const aborting = new AbortController()
            const answer = await fetch(`${served.url}/api/v1/leads?format=ndjson&name=abort`, {
              headers: bearer(),
              signal: aborting.signal,
            })
            if (answer.status === 200) await answer.body!.getReader().read()
            aborting.abort()
          }),
        )
        await expect.poll(async () => (await open('?format=ndjson&name=nobody')).status, { timeout: 5_000 }).toBe(200)
      }
      expect((await platform.request(platform.a.actors.full, 'GET', '/api/v1/leads?pageSize=1')).status).toBe(200)
    } finally {
      await served.close()
    }
  })
})

test('200,000 rows do not grow the process', { timeout: 180_000 }, async () => {
  await platform.superuser.query(`delete from public.leads where name = 'huge'`)
  await fill('huge', 200_000)
  await platform.superuser.query(
    `update public.leads set facts = jsonb_build_object('words', repeat('w', 900)) where name = 'huge'`,
  )
  await platform.superuser.query('analyze public.leads')
  const warm = await open('?format=ndjson&name=many')
  await warm.text()
  // When V8 collects garbage it decides by itself: what it holds back grows by 150 MB in one run and by none in the next.
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  /** What the process holds after each tenth of the export, in MB. */
  const held: number[] = []
  let bytes = 0
  let rows = 0
  const answer = await open('?format=ndjson&name=huge')
  const reader = answer.body!.getReader()
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    bytes += next.value.length
    for (const byte of next.value) if (byte === 10) rows += 1
    if (rows < (held.length + 1) * 20_000) continue
    collect()
    const { heapUsed, external } = process.memoryUsage()
    held.push((heapUsed + external) / 1e6)
  }
  console.info(`export: ${rows} rows, ${Math.round(bytes / 1e6)} MB; held in MB: ${held.map(Math.round).join(' ')}`)
  expect(rows).toBe(200_000)
  expect(bytes).toBeGreaterThan(200e6)
  // A process that kept the text would hold 118 MB more at the least of the second half than at that of the first; what is on its way
  // through sockets and buffers comes and goes.
  expect(held).toHaveLength(10)
  expect(Math.min(...held.slice(5)) - Math.min(...held.slice(0, 5))).toBeLessThan(20)
})
