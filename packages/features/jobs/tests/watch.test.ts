import { defineJob, type Feature, type PermissionSet, type Principal } from '@plinth/core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { EventStream } from './event-stream.ts'
import { jobPlatform, writeNote, type JobPlatform } from './job-platform.ts'

/* Somebody who waits for a job sees how far it is, and its end. */

vi.setConfig({ testTimeout: 30_000 })

let gate = Promise.withResolvers<void>()
const build = defineJob({
  name: 'report.build',
  input: z.object({}),
  retry: { attempts: 1 },
  outside: async (_input, job) => {
    job.progress(0.5, 'half of it')
    await gate.promise
  },
  run: () => ({ pages: 7 }),
})

const open = async (
  platform: JobPlatform,
  path: string,
  { token = platform.a.actors.full.token, last }: { readonly token?: string | null; readonly last?: string } = {},
): Promise<Response> => {
  const headers = {
    ...(token !== null && { authorization: `Bearer ${token}` }),
    ...(last !== undefined && { 'last-event-id': last }),
  }
  return platform.plinth.fetch(new Request(`http://test/api/v1/jobs/${path}`, { headers }))
}
const watch = async (...given: Parameters<typeof open>): Promise<EventStream> => {
  const response = await open(...given)
  expect(response.status).toBe(200)
  return new EventStream(response)
}

describe.each(['postgres', 'pglite'] as const)('a job is watched on %s', (kind) => {
  let platform: JobPlatform
  beforeAll(async () => {
    platform = await jobPlatform([build, writeNote], {}, { kind })
  }, 60_000)
  afterAll(() => platform.close())

  test('from asked to done: each state, how far it is, and what came of it, in order and once', async () => {
    gate = Promise.withResolvers()
    const id = await platform.enqueue(build, {}, { delay: '1h' })
    // However the id is written.
    const stream = await watch(platform, `${id.toUpperCase()}/stream`)
    expect(stream.response.headers.get('content-type')).toBe('text/event-stream')
    expect(stream.response.headers.get('cache-control')).toBe('no-store, no-transform')
    const events = [(await stream.next())!]
    platform.clock.advance(3_600_000)
    while (events.at(-1)!.data['progress'] !== 0.5) events.push((await stream.next())!)
    expect(events.at(-1)).toMatchObject({
      event: 'job',
      data: { id, status: 'running', note: 'half of it', attempts: 1 },
    })
    gate.resolve()
    events.push(...(await stream.rest()))
    expect(events.at(-1)!.data).toMatchObject({ status: 'completed', progress: 1, result: { pages: 7 } })
    expect(new Set(events.map((event) => event.id)).size).toBe(events.length)
    const order = ['scheduled', 'waiting', 'queued', 'running', 'completed']
    const places = events.map(({ data }) => order.indexOf(String(data['status'])))
    expect(places).toEqual(places.toSorted((one, other) => one - other))
    expect(places[0]).toBe(0)
    // As whoever reads it once is shown it.
    const { json } = await platform.request(platform.a.actors.full, 'GET', `/api/v1/jobs/${id}`)
    expect(events.at(-1)!.data).toEqual(json)
  })

  test('who comes again is not told what he saw, and is told when he has seen the end', async () => {
    gate = Promise.withResolvers()
    const id = await platform.enqueue(build, {}, { delay: '1h' })
    const first = await watch(platform, `${id}/stream`)
    const { id: last } = (await first.next())!
    await first.hangUp()
    const second = await watch(platform, `${id}/stream`, { last })
    platform.clock.advance(3_600_000)
    gate.resolve()
    const events = await second.rest()
    expect(events.map((event) => event.id)).not.toContain(last)
    const end = events.at(-1)!
    expect(end.data['status']).toBe('completed')
    expect(
      (await watch(platform, `${id}/stream`, { last }).then((again) => again.rest())).map((event) => event.id),
    ).toEqual([end.id])
    expect((await open(platform, `${id}/stream`, { last: end.id })).status).toBe(204)
  })

  test('who asks again and again by ETag is told of each change as well', async () => {
    gate = Promise.withResolvers()
    const id = await platform.enqueue(build, {}, { delay: '1h' })
    const ask = (etag?: string) =>
      platform.request(
        platform.a.actors.full,
        'GET',
        `/api/v1/jobs/${id}`,
        undefined,
        etag ? { 'if-none-match': etag } : {},
      )
    const seen: unknown[] = []
    let etag: string | undefined
    const until = async (holds: (json: Readonly<Record<string, unknown>>) => boolean): Promise<void> =>
      vi.waitFor(
        async () => {
          const reply = await ask(etag)
          if (reply.status === 304) throw new Error('unchanged')
          const json = reply.json as Readonly<Record<string, unknown>>
          seen.push(json['status'])
          etag = reply.headers['etag']
          if (!holds(json)) throw new Error('not yet')
        },
        { timeout: 20_000, interval: 20 },
      )
    await until(({ status }) => status === 'scheduled')
    expect((await ask(etag)).status).toBe(304)
    platform.clock.advance(3_600_000)
    await until(({ status, progress }) => status === 'running' && progress === 0.5)
    gate.resolve()
    await until(({ status }) => status === 'completed')
  })

  test('with nothing to wait for it is one event', async () => {
    const id = await platform.enqueue(build, {}, { delay: '1d' })
    const events = await (await watch(platform, `${id}/stream?wait=0`)).rest()
    expect(events).toMatchObject([{ event: 'job', data: { id, status: 'scheduled' } }])
    await platform.superuser.script(`update plinth.background_jobs set status = 'dead' where id = '${id}'`)
    expect(await (await watch(platform, `${id}/stream`)).rest()).toMatchObject([{ data: { status: 'dead' } }])
  })

  test.each(['?wait=-1', '?wait=301', '?wait=x', '?wait=', '?include=owner', '?fields=id'])(
    '%s is refused',
    async (query) => {
      const id = await platform.enqueue(build, {}, { delay: '1d' })
      const reply = await open(platform, `${id}/stream${query}`)
      expect(reply.status).toBe(400)
      expect(await reply.json()).toMatchObject({ code: 'invalid_query' })
    },
  )
})

describe('who may not', () => {
  let platform: JobPlatform
  let id: string
  beforeAll(async () => {
    platform = await jobPlatform([build])
    id = await platform.enqueue(build, {}, { delay: '1d' })
  }, 60_000)
  afterAll(() => platform.close())

  test('sees nothing, and not whether it is there', async () => {
    const bodies = await Promise.all(
      [id, crypto.randomUUID()].map(async (one) => {
        const reply = await open(platform, `${one}/stream`, { token: platform.b.actors.full.token })
        expect(reply.status).toBe(404)
        const { requestId: _, ...body } = (await reply.json()) as Record<string, unknown>
        return body
      }),
    )
    expect(bodies[0]).toEqual(bodies[1])
    expect((await open(platform, 'x/stream')).status).toBe(404)
    expect((await open(platform, `${id}/stream`, { token: null })).status).toBe(401)
    expect((await open(platform, `${id}/stream`, { token: platform.a.actors.writer.token })).status).toBe(403)
  })

  test('any more gets no more, though nothing happens, and nothing of what happens then', async () => {
    const { superuser, database, a } = platform
    const stand = async (status: string): Promise<void> => {
      await superuser.query('update plinth.tenants set status = $2::text where id = $1::uuid', [a.id, status])
      database.forget()
    }
    const stream = await watch(platform, `${id}/stream`)
    await stream.next()
    await stand('closed')
    await superuser.script(`update plinth.background_jobs set note = 'after', version = version + 1`)
    expect(await stream.rest()).toEqual([])
    await stand('active')
  })

  test('nor of a job that is gone', async () => {
    const stream = await watch(platform, `${id}/stream`)
    await stream.next()
    await platform.superuser.script(`delete from plinth.background_jobs where id = '${id}'`)
    expect(await stream.rest()).toEqual([])
  })
})

describe('somebody whose rights change while he watches', () => {
  /** Who he is at this moment; nobody where he has signed out. */
  let who: Principal | undefined
  const someone: Feature = {
    name: 'test-someone',
    slots: { auth: [{ kinds: ['bearer'], read: ({ value }) => (value === 'someone' ? who : undefined) }] },
  }
  let platform: JobPlatform
  let id: string
  beforeAll(async () => {
    platform = await jobPlatform([build], {}, { features: [someone] })
    id = await platform.enqueue(build, {}, { delay: '1d' })
  }, 60_000)
  afterAll(() => platform.close())
  const write = (set: string): Promise<void> =>
    platform.superuser.script(`update plinth.background_jobs set ${set}, version = version + 1 where id = '${id}'`)
  const without = (resource: string, verb: string): Principal => {
    const { permissions } = platform.plinth.registry
    const taken = permissions.numberOf(resource, verb)!
    const full = platform.principal()
    const held = full.permissions as PermissionSet
    return { ...full, permissions: held.without((permission) => permission === taken) }
  }

  test('sees of each event what he may see by then', async () => {
    who = platform.principal()
    await write(`result = '{"pages": 7}'`)
    const stream = await watch(platform, `${id}/stream`, { token: 'someone' })
    expect((await stream.next())!.data).toMatchObject({ result: { pages: 7 } })
    who = without('job.result', 'read')
    await write(`note = 'after'`)
    const second = (await stream.next())!.data
    expect(second).toMatchObject({ note: 'after' })
    expect(second).not.toHaveProperty('result')
    await stream.hangUp()
  })

  test.each([
    ['his credential', () => undefined],
    ['the right to read jobs', () => without('job', 'read')],
  ])('without %s is told no more', async (_, then) => {
    who = platform.principal()
    const stream = await watch(platform, `${id}/stream`, { token: 'someone' })
    await stream.next()
    who = then()
    await write(`note = 'secret'`)
    expect(await stream.rest()).toEqual([])
  })
})

test('twenty in one name watch at once; who leaves, and who only asked for the head, takes no place', async () => {
  const platform = await jobPlatform([build])
  try {
    const id = await platform.enqueue(build, {}, { delay: '1d' })
    const headers = { authorization: `Bearer ${platform.a.actors.full.token}` }
    for (let times = 0; times < 30; times += 1) {
      const head = new Request(`http://test/api/v1/jobs/${id}/stream`, { method: 'HEAD', headers })
      expect((await platform.plinth.fetch(head)).status).toBe(200)
    }
    const streams = await Promise.all(Array.from({ length: 20 }, () => watch(platform, `${id}/stream`)))
    const refused = await open(platform, `${id}/stream`)
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '5'])
    // What is over at once takes none either, and another one has his own.
    expect((await open(platform, `${id}/stream?wait=0`)).status).toBe(200)
    const other = await watch(platform, `${id}/stream`, { token: platform.a.actors.reader.token })
    await streams[0]!.hangUp()
    streams[0] = await watch(platform, `${id}/stream`)
    await Promise.all([...streams, other].map((stream) => stream.next()))
    // All of them hear of one change.
    await platform.superuser.script(`update plinth.background_jobs set note = 'told', version = version + 1`)
    const told = await Promise.all(
      [...streams, other].map(async (stream) => {
        const second = (await stream.next())!
        await stream.hangUp()
        return second.data['note']
      }),
    )
    expect(told).toEqual(Array.from({ length: 21 }, () => 'told'))
  } finally {
    await platform.close()
  }
})

test('a process that is to end waits for nobody who watches', async () => {
  const platform = await jobPlatform([build])
  const id = await platform.enqueue(build, {}, { delay: '1d' })
  const stream = await watch(platform, `${id}/stream`)
  await stream.next()
  await platform.plinth.drain()
  expect(await stream.rest()).toEqual([])
  await platform.close()
})
