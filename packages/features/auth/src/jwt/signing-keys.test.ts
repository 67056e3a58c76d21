import { execFileSync, fork } from 'node:child_process'
import { createPrivateKey, generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { StartupError } from '@plinth/core'
import { capturedLog, testClock } from '@plinth/testing'
import { calculateJwkThumbprint, exportJWK } from 'jose'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { accessTokens } from './access-token.ts'
import { jwks, jwksCacheControl } from './jwks.ts'
import { keyFiles } from './key-folder.ts'
import { makeSigningKey } from './make-signing-key.ts'
import { readSigningKey, signingAlgorithms } from './signing-key.ts'
import { folderKeys, givenKeys, signingKeysOf } from './signing-keys.ts'

const start = '2026-03-01T12:00:00Z'
const nobody = { userId: randomUUID(), tenantId: null, role: null, roles: [], sessionId: randomUUID() }
let base: string
let folder: string
let clock: ReturnType<typeof testClock>
let log: ReturnType<typeof capturedLog>
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'plinth-jwt-'))
  folder = join(base, 'keys')
  clock = testClock(start)
  log = capturedLog()
})
afterEach(() => rmSync(base, { recursive: true, force: true }))

const make = (algorithm: 'RS256' | 'ES256' | 'EdDSA' = 'EdDSA') => makeSigningKey(folder, { algorithm, clock })
const open = (publishAhead?: number) => folderKeys(folder, { clock, log, publishAhead })
const mode = (path: string) => (statSync(path).mode & 0o777).toString(8)
const pemOf = (key: KeyObject) => String(key.export({ type: 'pkcs8', format: 'pem' }))
const faultsOf = (start: () => unknown): readonly { path: string; problem: string; fix: string }[] => {
  try {
    start()
  } catch (error) {
    if (error instanceof StartupError) return error.faults
    throw error
  }
  return []
}

describe('readSigningKey', () => {
  test.each(signingAlgorithms)('knows %s by the key, and names it by its thumbprint', async (algorithm) => {
    const { kid, path } = make(algorithm)
    const key = readSigningKey(readFileSync(path, 'utf8'))
    if (typeof key === 'string') throw new Error(key)
    expect(key.algorithm).toBe(algorithm)
    expect([key.kid, key.kid]).toEqual([kid, await calculateJwkThumbprint(await exportJWK(key.publicKey), 'sha256')])
    expect(basename(path)).toBe(`1772366400-${kid}.pem`)
    expect([mode(folder), mode(path)]).toEqual(['700', '600'])
    expect(readdirSync(folder).sort()).toEqual(['.gitignore', basename(path)])
    expect(readFileSync(join(folder, '.gitignore'), 'utf8')).toBe('*\n')
  })

  test('says what is wrong with any other, and nothing of the key', () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const good = pemOf(generateKeyPairSync('ed25519').privateKey)
    const secret = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' } as const
    const refused: [string | KeyObject, string][] = [
      [pemOf(privateKey), 'RSA key of 1024 bits; at least 2048'],
      [pemOf(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey), 'kind secp384r1'],
      [pemOf(generateKeyPairSync('ed448').privateKey), 'kind ed448'],
      [pemOf(generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey), 'kind rsa-pss'],
      [pemOf(generateKeyPairSync('x25519').privateKey), 'kind x25519'],
      [publicKey, 'is a public key'],
      [String(publicKey.export({ type: 'spki', format: 'pem' })), 'no private key in PKCS#8'],
      [String(privateKey.export({ type: 'pkcs1', format: 'pem' })), 'no private key in PKCS#8'],
      [String(privateKey.export(secret)), 'without a passphrase'],
      [good + good, 'no private key in PKCS#8'],
      [good.slice(0, 60), 'no private key in PKCS#8'],
      ['', 'no private key in PKCS#8'],
    ]
    for (const [given, words] of refused) {
      const problem = readSigningKey(given)
      expect(problem).toEqual(expect.stringContaining(words))
      expect(JSON.stringify(problem)).not.toMatch(/[A-Za-z0-9+/]{20}/)
    }
  })
})

describe('a folder of keys', () => {
  test('is refused at start with all its faults, each with the line that mends it', () => {
    const { path } = make()
    make('ES256')
    const { path: renamed } = make('ES256')
    chmodSync(path, 0o640)
    renameSync(renamed, join(folder, 'main.pem'))
    writeFileSync(join(folder, 'note.txt'), 'ignored')
    writeFileSync(join(folder, 'broken.pem'), 'x', { mode: 0o600 })
    mkdirSync(join(folder, 'folder.pem'), { mode: 0o700 })
    chmodSync(folder, 0o770)
    expect(faultsOf(open).map((fault) => `${fault.problem} | ${fault.fix}`.replaceAll(base, ''))).toEqual([
      'may be written by others (mode 770) | chmod 700 /keys',
      expect.stringMatching(/^is open to others \(mode 640\) \| chmod 600 \/keys\/1772366400-\S+\.pem$/),
      'is no private key in PKCS#8 PEM without a passphrase | replace it: npx plinth keys:generate',
      'is no key file | rm -r /keys/folder.pem',
      expect.stringMatching(
        /^is not named <unix seconds>-<kid>\.pem .* \| mv \/keys\/main\.pem \/keys\/\d+-\S{43}\.pem$/,
      ),
    ])
    // Two keys under each other's names: another process would take the one for the other.
    const other = make('RS256')
    const swapped = join(folder, `1772366400-${'A'.repeat(43)}.pem`)
    renameSync(other.path, swapped)
    expect(faultsOf(open)).toContainEqual(
      expect.objectContaining({ path: swapped, fix: `mv ${swapped} ${other.path}` }),
    )
    for (const { path: one, fix } of faultsOf(open)) {
      if (one.endsWith('broken.pem')) rmSync(one)
      else execFileSync('sh', ['-c', fix])
    }
    expect(open().all()).toHaveLength(4)
  })

  test('that is missing or empty is a fault, whose fix is the command', () => {
    const settings = { ENVIRONMENT: 'production', DATA_DIR: base, JWT_KEYS_DIR: folder } as const
    const expected = (problem: string) => [{ path: folder, problem, fix: 'npx plinth keys:generate' }]
    expect(faultsOf(() => signingKeysOf(settings, { clock, log }))).toEqual(expected('does not exist'))
    mkdirSync(folder, { mode: 0o700 })
    expect(faultsOf(() => signingKeysOf(settings, { clock, log }))).toEqual(expected('holds no key'))
    const named = { ...settings, ENVIRONMENT: 'development' } as const
    expect(faultsOf(() => signingKeysOf(named, { clock, log }))).toEqual(expected('holds no key'))
    make()
    expect(faultsOf(() => open(9)).map(({ path }) => path)).toEqual(['jwt.publishAhead'])
  })

  test('which others may list is nothing to say, as the names are public', () => {
    make()
    chmodSync(folder, 0o755)
    expect(open().all()).toHaveLength(1)
  })

  test('publishes a new key at once, signs with it a minute later, and forgets one whose file is gone', () => {
    const old = make()
    const keys = open()
    expect(keys.signing().kid).toBe(old.kid)
    clock.advance(86_400_000)
    expect(keys.find('unknown')).toBeUndefined()
    clock.advance(1_000)
    const fresh = make('ES256')
    expect(keys.find(fresh.kid)?.algorithm).toBe('ES256')
    expect(jwks(keys).keys.map(({ kid }) => kid)).toEqual([old.kid, fresh.kid])
    clock.advance(59_999)
    expect(keys.signing().kid).toBe(old.kid)
    clock.advance(1)
    expect(keys.signing().kid).toBe(fresh.kid)
    expect(jwks(keys).keys.map(({ kid }) => kid)).toEqual([fresh.kid, old.kid])
    rmSync(old.path)
    clock.advance(2_998)
    expect(keys.find(old.kid)).toBeDefined()
    clock.advance(1)
    expect(keys.find(old.kid)).toBeUndefined()
  })

  test('is not looked at for each of many invented keys, and new ones are known a quarter of a second later', () => {
    make()
    const keys = open()
    clock.advance(1_000)
    expect(keys.find('invented')).toBeUndefined()
    const fresh = make()
    // Long before it signs for the first time.
    clock.advance(249)
    expect(keys.find(fresh.kid)).toBeUndefined()
    clock.advance(1)
    expect(keys.find(fresh.kid)).toBeDefined()
    // A clock that was set back does not stop the looking.
    clock.set('2026-01-01T00:00:00Z')
    const later = make('ES256')
    expect(keys.find(later.kid)).toBeDefined()
  })

  test('a withdrawn key takes the tokens with it that were verified a moment before', async () => {
    const old = make()
    const { issue, verify } = accessTokens({ keys: open(), issuer: 'https://a', audience: 'https://a', clock })
    const { token } = await issue(nobody)
    make()
    clock.advance(2_500)
    expect((await verify(token)).claims).toBeDefined()
    rmSync(old.path)
    clock.advance(500)
    expect((await verify(token)).fault).toBe('unknown_key')
  })

  test('a key made elsewhere and copied here is new here, whatever its name says', () => {
    const old = make()
    clock.advance(1_000)
    const late = make()
    const aside = join(base, basename(late.path))
    renameSync(late.path, aside)
    const keys = open()
    clock.advance(3_600_000)
    copyFileSync(aside, late.path)
    expect(keys.signing().kid).toBe(old.kid)
    clock.advance(60_000)
    expect(keys.signing().kid).toBe(late.kid)
    // A process that starts now knows nobody who would not know it.
    expect(open().signing().kid).toBe(late.kid)
  })

  test('that breaks while the process runs is told once and changes nothing', () => {
    const old = make()
    const keys = open()
    writeFileSync(join(folder, '1772366401-half.pem'), '-----BEGIN PRIVATE', { mode: 0o600 })
    for (let round = 0; round < 5; round++) {
      clock.advance(3_000)
      expect(keys.signing().kid).toBe(old.kid)
    }
    expect(log.of('signing_key_refused').map(({ fields }) => fields.path)).toEqual([
      join(folder, '1772366401-half.pem'),
    ])
    renameSync(folder, `${folder}-away`)
    clock.advance(3_000)
    expect(keys.find(old.kid)?.kid).toBe(old.kid)
    expect(keys.find('unknown')).toBeUndefined()
    expect(log.of('signing_key_refused').map(({ fields }) => fields.problem)).toContain('does not exist')
    clock.set('2026-01-01T00:00:00Z')
    expect(keys.signing().kid).toBe(old.kid)
  })

  test('two instances through two rotations: every token of each is accepted by the other', async () => {
    make('RS256')
    // The second one is created later and looks at other moments than the first.
    const create = () => accessTokens({ keys: open(), issuer: 'https://a', audience: 'https://a', clock, ttl: 120 })
    const one = create()
    clock.advance(1_700)
    const two = create()
    const alive: { token: string; until: number }[] = []
    const used = new Set<string>()
    let checked = 0
    for (let second = 0; second < 600; second++) {
      clock.advance(1_000)
      if (second === 60) make('EdDSA')
      if (second === 300) make('ES256')
      // The old key goes when the last token that it signed is over.
      if (second === 245 || second === 490) rmSync(join(folder, keyFiles(folder)[0]!))
      for (const instance of second % 2 ? [one, two] : [two, one]) {
        const { token, claims } = await instance.issue(nobody)
        used.add(JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()).alg as string)
        alive.push({ token, until: claims.expiresAt })
      }
      while (alive[0] && alive[0].until <= clock.now().getTime() / 1000) alive.shift()
      // The newest, where the key may be unknown, the oldest, where it may be gone, and some between.
      for (const { token } of [...alive.slice(-2), ...alive.slice(0, 2), ...alive.filter((_, at) => at % 40 === 0)]) {
        for (const instance of [one, two]) {
          expect({ second, ...(await instance.verify(token)) }).toHaveProperty('claims')
          checked++
        }
      }
    }
    expect([...used]).toEqual(['RS256', 'EdDSA', 'ES256'])
    expect(checked).toBeGreaterThan(5_000)
  })
})

describe('keys of a development machine', () => {
  const settings = () => ({ ENVIRONMENT: 'development', DATA_DIR: join(base, '.plinth') }) as const

  test('are made once, for this user only, out of sight of git', () => {
    const made = signingKeysOf(settings(), { clock, log }).signing()
    expect(made.algorithm).toBe('RS256')
    const dir = join(base, '.plinth')
    expect([mode(dir), mode(join(dir, 'keys'))]).toEqual(['700', '700'])
    expect(readdirSync(dir).sort()).toEqual(['.gitignore', 'keys'])
    const file = join(dir, 'keys', `1772366400-${made.kid}.pem`)
    expect(mode(file)).toBe('600')
    chmodSync(file, 0o644)
    expect(signingKeysOf(settings(), { clock, log }).signing().kid).toBe(made.kid)
    expect(mode(file)).toBe('600')
  })

  test('are not made where the folder cannot be', () => {
    writeFileSync(join(base, '.plinth'), 'a file')
    expect(faultsOf(() => signingKeysOf(settings(), { clock, log }))).toMatchObject([{ path: 'DATA_DIR' }])
  })

  test('six processes at once agree, three times over', { timeout: 60_000 }, async () => {
    const script = join(base, 'make.mjs')
    const source = new URL('./make-signing-key.ts', import.meta.url).href
    writeFileSync(
      script,
      `import { readdirSync } from 'node:fs'
       import { developmentKeyFolder } from ${JSON.stringify(source)}
       const clock = { now: () => new Date() }
       process.on('message', (dir) => { process.send(readdirSync(developmentKeyFolder(dir, clock)).join()) })
       process.send('ready')`,
    )
    const children = Array.from({ length: 6 }, () =>
      fork(script, { execArgv: ['--disable-warning=ExperimentalWarning'] }),
    )
    const replies = () =>
      Promise.all(children.map((child) => new Promise<unknown>((resolve) => child.once('message', resolve))))
    try {
      await replies()
      for (let round = 0; round < 3; round++) {
        const answers = replies()
        for (const child of children) child.send(join(base, `round-${round}`))
        expect(new Set(await answers).size).toBe(1)
        expect(readdirSync(join(base, `round-${round}`)).sort()).toEqual(['.gitignore', 'keys'])
        expect(keyFiles(join(base, `round-${round}`, 'keys'))).toHaveLength(1)
      }
    } finally {
      for (const child of children) child.kill()
    }
  })
})

describe('keys that the code hands over', () => {
  const keys = [
    generateKeyPairSync('ed25519').privateKey,
    generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  ]

  test('the first one signs, all verify', () => {
    const given = givenKeys([pemOf(keys[0]!), keys[1]!])
    expect(given.signing().algorithm).toBe('EdDSA')
    expect(given.all().map(({ algorithm }) => algorithm)).toEqual(['EdDSA', 'ES256'])
    for (const key of given.all()) expect(given.find(key.kid)).toBe(key)
    expect(given.find('__proto__')).toBeUndefined()
  })

  test('all faults at once', () => {
    expect(faultsOf(() => givenKeys([])).map(({ problem }) => problem)).toEqual(['holds no key'])
    const path = (fault: { path: string; problem: string }) => `${fault.path} ${fault.problem.slice(0, 25)}`
    expect(faultsOf(() => givenKeys([keys[0]!, 'x', keys[0]!])).map(path)).toEqual([
      'jwt.keys[1] is no private key in PKCS',
      'jwt.keys[2] is the same as jwt.keys[0',
    ])
  })
})

describe('the key set', () => {
  test('holds public members only, of every kind of key', () => {
    for (const algorithm of signingAlgorithms) make(algorithm)
    const keys = open()
    const text = JSON.stringify(jwks(keys))
    const members = Object.fromEntries(jwks(keys).keys.map((one) => [one.alg, Object.keys(one).sort().join(' ')]))
    expect(members).toEqual({
      RS256: 'alg e kid kty n use',
      ES256: 'alg crv kid kty use x y',
      EdDSA: 'alg crv kid kty use x',
    })
    for (const file of keyFiles(folder)) {
      const jwk = createPrivateKey(readFileSync(join(folder, file))).export({ format: 'jwk' })
      for (const name of ['d', 'p', 'q', 'dp', 'dq', 'qi'] as const) {
        if (jwk[name] !== undefined) expect(text).not.toContain(jwk[name])
      }
    }
    expect(existsSync(folder)).toBe(true)
  })

  test('is kept for less time than a key is known before it signs', () => {
    make()
    expect(jwksCacheControl(open())).toBe('public, max-age=50, must-revalidate')
    expect(jwksCacheControl(open(10))).toBe('public, max-age=0, must-revalidate')
    expect(jwksCacheControl(open(600))).toBe('public, max-age=590, must-revalidate')
  })
})
