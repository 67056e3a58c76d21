import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { NameLookup } from '@plinth/core'
import { performCheck, type CheckOptions, type CheckResult } from './perform-check.ts'

let server: Server
let port = 0
let hits = 0

const pages: Readonly<Record<string, (answer: ServerResponse) => void>> = {
  '/ok': (answer) => void answer.end('fine'),
  '/empty': (answer) => void answer.writeHead(204).end(),
  '/broken': (answer) => void answer.writeHead(503).end('down'),
  '/moved': (answer) => void answer.writeHead(302, { location: `http://127.0.0.1:${port}/ok` }).end(),
  '/german': (answer) => void answer.writeHead(answer.req.headers['accept-language'] === 'de' ? 200 : 406).end(),
  '/silent': () => undefined,
  '/slow-body': (answer) => void answer.write('and then nothing'),
  '/endless': (answer) => {
    const pour = (): void => {
      while (answer.writable && answer.write(Buffer.alloc(65_536))) continue
    }
    answer.on('drain', pour)
    pour()
  },
  '/cut': (answer) => {
    answer.writeHead(200, { 'content-length': '1000' }).write('half')
    setTimeout(() => answer.destroy(), 20)
  },
  '/upgrade': (answer) =>
    void answer.socket?.end('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'),
  '/garbage': (answer) => void answer.socket?.end('SSH-2.0-OpenSSH_9.6\r\n'),
}

beforeAll(async () => {
  server = createServer((request, answer) => {
    hits += 1
    pages[request.url ?? '']?.(answer)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const check = (url: string, options: Partial<CheckOptions> = {}, expectedStatus = 200): Promise<CheckResult> =>
  performCheck({ url: new URL(url), method: 'GET', expectedStatus }, { allowPrivate: true, timeout: 2_000, ...options })
const at = (path: string): string => `http://127.0.0.1:${port}${path}`

describe('a page', () => {
  test('that answers as expected is up', async () => {
    expect(await check(at('/ok'))).toEqual({ status: 'up', responseMs: expect.any(Number), error: null })
    expect(await check(at('/empty'), {}, 204)).toMatchObject({ status: 'up' })
    expect(await check(at('/broken'), {}, 503)).toMatchObject({ status: 'up' })
    expect(
      await performCheck({ url: new URL(at('/ok')), method: 'HEAD', expectedStatus: 200 }, { allowPrivate: true }),
    ).toMatchObject({ status: 'up' })
  })

  test('is asked with the headers of its monitor', async () => {
    const target = { url: new URL(at('/german')), method: 'GET', expectedStatus: 200 } as const
    const ask = (headers?: Record<string, string>): Promise<CheckResult> =>
      performCheck({ ...target, ...(headers && { headers }) }, { allowPrivate: true })
    expect(await ask({ 'accept-language': 'de' })).toMatchObject({ status: 'up' })
    expect(await ask()).toMatchObject({ status: 'down' })
  })

  test('that answers otherwise is down, and says how', async () => {
    expect(await check(at('/broken'))).toEqual({
      status: 'down',
      responseMs: expect.any(Number),
      error: 'The server answered 503; 200 was expected',
    })
  })

  test('that leads elsewhere is not followed', async () => {
    const before = hits
    expect(await check(at('/moved'))).toMatchObject({
      status: 'down',
      error: expect.stringContaining('302, which leads elsewhere and is not followed'),
    })
    expect(hits).toBe(before + 1)
    expect(await check(at('/moved'), {}, 302)).toMatchObject({ status: 'up' })
  })

  test.each(['/silent', '/slow-body'])('that keeps us waiting (%s) is down in time', async (path) => {
    const startedAt = performance.now()
    expect(await check(at(path), { timeout: 200 })).toMatchObject({ status: 'down', error: 'No answer within 0.2 s' })
    expect(performance.now() - startedAt).toBeLessThan(1_500)
  })

  test('that never ends is read up to the bound', async () => {
    expect(await check(at('/endless'))).toMatchObject({ status: 'up' })
  })

  test.each([
    ['/cut', 'The server broke the connection off'],
    ['/upgrade', 'The server broke the connection off'],
    ['/garbage', 'The answer is not HTTP'],
  ])('that is no whole answer (%s) is down', async (path, error) => {
    expect(await check(at(path))).toMatchObject({ status: 'down', error })
  })

  test('of a server that is not there is down, without naming addresses', async () => {
    const free = await new Promise<number>((resolve) => {
      const probe = createServer().listen(0, '127.0.0.1', () => {
        const taken = (probe.address() as AddressInfo).port
        probe.close(() => resolve(taken))
      })
    })
    expect(await check(`http://127.0.0.1:${free}/`)).toEqual({
      status: 'down',
      responseMs: null,
      error: 'The server refuses connections',
    })
    const unknown: NameLookup = (_name, _options, answer) =>
      answer(Object.assign(new Error('no'), { code: 'ENOTFOUND' }), [])
    expect(await check('http://client.example/', { lookup: unknown })).toMatchObject({
      error: 'The name does not resolve to a public address',
    })
    expect(await check(`https://127.0.0.1:${port}/ok`)).toMatchObject({ error: 'The server does not speak TLS' })
  })

  test("is not judged when the caller's own signal ends the check", async () => {
    await expect(check(at('/silent'), { signal: AbortSignal.timeout(50) })).rejects.toThrow('timeout')
  })
})

describe('a private address', () => {
  const resolving = (...addresses: string[]): NameLookup & { calls: number } => {
    const lookup: NameLookup & { calls: number } = (_name, _options, answer) => {
      lookup.calls += 1
      answer(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      )
    }
    lookup.calls = 0
    return lookup
  }
  const inside = { status: 'down', responseMs: null, error: 'The name does not resolve to a public address' }

  test.each(['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '0.0.0.0', '2130706433', '0x7f.1'])(
    'written as %s is not connected to',
    async (host) => {
      const before = hits
      expect(await check(`http://${host}:${port}/ok`, { allowPrivate: false })).toEqual(inside)
      expect(hits).toBe(before)
    },
  )

  test('behind a name is not connected to, and neither is its public sibling', async () => {
    const before = hits
    for (const addresses of [
      ['127.0.0.1'],
      ['8.8.8.8', '127.0.0.1'],
      ['::1', '2606:4700::1111'],
      ['::ffff:127.0.0.1'],
    ]) {
      expect(
        await check(`http://client.example:${port}/ok`, { allowPrivate: false, lookup: resolving(...addresses) }),
      ).toEqual(inside)
    }
    expect(await check(`http://localhost:${port}/ok`, { allowPrivate: false })).toEqual(inside)
    expect(hits).toBe(before)
  })

  test('that a name changes to after it was checked is never asked for', async () => {
    const before = hits
    let calls = 0
    // Both are allowed here, so that nothing but the order of looking and connecting decides: nobody listens on 127.0.0.2.
    const rebinding: NameLookup = (_name, _options, answer) => {
      calls += 1
      answer(null, [{ address: calls === 1 ? '127.0.0.2' : '127.0.0.1', family: 4 }])
    }
    expect(await check(`http://client.example:${port}/ok`, { lookup: rebinding })).toMatchObject({
      error: 'The server refuses connections',
    })
    expect(calls).toBe(1)
    expect(hits).toBe(before)
  })

  test('is connected to where it is allowed: the name is asked once and its address used', async () => {
    const lookup = resolving('127.0.0.1')
    expect(await check(`http://client.example:${port}/ok`, { lookup })).toMatchObject({ status: 'up' })
    expect(lookup.calls).toBe(1)
  })
})
