import { fork } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { StartupError } from '../errors/startup-error.ts'
import { developmentKeys } from './development-keys.ts'
import { keyRingOf, keyRingSecrets } from './key-ring-secrets.ts'
import { parseKeyRing } from './key-ring.ts'

let base: string
let dataDir: string
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'plinth-keys-'))
  dataDir = join(base, 'a/.plinth')
})
afterEach(() => rmSync(base, { recursive: true, force: true }))
const mode = (path: string) => (statSync(path).mode & 0o777).toString(8)

describe('developmentKeys', () => {
  test('makes them once, for this user only, out of sight of git', () => {
    const made = developmentKeys(dataDir)
    expect(made.keys.map(({ kid }) => kid)).toEqual(['dev1'])
    expect(developmentKeys(dataDir).keys[0].key.equals(made.keys[0].key)).toBe(true)
    expect([mode(dataDir), mode(join(dataDir, 'secret-keys'))]).toEqual(['700', '600'])
    expect(readFileSync(join(dataDir, '.gitignore'), 'utf8')).toBe('*\n')
    expect(readdirSync(dataDir).sort()).toEqual(['.gitignore', 'secret-keys'])
  })

  test('leaves a folder that was there as it is, but closes an open file', () => {
    mkdirSync(dataDir, { recursive: true, mode: 0o755 })
    developmentKeys(dataDir)
    expect(readdirSync(dataDir)).toEqual(['secret-keys'])
    chmodSync(join(dataDir, 'secret-keys'), 0o644)
    developmentKeys(dataDir)
    expect(mode(join(dataDir, 'secret-keys'))).toBe('600')
  })

  test('does not replace a damaged file by new keys', () => {
    mkdirSync(dataDir, { recursive: true })
    writeFileSync(join(dataDir, 'secret-keys'), '')
    expect(() => developmentKeys(dataDir)).toThrow('is damaged: holds no key')
    expect(readFileSync(join(dataDir, 'secret-keys'), 'utf8')).toBe('')
  })

  test('says where it cannot write', () => {
    mkdirSync(join(base, 'a'))
    writeFileSync(dataDir, 'a file')
    expect(() => developmentKeys(dataDir)).toThrow(StartupError)
    expect(existsSync(join(base, 'a/secret-keys'))).toBe(false)
  })

  test('eight processes at once agree, five times over', { timeout: 60_000 }, async () => {
    const script = join(base, 'make.mjs')
    const source = new URL('./development-keys.ts', import.meta.url).href
    // Each waits for the word, so that they begin together and not as their start-up happens to end.
    writeFileSync(
      script,
      `import { developmentKeys } from ${JSON.stringify(source)}
       process.on('message', (dir) => { process.send(developmentKeys(dir).keys[0].key.export().toString('hex')) })
       process.send('ready')`,
    )
    const children = Array.from({ length: 8 }, () =>
      fork(script, { execArgv: ['--disable-warning=ExperimentalWarning'] }),
    )
    const replies = () =>
      Promise.all(children.map((child) => new Promise<unknown>((resolve) => child.once('message', resolve))))
    try {
      await replies()
      for (let round = 0; round < 5; round++) {
        const answers = replies()
        for (const child of children) child.send(join(base, `round-${round}`))
        expect(new Set(await answers).size).toBe(1)
        expect(readdirSync(join(base, `round-${round}`)).sort()).toEqual(['.gitignore', 'secret-keys'])
      }
    } finally {
      for (const child of children) child.kill()
    }
  })
})

describe('keyRingOf', () => {
  const given = parseKeyRing('k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=')

  test('takes what is given, makes them in development, and refuses elsewhere', () => {
    expect(keyRingOf({ ENVIRONMENT: 'development', SECRET_KEYS: given, DATA_DIR: dataDir })).toBe(given)
    expect(existsSync(dataDir)).toBe(false)
    expect(keyRingOf({ ENVIRONMENT: 'development', DATA_DIR: dataDir }).keys).toHaveLength(1)
    for (const ENVIRONMENT of ['test', 'staging', 'production'] as const) {
      expect(() => keyRingOf({ ENVIRONMENT, DATA_DIR: dataDir })).toThrow(
        /SECRET_KEYS: is not set.*\n.*randomBytes\(32\)/,
      )
    }
  })

  test('fills the port', () => {
    const secrets = keyRingSecrets(given)
    expect(secrets.verify('p', 'text', secrets.sign('p', 'text'))).toBe(true)
    expect(secrets.open(secrets.seal('text', 'c'), 'c')).toBe('text')
  })
})
