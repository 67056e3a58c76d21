import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PlinthError } from '@plinth/core'
import { capturedLog } from '@plinth/testing'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { hibpRange } from './breach-check.ts'
import { frequentPasswords } from './frequent-passwords.ts'
import { isGuessable } from './guessable.ts'
import { breachCheckFailed, passwordPolicy, type PasswordOwner, type PasswordPolicyOptions } from './password-policy.ts'

const owner: PasswordOwner = { email: 'ada.lovelace@analytical.example', username: 'brontovale', name: 'Ada Lovelace' }
const codesOf = async (
  password: string,
  options: PasswordPolicyOptions = {},
  who: PasswordOwner = owner,
): Promise<readonly string[]> =>
  (await passwordPolicy({ productName: 'Lookout', ...options }).faultsOf(password, who)).map(({ code }) => code)

describe('the length', () => {
  test('is at least 15, by code points and not by bytes or code units', async () => {
    expect(await codesOf('kestrel 7 quay')).toEqual(['password_too_short'])
    expect(await codesOf('kestrel 7 quays')).toEqual([])
    expect(await codesOf('🦊🌵🎷🚲🧭🪵🦉🌋🎣🧶🪴🦔🎻🛶')).toEqual(['password_too_short'])
    expect(await codesOf('🦊🌵🎷🚲🧭🪵🦉🌋🎣🧶🪴🦔🎻🛶🧿')).toEqual([])
  })

  test('is at least 8 once a second factor is confirmed, and what the options say', async () => {
    const withFactor = { ...owner, hasSecondFactor: true }
    expect(await codesOf('kestrel', {}, withFactor)).toContain('password_too_short')
    expect(await codesOf('k7 quays', {}, withFactor)).toEqual([])
    expect(await codesOf('kestrels 7', { minimum: 10 })).toEqual([])
    expect(await codesOf('k7 quays', { minimum: 10 })).toEqual(['password_too_short'])
    expect(await codesOf('k7 quays.', { minimum: 20, minimumWithSecondFactor: 10 }, withFactor)).toEqual([
      'password_too_short',
    ])
  })

  test('may be 64 and more, up to 1,024 bytes; beyond, nothing else is looked at', async () => {
    const random = randomBytes(512).toString('hex')
    expect(await codesOf(random.slice(0, 64))).toEqual([])
    expect(await codesOf(random)).toEqual([])
    expect(await codesOf(`${random}x`)).toEqual(['password_too_long'])
    expect(await codesOf('x'.repeat(1_000_000))).toEqual(['password_too_long'])
    expect(await codesOf(`${'\uD800'}${random.slice(0, 20)}`)).toEqual(['password_too_long'])
  })

  test('set outside of what NIST allows is a fault at start', () => {
    expect(passwordPolicy().faults).toEqual([])
    expect(passwordPolicy({ minimum: 8 }).faults).toEqual([])
    for (const minimum of [7, 65, 8.5, Number.NaN])
      expect(passwordPolicy({ minimum }).faults.map(({ path }) => path)).toContain('auth.password.minimum')
    for (const minimumWithSecondFactor of [7, 16])
      expect(passwordPolicy({ minimumWithSecondFactor }).faults).toHaveLength(1)
  })
})

describe('common passwords', () => {
  test('the top 3,000 of at least 8 characters are refused, all of them, in any case', async () => {
    const top = [...(await frequentPasswords())].filter((one) => [...one].length >= 8).slice(0, 3_000)
    expect(top).toHaveLength(3_000)
    const policy = passwordPolicy({ minimum: 8 })
    const taken: string[] = []
    for (const one of top)
      for (const spelling of [one, one.toUpperCase(), one.replace(/^./, (first) => first.toUpperCase())])
        if (!(await policy.faultsOf(spelling)).some(({ code }) => code === 'password_too_common')) taken.push(spelling)
    expect(taken).toEqual([])
  })

  test('as is everything else in the list that has 8', async () => {
    const list = await frequentPasswords()
    expect([...list].filter((one) => one.length >= 8 && !isGuessable(one, list, []))).toEqual([])
  })

  test('and all of the list that the default minimum lets through', async () => {
    const long = [...(await frequentPasswords())].filter((one) => [...one].length >= 15)
    expect(long.length).toBeGreaterThan(30)
    for (const one of long) expect(await codesOf(one), one).toEqual(['password_too_common'])
  })

  test.each([
    'passwordpassword',
    'PasswordPassword1',
    'password1234567890',
    'p@ssw0rdP@ssw0rd',
    'dragon1234567890',
    '123456789012345',
    'aaaaaaaaaaaaaaaa',
    'abcabcabcabcabcabc',
    'qwertyuiopasdfghjkl',
    'zxcvbnmasdfghjkl',
    'mnbvcxzlkjhgfdsa',
    '1qaz2wsx3edc4rfv5tgb',
    'password password',
    'pass-word-pass-word',
    'iloveyou iloveyou',
    'sunshine........',
    '!!!!!!!!!!!!!!!!!',
    '                ',
    'abcdefghijklmnop',
    'ABCDEFGHIJKLMNO1234',
    'football-baseball',
  ])('%s is made of them', async (password) => {
    expect(await codesOf(password)).toEqual(['password_too_common'])
  })

  test.each([
    'correct horse battery staple',
    'kestrel quay 1987 fog',
    'Wir fahren im Mai nach Rügen',
    'tr0ub4dor&3-und-noch-was',
    'ヤマネコは木の上で眠っている、きょうも',
    'zebra-lantern-gravel',
    'dragon monkey football tennis',
    'x7Kp2mQ9vL4tR8w',
  ])('%s is not', async (password) => {
    expect(await codesOf(password)).toEqual([])
  })

  test('no random password is refused, and no two answers differ', async () => {
    const policy = passwordPolicy()
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 12, maxLength: 48 }), async (bytes) => {
        fc.pre(new Set(bytes).size > 9)
        expect(await policy.faultsOf(Buffer.from(bytes).toString('base64url'))).toEqual([])
      }),
    )
  })

  test('any text has an answer, in time that does not grow with its square', async () => {
    const policy = passwordPolicy({ productName: '' })
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 1_024 }), async (text) => {
        for (const { code, path } of await policy.faultsOf(text, owner, '/new/password')) {
          expect(code).toMatch(/^password_too_(long|short|common)$/)
          expect(path).toBe('/new/password')
        }
      }),
    )
  })
})

describe('what is known about somebody', () => {
  test.each([
    'ada.lovelace@analytical.example',
    'adalovelaceadalovelace',
    'Ada Lovelace 1815',
    'LovelaceLovelace',
    'brontovale-brontovale',
    'lookoutlookout123',
    'Analytical Lookout',
    'L0velaceLookout!',
  ])('%s is refused', async (password) => {
    expect(await codesOf(password)).toEqual(['password_too_common'])
  })

  test('as a part of more it is not', async () => {
    expect(await codesOf('Lovelace wrote the first program')).toEqual([])
    expect(await codesOf('brontovale-brontovale', {}, {})).toEqual([])
  })
})

describe('an error', () => {
  test('is validation_failed with each fault where the password stood, and never the password', async () => {
    const error: unknown = await passwordPolicy()
      .check('dragon99', owner, '/newPassword')
      .catch((thrown: unknown) => thrown)
    if (!PlinthError.is(error)) throw new Error('no PlinthError')
    expect(error).toMatchObject({ code: 'validation_failed', status: 400 })
    expect(error.errors).toEqual([
      { path: '/newPassword', code: 'password_too_short', message: 'Password must be at least 15 characters' },
      { path: '/newPassword', code: 'password_too_common', message: expect.any(String) as string },
    ])
    expect(`${error.stack} ${JSON.stringify(error)}`).not.toContain('dragon99')
    await expect(passwordPolicy().check('kestrel 7 quays')).resolves.toBeUndefined()
  })
})

describe('a breach check', () => {
  const password = 'kestrel 7 quays'
  const sha1 = createHash('sha1').update(password).digest('hex').toUpperCase()
  const closing: (() => void)[] = []
  afterEach(() => closing.splice(0).forEach((close) => close()))

  async function serve(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
    const server = createServer(handle)
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    closing.push(() => {
      server.closeAllConnections()
      server.close()
    })
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }
  const asked = async (url: string, timeout = 5_000) => {
    const log = capturedLog()
    const policy = passwordPolicy({ breachCheck: hibpRange({ url, timeout }) }, log)
    return { codes: (await policy.faultsOf(password)).map(({ code }) => code), log }
  }

  test('is shown five characters of the hash and nothing else', async () => {
    const seen: IncomingMessage[] = []
    const url = await serve((request, response) => {
      seen.push(request)
      response.end(`${'0'.repeat(35)}:3\r\n${sha1.slice(5)}:17\r\n`)
    })
    expect((await asked(url)).codes).toEqual(['password_breached'])
    expect(seen.map((one) => one.url)).toEqual([`/range/${sha1.slice(0, 5)}`])
    expect(JSON.stringify(seen[0]!.headers)).not.toContain(sha1.slice(5))
    expect(seen[0]!.headers['add-padding']).toBe('true')
  })

  test('that knows it not, or as padding only, lets it through', async () => {
    const answers = ['', `${'A'.repeat(35)}:2`, `${sha1.slice(5)}:0`, `x${sha1.slice(5)}:9`, '<html>']
    for (const answer of answers) {
      const { codes, log } = await asked(await serve((_request, response) => void response.end(answer)))
      expect(codes).toEqual([])
      expect(log.lines).toEqual([])
    }
  })

  test.each([
    [
      'answers 500',
      (_request: IncomingMessage, response: ServerResponse) => void response.writeHead(500).end(`${sha1.slice(5)}:9`),
    ],
    [
      'leads elsewhere',
      (_request: IncomingMessage, response: ServerResponse) =>
        void response.writeHead(302, { location: '/other' }).end(),
    ],
    ['hangs up', (request: IncomingMessage) => void request.socket.destroy()],
    ['never ends', (_request: IncomingMessage, response: ServerResponse) => void response.writeHead(200).write('0')],
    [
      'sends too much',
      (_request: IncomingMessage, response: ServerResponse) => void response.end('x'.repeat(1_100_000)),
    ],
  ])('that %s is left out, and the log says so', async (_name, handle) => {
    const { codes, log } = await asked(await serve(handle), 300)
    expect(codes).toEqual([])
    expect(log.of(breachCheckFailed)).toHaveLength(1)
    expect(log.text()).not.toContain(password)
  })

  test('is not asked about what is refused anyway', async () => {
    let asks = 0
    const breachCheck = () => {
      asks += 1
      return Promise.resolve(new Set<string>())
    }
    expect(await codesOf('passwordpassword', { breachCheck })).toEqual(['password_too_common'])
    expect(await codesOf('k7', { breachCheck })).toContain('password_too_short')
    expect(asks).toBe(0)
  })
})
