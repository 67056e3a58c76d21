import { expect } from 'vitest'
import type { Case } from './case.ts'
import { mirror } from './mirror.ts'

const textOf = async (url: string, init?: RequestInit): Promise<string> => (await fetch(url, init)).text()

/** Where it stands in the host. */
export const mountingCases: readonly Case[] = [
  {
    title: "the host's own routes answer: before, after, between Plinth's paths, its wildcard",
    async run({ host, plinth }) {
      const { url } = await host(plinth)
      expect(await textOf(`${url}/mine/before`)).toBe('before')
      expect(await textOf(`${url}/mine/after`)).toBe('after')
      expect(await textOf(`${url}/api/v1/mine`)).toBe('between')
      expect(await textOf(`${url}/files/any/where.txt`)).toBe('wildcard')
      expect(await textOf(`${url}/api/v1/health/live`)).toBe('{"status":"healthy"}')
    },
  },
  {
    title: "the host's 404 stays its own, below Plinth's paths too",
    async run({ host, plinth }) {
      const { url } = await host(plinth)
      for (const path of ['/none', '/api/v1/none', '/api/v1/notes/1/2/3']) {
        const answer = await fetch(`${url}${path}`)
        expect(answer.status).toBe(404)
        expect(await answer.text(), path).toBe('the host has nothing here')
      }
    },
  },
  {
    title: "a trailing slash is another path, not Plinth's",
    async run({ host, plinth, authorization }) {
      const { url } = await host(plinth)
      expect(await textOf(`${url}/api/v1/notes/`, { headers: { authorization } })).toBe('the host has nothing here')
    },
  },
  {
    title: "`notFound: 'plinth'` answers every other path",
    async run({ host, prefixed }) {
      const { url } = await host(prefixed)
      const answer = await fetch(`${url}/tools/none`)
      expect(answer.status).toBe(404)
      expect(await answer.json()).toMatchObject({ code: 'no_route' })
      expect(await textOf(`${url}/mine/before`)).toBe('before')
    },
  },
  {
    title: '`basePath`, mounted without a prefix',
    async run({ host, prefixed }) {
      const { url } = await host(prefixed)
      expect(await textOf(`${url}/tools/api/v1/health/live`)).toBe('{"status":"healthy"}')
    },
  },
  {
    title: "`basePath`, mounted under the framework's prefix of the same name",
    async run({ host, prefixed, authorization }) {
      const { url } = await host(prefixed, { mount: '/tools' })
      expect(await textOf(`${url}/tools/api/v1/health/live`)).toBe('{"status":"healthy"}')
      const made = await fetch(`${url}/tools/api/notes`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: '{"text":"x"}',
      })
      expect(made.status).toBe(201)
      expect(made.headers.get('location')).toMatch(/^\/tools\/api\/v1\/notes\//)
    },
  },
  {
    title: 'mounted under another prefix: the first request fails and names both',
    async run({ host }) {
      const { url } = await host(mirror('/tools'), { mount: '/other' })
      const answer = await fetch(`${url}/other/api/v1/echo`)
      expect(answer.status).toBe(500)
      expect(await answer.text()).toMatch(/'\/other'.*'\/tools'/)
    },
  },
  {
    title: "the host's parsers work for its own routes",
    async run({ host, plinth }) {
      const { url } = await host(plinth)
      const headers = { 'content-type': 'application/json' }
      expect(await textOf(`${url}/mine/json`, { method: 'POST', body: '{"a":[1]}', headers })).toBe('{"a":[1]}')
    },
  },
  {
    title: "the host's middleware sees Plinth's answers, before and after",
    async run({ host, plinth }) {
      const { url, seen } = await host(plinth)
      const answer = await fetch(`${url}/api/v1/notes`)
      expect(answer.headers.get('x-host')).toBe('yes')
      await answer.text()
      expect(seen).toContain('GET /api/v1/notes 401')
    },
  },
  {
    title: "what Plinth could not catch reaches the host's error handler",
    async run({ host }) {
      const { url } = await host(mirror())
      const answer = await fetch(`${url}/api/v1/fails`)
      expect([answer.status, await answer.text()]).toEqual([500, 'the host says: out of order'])
    },
  },
  {
    title: 'create, read, change under the ETag, 304, delete',
    async run({ host, plinth, authorization }) {
      const { url } = await host(plinth)
      const ask = (method: string, path: string, body?: unknown, more: Record<string, string> = {}) =>
        fetch(`${url}${path}`, {
          method,
          headers: { authorization, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...more },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        })
      const made = await ask('POST', '/api/v1/notes', { text: 'Grüße 😀' })
      expect(made.status).toBe(201)
      const one = made.headers.get('location')!
      const read = await ask('GET', one)
      expect(await read.json()).toMatchObject({ text: 'Grüße 😀', version: 1 })
      const etag = read.headers.get('etag')!
      expect((await ask('GET', one, undefined, { 'if-none-match': etag })).status).toBe(304)
      expect((await ask('PATCH', one, { text: 'b' }, { 'if-match': etag })).status).toBe(200)
      expect((await ask('PATCH', one, { text: 'c' }, { 'if-match': etag })).status).toBe(412)
      expect((await ask('DELETE', one)).status).toBe(204)
      expect((await ask('GET', one)).status).toBe(404)
    },
  },
]
