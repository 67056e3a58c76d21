import { problem, type Granted } from '@plinth/core'
import { expect } from 'vitest'
import type { Arena, Case } from './case.ts'
import type { Guarded, Host } from './hosts.ts'

const requestId = 'guard-1234'

function guarded({ plinth, notes }: Arena, who: Guarded['who'] = describe): Guarded {
  return { plinth, who, add: ({ as }, body) => as((ctx) => ctx.create(notes, body as { text: string })) }
}

async function describe({ principal, tenant, can, requestId: id }: Granted): Promise<unknown> {
  return { name: principal.name, tenant: tenant.slug, reads: can('note:read'), deletes: can('note:delete'), id }
}

function ask({ url }: Host, path: string, headers: Record<string, string> = {}, body?: string): Promise<Response> {
  const type = body === undefined ? {} : { 'content-type': 'application/json' }
  return fetch(`${url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'x-request-id': requestId, ...type, ...headers },
    ...(body === undefined ? {} : { body }),
  })
}

/** Routes that the host wrote by hand. */
export const guardCases: readonly Case[] = [
  {
    title: '`plinthGuards`: nobody, a wrong credential, another tenant: the answers of Plinth’s own routes'.replace(
      '’',
      "'",
    ),
    async run(arena) {
      const { authorization } = arena
      const host = await arena.host(arena.plinth, { guarded: guarded(arena) })
      for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization, 'x-tenant-id': 'beta' }]) {
        const own = await ask(host, '/mine/who', headers)
        const platforms = await ask(host, '/api/v1/notes', headers)
        expect(own.status).toBeGreaterThan(400)
        expect([own.status, await own.text()]).toEqual([platforms.status, await platforms.text()])
        for (const name of ['content-type', 'www-authenticate', 'cache-control']) {
          expect(own.headers.get(name), name).toBe(platforms.headers.get(name))
        }
      }
    },
  },
  {
    title: '`plinthGuards`: the handler knows principal and tenant, asks `can()`; no shared cache keeps the answer',
    async run(arena) {
      const host = await arena.host(arena.plinth, { guarded: guarded(arena) })
      const answer = await ask(host, '/mine/who', { authorization: arena.readerAuthorization })
      expect(await answer.json()).toEqual({
        name: 'reader',
        tenant: 'acme',
        reads: true,
        deletes: false,
        id: requestId,
      })
      expect(answer.headers.get('cache-control')).toBe('private, no-cache')
      expect(answer.headers.get('vary')).toBe('Origin, Authorization, Cookie, X-API-Key, X-Tenant-ID')
      expect(answer.headers.get('x-host')).toBe('yes')
    },
  },
  {
    title:
      '`plinthGuards`: without the permission 403, before the body is read; with it `as()` writes, the body is the host’s'.replace(
        '’',
        "'",
      ),
    async run(arena) {
      const { authorization, readerAuthorization } = arena
      const host = await arena.host(arena.plinth, { guarded: guarded(arena) })
      const refused = await ask(host, '/mine/notes', { authorization: readerAuthorization }, 'no JSON at all')
      expect(await refused.json()).toMatchObject({ status: 403, code: 'permission_denied', requestId })
      const made = await ask(host, '/mine/notes', { authorization }, '{"text":"by hand"}')
      expect(await made.json()).toMatchObject({ text: 'by hand', version: 1 })
    },
  },
  {
    title: '`plinthGuards`: errors of Plinth in a handler become problem+json, others are the host’s'.replace('’', "'"),
    async run(arena) {
      const { authorization } = arena
      const failing = (error: Error): Guarded => guarded(arena, () => Promise.reject(error))
      const host = await arena.host(arena.plinth, { guarded: failing(problem('not_found')) })
      const missing = await ask(host, '/mine/who', { authorization })
      expect(missing.headers.get('content-type')).toBe('application/problem+json')
      expect(await missing.json()).toMatchObject({ status: 404, code: 'not_found', requestId })
      const other = await arena.host(arena.plinth, { guarded: failing(new Error('own trouble')) })
      const trouble = await ask(other, '/mine/who', { authorization })
      expect([trouble.status, await trouble.text()]).toEqual([500, 'the host says: own trouble'])
    },
  },
  {
    title: '`plinthGuards`: a permission that is none is an error when the route is made, with the nearest names',
    run({ plinth }) {
      expect(() => plinth.guard('note:raed')).toThrow(/no such permission[^]*note:read/)
      expect(() => plinth.guard('note:read:own')).toThrow('no such permission')
      return Promise.resolve()
    },
  },
]
