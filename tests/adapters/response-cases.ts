import { expect } from 'vitest'
import { rawExchange } from '../naughty/raw-exchange.ts'
import type { Case } from './case.ts'
import { mirror } from './mirror.ts'
import { openWire } from './wire.ts'

/** What goes back. */
export const responseCases: readonly Case[] = [
  {
    title: 'several `Set-Cookie` stay several',
    async run({ host }) {
      const { url } = await host(mirror())
      const answer = await fetch(`${url}/api/v1/cookies`)
      expect(answer.headers.getSetCookie()).toEqual(
        expect.arrayContaining(['a=1; Path=/', 'b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT']),
      )
    },
  },
  {
    title: "headers of the host's middleware are kept; Plinth's `Cache-Control` wins, `Vary` and cookies unite",
    async run({ host }) {
      const { url } = await host(mirror())
      const { headers } = await fetch(`${url}/api/v1/cookies`)
      expect(headers.get('x-host')).toBe('yes')
      expect(headers.get('cache-control')).toBe('private, no-cache')
      expect(headers.get('vary')).toBe('Origin, Cookie')
      expect(headers.getSetCookie()).toHaveLength(3)
    },
  },
  {
    title: 'HEAD has the headers of GET, its length too, and no body',
    async run({ host, plinth, authorization }) {
      const { url, port } = await host(plinth)
      for (const path of ['/api/v1/health/live', '/api/v1/notes', '/api/v1/notes/none']) {
        const told = async (method: string): Promise<Record<string, string>> => {
          const answer = await fetch(`${url}${path}`, {
            method,
            headers: { authorization, 'x-request-id': 'head-1234' },
          })
          const { date: _d, connection: _c, 'keep-alive': _k, ...headers } = Object.fromEntries(answer.headers)
          return { ...headers, status: String(answer.status) }
        }
        expect(await told('HEAD'), path).toEqual(await told('GET'))
      }
      const raw = await rawExchange(port, 'HEAD /api/v1/health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
      expect(raw.whole.endsWith('\r\n\r\n')).toBe(true)
    },
  },
  {
    title: '204 and 304 have neither body nor length',
    async run({ host }) {
      const { port } = await host(mirror())
      for (const status of [204, 304]) {
        const reply = await rawExchange(
          port,
          `GET /api/v1/status/${status} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
        )
        expect(reply.status).toBe(status)
        expect(reply.headers).not.toHaveProperty('content-length')
        expect(reply.headers).not.toHaveProperty('transfer-encoding')
        expect(reply.body).toBe('')
      }
    },
  },
  {
    title: 'OPTIONS, and 405 with `Allow`',
    async run({ host, plinth }) {
      const { url } = await host(plinth)
      const options = await fetch(`${url}/api/v1/notes`, { method: 'OPTIONS' })
      expect(options.status).toBe(204)
      expect(options.headers.get('allow')).toContain('POST')
      const refused = await fetch(`${url}/api/v1/notes`, { method: 'PATCH' })
      expect(refused.status).toBe(405)
      expect(refused.headers.get('allow')).toContain('POST')
    },
  },
  {
    title: 'a page of another origin: its preflight, and an answer that it may read',
    async run({ host, prefixed, authorization }) {
      const { url } = await host(prefixed)
      const origin = 'https://app.example.com'
      const preflight = await fetch(`${url}/tools/api/v1/notes`, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST' },
      })
      expect(preflight.status).toBe(204)
      expect(preflight.headers.get('access-control-allow-methods')).toContain('POST')
      const answer = await fetch(`${url}/tools/api/v1/notes`, { headers: { origin, authorization } })
      for (const { headers } of [preflight, answer]) {
        expect(headers.get('access-control-allow-origin')).toBe(origin)
        expect(headers.get('vary')).toContain('Origin')
      }
    },
  },
  {
    title: 'a stream: headers at once, then chunk by chunk',
    async run({ host }) {
      const platform = mirror()
      const { port } = await host(platform)
      const wire = await openWire(port, 'GET /api/v1/slowly HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
      await wire.until('text/event-stream')
      expect(wire.text()).not.toContain('chunk 1')
      platform.go()
      await wire.closed
      expect(wire.text()).toMatch(/chunk 1\n[^]*chunk 2\n[^]*chunk 3\n/)
    },
  },
  {
    title: 'a stream is read as fast as the client takes it (backpressure)',
    async run({ host }) {
      const platform = mirror()
      const { port } = await host(platform)
      const wire = await openWire(port, 'GET /api/v1/endless HTTP/1.1\r\nHost: a\r\n\r\n')
      wire.socket.pause()
      let before = -1
      while (platform.pulled() !== before) {
        before = platform.pulled()
        await new Promise((resolve) => setTimeout(resolve, 300))
      }
      expect(before).toBeLessThan(400) // 25 MB: what the two sockets hold
      wire.socket.destroy()
      await platform.until('cancelled')
    },
  },
  {
    title: 'the client hangs up: a stream is cancelled',
    async run({ host }) {
      const platform = mirror()
      const { port } = await host(platform)
      const wire = await openWire(port, 'GET /api/v1/endless HTTP/1.1\r\nHost: a\r\n\r\n')
      await wire.until('\0\0\0\0')
      wire.socket.destroy()
      await platform.until('cancelled')
    },
  },
  {
    title: 'the client hangs up: `request.signal` is aborted',
    async run({ host }) {
      const platform = mirror()
      const { port } = await host(platform)
      const wire = await openWire(port, 'GET /api/v1/waits HTTP/1.1\r\nHost: a\r\n\r\n')
      await platform.until('waiting')
      wire.socket.destroy()
      await platform.until('aborted')
    },
  },
  {
    title: 'the client hangs up in the middle of a body: reading it fails',
    async run({ host }) {
      const platform = mirror()
      const { port } = await host(platform)
      const wire = await openWire(port, 'POST /api/v1/ignores HTTP/1.1\r\nHost: a\r\nContent-Length: 999\r\n\r\nhalf')
      await platform.until('reading')
      wire.socket.destroy()
      platform.go()
      await platform.until('upload broken')
    },
  },
  {
    title: 'a stream that breaks ends as broken, not as complete',
    async run({ host }) {
      const { port } = await host(mirror())
      const wire = await openWire(port, 'GET /api/v1/breaks HTTP/1.1\r\nHost: a\r\n\r\n')
      await wire.closed
      expect(wire.text()).toContain(' 200 ')
      expect(wire.text()).not.toContain('\r\n0\r\n')
    },
  },
]
