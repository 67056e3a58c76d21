import { getRequestListener } from '@hono/node-server'
import { toHono } from '@plinth/hono'
import { depot, testPlatform, type TestPlatform } from '@plinth/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { wrongReply } from './judge-reply.ts'
import { rawExchange, type RawReply } from './raw-exchange.ts'

/*
 * What fetch refuses to make, written to the socket of a real server (node:http, Hono, the adapter). What Node itself
 * refuses (400, 417, 431, connection closed) never reaches Plinth and is told apart; everything else is a problem as documented.
 */
let platform: TestPlatform
let port: number
let close: () => Promise<void>
let sent = 0
let refusedByNode = 0

beforeAll(async () => {
  platform = await testPlatform({ resources: depot, rolePrefix: 'naughty_' })
  await platform.twoTenants()
  const { fetch } = toHono(platform.plinth)
  ;({ port, close } = await platform.listen(getRequestListener(fetch)))
})
afterAll(async () => {
  console.info(`naughty bytes: ${sent} requests over sockets, ${refusedByNode} of them refused by Node itself`)
  await close()
  await platform.close()
})

const credential = (): string => `Authorization: Bearer ${platform.a.actors.full.token}\r\n`

/** A request as bytes: latin1, so that any byte can be written as a character. */
function raw(line: string, headers = '', body = ''): Buffer {
  return Buffer.from(
    `${line}\r\nHost: 127.0.0.1\r\nConnection: close\r\n${credential()}${headers}\r\n${body}`,
    'latin1',
  )
}

function post(body: string, headers = ''): Buffer {
  return raw(
    'POST /api/v1/folders HTTP/1.1',
    `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body, 'latin1')}\r\n${headers}`,
    body,
  )
}

async function exchange(
  name: string,
  bytes: Buffer | string,
): Promise<{ readonly reply: RawReply; readonly wrong: string | undefined }> {
  const reply = await rawExchange(port, bytes)
  sent += 1
  const byNode = [0, 400, 417, 431].includes(reply.status) && reply.headers['x-request-id'] === undefined && !reply.hung
  if (byNode) refusedByNode += 1
  const words = reply.hung
    ? 'no answer'
    : byNode
      ? undefined
      : wrongReply({ method: bytes.toString('latin1').startsWith('HEAD') ? 'HEAD' : 'GET', target: '' }, reply)
  return { reply, wrong: words && `${name}: ${words}` }
}

const cases: readonly (readonly [name: string, bytes: () => Buffer | string])[] = [
  ['TRACE', () => raw('TRACE /api/v1/folders HTTP/1.1')],
  ['TRACE /', () => raw('TRACE / HTTP/1.1')],
  ['CONNECT', () => raw('CONNECT example.com:443 HTTP/1.1')],
  ['a method in lower case', () => raw('get /api/v1/folders HTTP/1.1')],
  ['a method of nothing', () => raw(' /api/v1/folders HTTP/1.1')],
  ['a method nobody knows', () => raw('FROBNICATE /api/v1/folders HTTP/1.1')],
  ['M-SEARCH', () => raw('M-SEARCH /api/v1/folders HTTP/1.1')],
  ['a method of 10,000 letters', () => raw(`${'X'.repeat(10_000)} / HTTP/1.1`)],
  ['OPTIONS *', () => raw('OPTIONS * HTTP/1.1')],
  ['GET *', () => raw('GET * HTTP/1.1')],
  ['a whole URL', () => raw('GET http://127.0.0.1/api/v1/folders HTTP/1.1')],
  ["another host's whole URL", () => raw('GET http://evil.example/api/v1/folders HTTP/1.1')],
  ['https', () => raw('GET https://evil.example/api/v1/folders HTTP/1.1')],
  ['file:', () => raw('GET file:///etc/passwd HTTP/1.1')],
  ['no slash', () => raw('GET api/v1/folders HTTP/1.1')],
  ['two slashes', () => raw('GET //api/v1/folders HTTP/1.1')],
  ['two slashes and a host', () => raw('GET //evil.example/api/v1/folders HTTP/1.1')],
  ['backslashes', () => raw('GET \\api\\v1\\folders HTTP/1.1')],
  ['dots', () => raw('GET /api/v1/../v1/folders HTTP/1.1')],
  ['escaped dots', () => raw('GET /api/v1/%2e%2e/v1/folders HTTP/1.1')],
  ['a fragment', () => raw('GET /api/v1/folders#x HTTP/1.1')],
  ['a space', () => raw('GET /api/v1/folders x HTTP/1.1')],
  ['a tab', () => raw('GET /api/v1/folders\tx HTTP/1.1')],
  ['a NUL in the path', () => raw('GET /api/v1/\0 HTTP/1.1')],
  ['bytes above ASCII in the path', () => raw('GET /api/v1/\xff\xfe HTTP/1.1')],
  ['bytes above ASCII in the query', () => raw('GET /api/v1/folders?search=\xff\xfe HTTP/1.1')],
  ['UTF-8 in the query', () => raw('GET /api/v1/folders?search=\xc3\xa9 HTTP/1.1')],
  ['control characters', () => raw('GET /api/v1/\x01\x02 HTTP/1.1')],
  ['quotes', () => raw('GET /api/v1/folders/"<>^`{|} HTTP/1.1')],
  ['escapes that are none', () => raw('GET /api/v1/folders/%zz%f%%% HTTP/1.1')],
  ['an id of %00', () => raw('GET /api/v1/folders/%00 HTTP/1.1')],
  ['an id of invalid UTF-8', () => raw('GET /api/v1/folders/%ff%fe HTTP/1.1')],
  ['a path of 9,000 letters', () => raw(`GET /${'x'.repeat(9_000)} HTTP/1.1`)],
  ['a path of 15,000 letters', () => raw(`GET /${'x'.repeat(15_000)} HTTP/1.1`)],
  ['a path of 100,000 letters', () => raw(`GET /${'x'.repeat(100_000)} HTTP/1.1`)],
  ['a query of 15,000 letters', () => raw(`GET /api/v1/folders?search=${'x'.repeat(15_000)} HTTP/1.1`)],
  ['HTTP/1.0', () => raw('GET /api/v1/folders HTTP/1.0')],
  ['HTTP/0.9', () => 'GET /api/v1/folders\r\n\r\n'],
  ['HTTP/2.0', () => raw('GET /api/v1/folders HTTP/2.0')],
  ['HTTP/9.9', () => raw('GET /api/v1/folders HTTP/9.9')],
  ['no version', () => raw('GET /api/v1/folders')],
  ['no Host', () => `GET /api/v1/folders HTTP/1.1\r\nConnection: close\r\n\r\n`],
  ['two Hosts', () => raw('GET /api/v1/folders HTTP/1.1', 'Host: evil.example\r\n')],
  ['a Host of nothing', () => 'GET /api/v1/folders HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n'],
  ['a Host with a space', () => 'GET /api/v1/folders HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n'],
  ['a Host with a bracket', () => 'GET /api/v1/folders HTTP/1.1\r\nHost: [::1\r\nConnection: close\r\n\r\n'],
  ['a Host with a path', () => 'GET /api/v1/folders HTTP/1.1\r\nHost: a/b?c#d\r\nConnection: close\r\n\r\n'],
  ['a Host with a user', () => 'GET /api/v1/folders HTTP/1.1\r\nHost: u:p@evil.example\r\nConnection: close\r\n\r\n'],
  ['bytes above ASCII in a header', () => raw('GET /api/v1/folders HTTP/1.1', 'X-Tenant-ID: \xff\xfe\r\n')],
  ['a NUL in a header', () => raw('GET /api/v1/folders HTTP/1.1', 'X-Tenant-ID: a\0b\r\n')],
  ['a lone carriage return', () => raw('GET /api/v1/folders HTTP/1.1', 'X-Tenant-ID: a\rb\r\n')],
  ['a folded header', () => raw('GET /api/v1/folders HTTP/1.1', 'X-Tenant-ID: a\r\n b\r\n')],
  ['a space before the colon', () => raw('GET /api/v1/folders HTTP/1.1', 'X-Tenant-ID : a\r\n')],
  ['a header without a name', () => raw('GET /api/v1/folders HTTP/1.1', ': a\r\n')],
  ['a header without a colon', () => raw('GET /api/v1/folders HTTP/1.1', 'nonsense\r\n')],
  ['__proto__ as a header', () => raw('GET /api/v1/folders HTTP/1.1', '__proto__: x\r\nconstructor: y\r\n')],
  ['15,000 bytes of headers', () => raw('GET /api/v1/folders HTTP/1.1', `X-Long: ${'x'.repeat(15_000)}\r\n`)],
  ['40,000 bytes of headers', () => raw('GET /api/v1/folders HTTP/1.1', `X-Long: ${'x'.repeat(40_000)}\r\n`)],
  [
    '150 headers',
    () => raw('GET /api/v1/folders HTTP/1.1', Array.from({ length: 150 }, (_, at) => `X-H${at}: 1\r\n`).join('')),
  ],
  ['3,000 headers', () => raw('GET /api/v1/folders HTTP/1.1', Array.from({ length: 3_000 }, () => 'A:1\r\n').join(''))],
  ['two credentials', () => raw('GET /api/v1/folders HTTP/1.1', 'Authorization: Bearer x\r\n')],
  ['two tenants', () => raw('GET /api/v1/folders HTTP/1.1', 'X-Tenant-ID: a\r\nX-Tenant-ID: b\r\n')],
  [
    'a GET with a body',
    () => raw('GET /api/v1/folders HTTP/1.1', 'Content-Type: application/json\r\nContent-Length: 2\r\n', '{}'),
  ],
  ['a HEAD with a body', () => raw('HEAD /api/v1/folders HTTP/1.1', 'Content-Length: 2\r\n', '{}')],
  [
    'a DELETE with a body',
    () => raw('DELETE /api/v1/folders/x HTTP/1.1', 'Content-Type: application/json\r\nContent-Length: 2\r\n', '{}'),
  ],
  ['invalid UTF-8', () => post('{"name":"\xff\xfe"}')],
  ['a NUL', () => post('{"name":"a\0b"}')],
  ['an overlong sequence', () => post('{"name":"\xc0\xaf"}')],
  ['a length that is negative', () => raw('POST /api/v1/folders HTTP/1.1', 'Content-Length: -1\r\n', '{}')],
  ['a length that is no number', () => raw('POST /api/v1/folders HTTP/1.1', 'Content-Length: x\r\n', '{}')],
  [
    'a length of 10^30',
    () =>
      raw(
        'POST /api/v1/folders HTTP/1.1',
        `Content-Type: application/json\r\nContent-Length: 1${'0'.repeat(30)}\r\n`,
        '{}',
      ),
  ],
  [
    'a length beyond the limit',
    () => raw('POST /api/v1/folders HTTP/1.1', 'Content-Type: application/json\r\nContent-Length: 2000000\r\n', '{}'),
  ],
  ['two lengths', () => raw('POST /api/v1/folders HTTP/1.1', 'Content-Length: 2\r\nContent-Length: 3\r\n', '{}')],
  [
    'length and chunks',
    () =>
      raw(
        'POST /api/v1/folders HTTP/1.1',
        'Content-Length: 2\r\nTransfer-Encoding: chunked\r\n',
        '0\r\n\r\nGET /api/v1/crates HTTP/1.1\r\nHost: x\r\n\r\n',
      ),
  ],
  ['an unknown coding', () => raw('POST /api/v1/folders HTTP/1.1', 'Transfer-Encoding: xchunked\r\n', '{}')],
  [
    'two codings',
    () =>
      raw(
        'POST /api/v1/folders HTTP/1.1',
        'Transfer-Encoding: gzip, chunked\r\nContent-Type: application/json\r\n',
        '2\r\n{}\r\n0\r\n\r\n',
      ),
  ],
  [
    'a chunk size that is none',
    () =>
      raw(
        'POST /api/v1/folders HTTP/1.1',
        'Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n',
        'zz\r\n{}\r\n0\r\n\r\n',
      ),
  ],
  [
    'a chunk size of 2^64',
    () =>
      raw(
        'POST /api/v1/folders HTTP/1.1',
        'Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n',
        'fffffffffffffffff\r\n{}\r\n0\r\n\r\n',
      ),
  ],
  [
    'chunks beyond the limit',
    () =>
      raw(
        'POST /api/v1/folders HTTP/1.1',
        'Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n',
        `${`${(65_536).toString(16)}\r\n${'x'.repeat(65_536)}\r\n`.repeat(20)}0\r\n\r\n`,
      ),
  ],
  ['a compressed body', () => post('\x1f\x8b\x08\0\0\0\0\0', 'Content-Encoding: gzip\r\n')],
  ['Upgrade to h2c', () => raw('GET /api/v1/folders HTTP/1.1', 'Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n')],
  ['Expect of nonsense', () => post('{"name":"x"}', 'Expect: 200-maybe\r\n')],
  ['the preface of HTTP/2', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['TLS', () => Buffer.from([0x16, 0x03, 0x01, 0x00, 0x05, 1, 2, 3, 4, 5])],
  ['an SSH greeting', () => 'SSH-2.0-x\r\n'],
  ['line feeds alone', () => 'GET /api/v1/folders HTTP/1.1\nHost: x\nConnection: close\n\n'],
]

describe('bytes on the socket', () => {
  test(`${cases.length} requests that no client would send`, { timeout: 120_000 }, async () => {
    const wrong: string[] = []
    for (const [name, bytes] of cases) {
      const { wrong: words } = await exchange(name, bytes())
      if (words !== undefined) wrong.push(words)
    }
    expect(wrong).toEqual([])
  })

  test('every single byte in a path, in a query, in a header and in a body', { timeout: 120_000 }, async () => {
    const wrong: string[] = []
    for (let byte = 0; byte < 256; byte += 1) {
      const character = String.fromCharCode(byte)
      const requests = [
        raw(`GET /api/v1/folders/a${character}b HTTP/1.1`),
        raw(`GET /api/v1/folders?search=a${character}b HTTP/1.1`),
        raw('GET /api/v1/folders HTTP/1.1', `X-Request-Id: aaaaaaaa${character}\r\n`),
        post(`{"name":"a${character}b"}`),
      ]
      const results = await Promise.all(requests.map((bytes, at) => exchange(`byte ${byte} in place ${at}`, bytes)))
      wrong.push(...results.flatMap((result) => (result.wrong === undefined ? [] : [result.wrong])))
    }
    expect(wrong.slice(0, 20)).toEqual([])
    expect(sent).toBeGreaterThan(1_000)
  })

  test('a request id with a line feed splits nothing', async () => {
    const { reply } = await exchange(
      'split',
      raw('GET /api/v1/folders HTTP/1.1', 'X-Request-Id: aaaaaaaa\nSet-Cookie: a=b\r\n'),
    )
    expect(reply.headers['set-cookie']).toBeUndefined()
  })

  test('a request hidden in the body of another is not answered', async () => {
    const hidden = 'GET /api/v1/crates HTTP/1.1\r\nHost: x\r\n\r\n'
    const { reply } = await exchange('hidden', post(hidden))
    expect(reply.status).toBe(400)
    expect(reply.whole.match(/HTTP\/1\.1 \d{3}/g)).toHaveLength(1)
  })

  test('and afterwards the server answers as before', async () => {
    const { reply, wrong } = await exchange('after', raw('GET /api/v1/folders HTTP/1.1'))
    expect([reply.status, wrong]).toEqual([200, undefined])
    expect(platform.log.of('request_failed')).toEqual([])
  })
})
