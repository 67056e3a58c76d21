import { generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Clock, StartupError } from '@plinth/core'
import { readSigningKey, type SigningAlgorithm } from './signing-key.ts'

export interface MakeSigningKeyOptions {
  /** Default: RS256. */
  readonly algorithm?: SigningAlgorithm
  /** Its time stands in the name of the file, and decides from when on the key signs. */
  readonly clock: Clock
}

const make: Readonly<Record<SigningAlgorithm, () => KeyObject>> = {
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  EdDSA: () => generateKeyPairSync('ed25519').privateKey,
}

/**
 * Makes a key and puts it as `<unix seconds>-<kid>.pem` (0600, PKCS#8) into the folder, which is made where it is missing
 * (0700, and out of sight of git). Running processes find it within seconds; they sign with it after the publish-ahead time.
 * @returns its name and the path of its file
 * @throws the error of the file system where it cannot be written
 */
export function makeSigningKey(folder: string, options: MakeSigningKeyOptions): { kid: string; path: string } {
  const privateKey = make[options.algorithm ?? 'RS256']()
  const read = readSigningKey(privateKey)
  if (typeof read === 'string') throw new TypeError(`the key that was made ${read}`)
  makeIgnored(folder)
  const seconds = Math.floor(options.clock.now().getTime() / 1000)
  const path = join(folder, `${seconds}-${read.kid}.pem`)
  // Written aside and renamed: a process that looks meanwhile must not read half a key.
  const draft = join(folder, `.${process.pid}.${randomBytes(6).toString('hex')}`)
  try {
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })
    writeFileSync(draft, pem, { flag: 'wx', mode: 0o600, flush: true })
    renameSync(draft, path)
  } finally {
    rmSync(draft, { force: true })
  }
  return { kid: read.kid, path }
}

/**
 * The folder of keys of a development machine: `<dataDir>/keys`, made once with one RS256 key. Two processes that start at
 * once get the same key: each fills a folder aside and renames it, and a folder with something in it cannot be replaced.
 * @returns the folder
 * @throws StartupError where it cannot be made
 */
export function developmentKeyFolder(dataDir: string, clock: Clock): string {
  const folder = join(dataDir, 'keys')
  try {
    if (!holdsKey(folder)) makeFolder(folder, clock)
    if (process.platform !== 'win32') closeFiles(folder)
    return folder
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw new StartupError([
      {
        path: 'DATA_DIR',
        problem: `${folder} cannot be made or read (${code})`,
        fix: `make ${dataDir} a folder that this user may write`,
      },
    ])
  }
}

function makeFolder(folder: string, clock: Clock): void {
  makeIgnored(dirname(folder))
  const draft = `${folder}.${process.pid}.${randomBytes(6).toString('hex')}`
  try {
    makeSigningKey(draft, { clock })
    renameSync(draft, folder)
  } catch (error) {
    if (!holdsKey(folder)) throw error
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

/** A folder that we make lies in a project that someone commits, and a key that is committed is known to every reader. */
function makeIgnored(folder: string): void {
  if (existsSync(folder)) return
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeFileSync(join(folder, '.gitignore'), '*\n', { mode: 0o600 })
}

const holdsKey = (folder: string): boolean =>
  existsSync(folder) && readdirSync(folder).some((name) => name.endsWith('.pem'))

/** A copy or an unpacked archive may have opened them to others. */
function closeFiles(folder: string): void {
  chmodSync(folder, 0o700)
  for (const name of readdirSync(folder)) if (name.endsWith('.pem')) chmodSync(join(folder, name), 0o600)
}
