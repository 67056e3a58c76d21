import { createHash, randomBytes } from 'node:crypto'
import { expect } from 'vitest'
import { rawExchange } from '../naughty/raw-exchange.ts'
import type { Case } from './case.ts'
import { mirror } from './mirror.ts'
import { openWire, pour } from './wire.ts'

const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex')
const mebibyte = 1_048_576

/** What arrives. */
export const requestCases: readonly Case[] = [
  {
    title: 'method, path, query and headers arrive as they were sent',
    async run({ host }) {
      const { url } = await host(mirror())
      const answer = await fetch(`${url}/api/v1/echo?a=%20b&a=c`, { method: 'PATCH', headers: { 'x-one': 'yes' } })
      expect(await answer.json()).toMatchObject({
        method: 'PATCH',
        url: `${url}/api/v1/echo?a=%20b&a=c`,
        headers: { 'x-one': 'yes', host: url.slice('http://'.length) },
        length: 0,
      })
    },
  },
  {
    title: 'raw bodies arrive byte for byte, of a stated length and in chunks',
    async run({ host }) {
      const { url } = await host(mirror())
      const bytes = Buffer.concat([Buffer.from([0, 255, 13, 10, 0x80, 0xc3, 0x28]), randomBytes(300_000)])
      for (const type of ['application/json', 'text/plain', 'multipart/form-data; boundary=x', undefined]) {
        const headers = type === undefined ? {} : { 'content-type': type }
        const whole = await fetch(`${url}/api/v1/echo`, { method: 'POST', body: bytes, headers })
        expect(await whole.json()).toMatchObject({ length: bytes.length, sha256: sha256(bytes) })
        const body = new Blob([bytes]).stream()
        const chunked = await fetch(`${url}/api/v1/echo`, {
          method: 'POST',
          body,
          headers,
          duplex: 'half',
        } as RequestInit)
        expect(await chunked.json()).toMatchObject({ length: bytes.length, sha256: sha256(bytes) })
      }
    },
  },
  {
    title: 'a body that is read slowly is sent slowly (backpressure)',
    async run({ host }) {
      const platform = mirror()
      const { port } = await host(platform)
      const wire = await openWire(
        port,
        `POST /api/v1/ignores HTTP/1.1\r\nHost: a\r\nContent-Length: ${96 * mebibyte}\r\n\r\n`,
      )
      const poured = pour(wire, 96 * mebibyte)
      await platform.until('reading')
      expect(await poured).toBeLessThan(24 * mebibyte)
      wire.socket.destroy()
      platform.go()
      await platform.until('upload broken')
    },
  },
  {
    title: 'a body of a stated length over the limit is refused unread (413)',
    async run({ host, name, plinth, authorization }) {
      const { port } = await host(plinth)
      const wire = await openWire(
        port,
        `POST /api/v1/notes HTTP/1.1\r\nHost: a\r\nAuthorization: ${authorization}\r\nContent-Type: application/json\r\nContent-Length: ${512 * mebibyte}\r\n\r\n`,
      )
      await wire.until('body_too_large')
      expect(wire.text()).toContain(' 413 ')
      const poured = await pour(wire, 512 * mebibyte)
      wire.socket.destroy()
      // How much the server of Hono swallows afterwards is not ours to say.
      if (name !== 'Hono') expect(poured).toBeLessThan(64 * mebibyte)
    },
  },
  {
    title: 'a body in chunks over the limit is refused on the way (413)',
    async run({ host, plinth, authorization }) {
      const { port } = await host(plinth)
      const wire = await openWire(
        port,
        `POST /api/v1/notes HTTP/1.1\r\nHost: a\r\nAuthorization: ${authorization}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`,
      )
      const poured = pour(wire, 512 * mebibyte, 2_000, true)
      await wire.until('body_too_large')
      expect(wire.text()).toContain(' 413 ')
      expect(await poured).toBeLessThan(64 * mebibyte)
      await wire.closed
    },
  },
  {
    title: 'an unread short body leaves the connection usable',
    async run({ host, plinth }) {
      const { port } = await host(plinth)
      const wire = await openWire(
        port,
        'DELETE /api/v1/notes/none HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345' +
          'GET /api/v1/health/live HTTP/1.1\r\nHost: a\r\n\r\n',
      )
      await wire.until('"healthy"')
      expect(wire.text().match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 401', 'HTTP/1.1 200'])
      wire.socket.destroy()
    },
  },
  {
    title: 'a body that a parser in front has consumed: an error that says so',
    async run({ host, name, plinth, authorization }) {
      const { url } = await host(plinth, { parser: 'in front' })
      const post = (body: string): Promise<Response> =>
        fetch(`${url}/api/v1/notes`, {
          method: 'POST',
          headers: { authorization, 'content-type': 'application/json' },
          body,
        })
      const answer = await post('{"text":"x"}')
      // Fastify's parsers run after routing, and Plinth's routes have their own.
      if (name === 'Fastify') {
        expect(answer.status).toBe(201)
        return 'cannot happen'
      }
      expect(answer.status).toBe(500)
      expect(await answer.json()).toMatchObject({
        code: 'body_already_read',
        detail: expect.stringContaining('Mount Plinth before what parses bodies'),
      })
      expect((await fetch(`${url}/api/v1/notes`, { headers: { authorization } })).status).toBe(200)
    },
  },
  {
    title: 'a parser in front that keeps the bytes does no harm',
    async run({ host, name, plinth, authorization }) {
      if (!name.startsWith('Express')) return '–'
      const { url } = await host(plinth, { parser: 'in front, keeping the bytes' })
      const answer = await fetch(`${url}/api/v1/notes`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: '{"text":"kept"}',
      })
      expect(answer.status).toBe(201)
      expect(await answer.json()).toMatchObject({ text: 'kept' })
    },
  },
  {
    title: 'malformed `%` in the path: 400',
    async run({ host, plinth, authorization }) {
      const { url, port } = await host(plinth)
      const reply = await rawExchange(
        port,
        `GET /api/v1/notes/%zz HTTP/1.1\r\nHost: a\r\nAuthorization: ${authorization}\r\n\r\n`,
      )
      expect(reply.status).toBe(400)
      expect((await fetch(`${url}/api/v1/notes?x=%zz`, { headers: { authorization } })).status).toBe(400)
      return reply.body.includes('malformed_request') ? 'yes' : "Fastify's own 400"
    },
  },
  {
    title: 'a method in lower case is no way around',
    async run({ host, plinth, authorization }) {
      const { port } = await host(plinth)
      const reply = await rawExchange(
        port,
        `get /api/v1/notes HTTP/1.1\r\nHost: a\r\nAuthorization: ${authorization}\r\n\r\n`,
      )
      expect(reply.status).toBe(400)
      return '400 by Node'
    },
  },
  {
    title: '`a%2Fb` stays one segment, `/../` is not resolved',
    async run({ host }) {
      const { port } = await host(mirror())
      const ask = (path: string) => rawExchange(port, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
      expect((await ask('/api/v1/things/a%2Fb')).body).toBe('/api/v1/things/a%2Fb')
      const climbing = await ask('/api/v1/things/../echo')
      if (climbing.status === 404) return 'yes'
      // Hono's server makes a URL of it before anybody is asked.
      expect(climbing.body).toContain('/api/v1/echo"')
      return '`/../` resolved before'
    },
  },
  {
    title: 'two Host headers, or one that is none: 400',
    async run({ host, plinth }) {
      const { port } = await host(plinth)
      for (const lines of ['Host: a/api/v1/echo?', 'Host: a\r\nHost: b']) {
        const reply = await rawExchange(
          port,
          `GET /api/v1/health/live HTTP/1.1\r\n${lines}\r\nConnection: close\r\n\r\n`,
        )
        expect(reply.status, lines).toBe(400)
      }
    },
  },
  {
    title: 'two Authorization headers are no credential: 401',
    async run({ host, plinth, authorization }) {
      const { port } = await host(plinth)
      const twice = `Authorization: ${authorization}\r\nAuthorization: Bearer other\r\n`
      const reply = await rawExchange(
        port,
        `GET /api/v1/notes HTTP/1.1\r\nHost: a\r\n${twice}Connection: close\r\n\r\n`,
      )
      expect(reply.status).toBe(401)
    },
  },
]
