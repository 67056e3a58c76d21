import { spawnSync } from 'node:child_process'
import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseKeyRing } from '@plinth/core'
import { calculateJwkThumbprint, exportJWK } from 'jose'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { runBin, type Ran } from '../../tests/spawn-bin.ts'

/* The program as it is started, in a folder of its own. */

let folder = ''
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'plinth-keys-'))))
afterEach(() => rmSync(folder, { recursive: true, force: true }))
const plinth = (args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<Ran> =>
  runBin(['keys:generate', ...args], folder, { HOME: folder, ...env })
const pems = (at = 'keys'): readonly string[] => readdirSync(join(folder, at)).filter((name) => name.endsWith('.pem'))
const mode = (path: string): number => statSync(join(folder, path)).mode & 0o777
const git = (...args: readonly string[]): void => {
  const { status } = spawnSync('git', ['-C', folder, ...args], { env: { PATH: process.env['PATH'], HOME: folder } })
  expect(status).toBe(0)
}

describe('a key', () => {
  test.each([
    [[], 'RS256', 'rsa'],
    [['--algorithm', 'ES256'], 'ES256', 'ec'],
    [['--algorithm', 'eddsa'], 'EdDSA', 'ed25519'],
  ])('%j is for %s: PKCS#8 for us alone, named by time and thumbprint', async (args, algorithm, kind) => {
    const before = Math.floor(Date.now() / 1_000)
    const { code, out, err } = await plinth(args)
    expect({ code, out }).toEqual({ code: 0, out: '' })
    const [name = '', ...others] = pems()
    expect(others).toEqual([])
    expect(err).toContain(`Wrote ./keys/${name} (${algorithm})`)
    const [, seconds = '', kid = ''] = /^(\d+)-([\w-]{43})\.pem$/.exec(name) ?? []
    expect(Number(seconds)).toBeGreaterThanOrEqual(before)
    expect([mode('keys'), mode(`keys/${name}`)]).toEqual([0o700, 0o600])
    const pem = readFileSync(join(folder, 'keys', name), 'utf8')
    expect(pem).toMatch(/^-----BEGIN PRIVATE KEY-----\n/)
    const key = createPrivateKey(pem)
    expect(key.asymmetricKeyType).toBe(kind)
    if (kind === 'rsa') expect(key.asymmetricKeyDetails?.modulusLength).toBe(2_048)
    if (kind === 'ec') expect(key.asymmetricKeyDetails?.namedCurve).toBe('prime256v1')
    expect(sign(kind === 'ed25519' ? null : 'sha256', Buffer.from('x'), key).length).toBeGreaterThan(60)
    expect(kid).toBe(await calculateJwkThumbprint(await exportJWK(createPublicKey(key))))
    expect(readdirSync(join(folder, 'keys')).sort()).toEqual(['.gitignore', name].sort())
    expect(`${out}${err}`).not.toContain('PRIVATE KEY')
  })

  test('that is there is kept; --rotate adds one that is newer, even within the second', async () => {
    await plinth(['--algorithm', 'EdDSA'])
    const [first = ''] = pems()
    const bytes = readFileSync(join(folder, 'keys', first))
    const again = await plinth()
    expect(again).toMatchObject({
      code: 0,
      err: expect.stringContaining('./keys has 1 key; nothing was written') as string,
    })
    expect(pems()).toEqual([first])
    await Promise.all([plinth(['--rotate', '--algorithm', 'ES256']), plinth(['--rotate', '--algorithm', 'EdDSA'])])
    expect(pems()).toHaveLength(3)
    expect(readFileSync(join(folder, 'keys', first))).toEqual(bytes)
    const seconds = pems().map((name) => Number(name.split('-')[0]))
    expect(Math.min(...seconds.slice(1))).toBeGreaterThan(seconds[0]!)
  })

  test('lies where --dir says, else JWT_KEYS_DIR of the environment or of .env', async () => {
    const algorithm = ['--algorithm', 'EdDSA']
    writeFileSync(join(folder, '.env'), 'JWT_KEYS_DIR=from-file\n')
    await plinth(algorithm)
    await plinth(algorithm, { JWT_KEYS_DIR: 'from-environment' })
    await plinth([...algorithm, '--dir', 'deep/from-option'], { JWT_KEYS_DIR: 'from-environment' })
    for (const at of ['from-file', 'from-environment', 'deep/from-option']) expect(pems(at)).toHaveLength(1)
  })
})

describe('the secret', () => {
  test('is shown on request only: one line on standard output, which the platform reads', async () => {
    const { out, err, code } = await plinth(['--secret', '--algorithm', 'EdDSA'])
    expect(code).toBe(0)
    const [, text = ''] = /^SECRET_KEYS=(k[a-z0-9]+:[A-Za-z0-9+/]{43}=)\n$/.exec(out) ?? []
    expect(parseKeyRing(text).keys).toHaveLength(1)
    expect(err).not.toContain(text.split(':')[1])
    const other = await plinth(['--secret', '--algorithm', 'EdDSA'])
    expect(other.out.split(':')[1]).not.toBe(out.split(':')[1])
    for (const name of readdirSync(join(folder, 'keys')))
      expect(readFileSync(join(folder, 'keys', name), 'utf8')).not.toContain(text)
  })

  test('and in JSON, with what was written and kept', async () => {
    const first = JSON.parse((await plinth(['--json', '--algorithm', 'EdDSA'])).out) as Record<string, unknown>
    const [name = ''] = pems()
    expect(first).toEqual({
      command: 'keys:generate',
      ok: true,
      dir: './keys',
      written: [{ file: name, kid: name.slice(11, -4), algorithm: 'EdDSA' }],
      kept: [],
    })
    const second = JSON.parse((await plinth(['--json', '--secret'])).out) as Record<string, unknown>
    expect(second).toMatchObject({ written: [], kept: [name], secretKeys: expect.stringMatching(/^k\w+:/) as string })
  })
})

describe('a folder', () => {
  test('that git would commit gets no key; one that is made ignores itself', async () => {
    git('init', '-q')
    mkdirSync(join(folder, 'keys'), { mode: 0o700 })
    const { code, err } = await plinth()
    expect(code).toBe(1)
    expect(err).toContain("echo '*' > keys/.gitignore")
    expect(pems()).toEqual([])
    expect(JSON.parse((await plinth(['--json'])).out)).toMatchObject({
      ok: false,
      error: { code: 'keys_folder_in_git' },
    })
    writeFileSync(join(folder, '.gitignore'), '/keys/\n')
    expect((await plinth(['--algorithm', 'EdDSA'])).code).toBe(0)
    expect((await plinth(['--algorithm', 'EdDSA', '--dir', 'own'])).code).toBe(0)
    git('add', '-A')
    const { stdout } = spawnSync('git', ['-C', folder, 'ls-files'])
    expect(stdout.toString()).toBe('.gitignore\n')
    expect([pems().length, pems('own').length]).toEqual([1, 1])
  })

  test('into which others may write gets none', async () => {
    mkdirSync(join(folder, 'keys'))
    chmodSync(join(folder, 'keys'), 0o777)
    expect(await plinth()).toMatchObject({ code: 1, err: expect.stringContaining('chmod 700 ./keys') as string })
    expect(pems()).toEqual([])
  })

  test('that is a file is told in words', async () => {
    writeFileSync(join(folder, 'keys'), '')
    const { code, err } = await plinth()
    expect(code).toBe(1)
    expect(err).toMatch(/keys is no folder/)
    expect(err).not.toMatch(/\n\s+at /)
  })
})
