import { createHash, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CliError } from '../cli-error.ts'

export const signingAlgorithms = ['RS256', 'ES256', 'EdDSA'] as const
export type SigningAlgorithm = (typeof signingAlgorithms)[number]

/** The kinds of keys, and what of a public one is hashed for its name, in the order of RFC 7638 §3.2. */
const kinds: Readonly<
  Record<
    SigningAlgorithm,
    {
      readonly make: () => { readonly privateKey: KeyObject; readonly publicKey: KeyObject }
      readonly members: readonly string[]
    }
  >
> = {
  RS256: { make: () => generateKeyPairSync('rsa', { modulusLength: 2048 }), members: ['e', 'kty', 'n'] },
  ES256: { make: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }), members: ['crv', 'kty', 'x', 'y'] },
  EdDSA: { make: () => generateKeyPairSync('ed25519'), members: ['crv', 'kty', 'x'] },
}

const keyName = /^(\d{1,11})-([A-Za-z0-9_-]{43})\.pem$/

/** The names of the keys in a folder, oldest first; none where there is no such folder. */
export function signingKeyFiles(folder: string): readonly string[] {
  if (!existsSync(folder)) return []
  if (!statSync(folder).isDirectory()) throw new CliError('file', `${folder} is no folder.`)
  const made = (name: string): number => Number(keyName.exec(name)?.[1])
  return readdirSync(folder)
    .filter((name) => keyName.test(name))
    .sort((left, right) => made(left) - made(right))
}

export interface WrittenKey {
  readonly file: string
  readonly kid: string
}

/**
 * Makes a key and writes it as `<unix seconds>-<kid>.pem`: PKCS#8, 0600, in a folder of 0700. Nothing is written over.
 * @param now Unix seconds; the newest key signs, so a second key within one second is dated one later
 */
export function writeSigningKey(folder: string, algorithm: SigningAlgorithm, now: number): WrittenKey {
  const { privateKey, publicKey } = kinds[algorithm].make()
  const kid = thumbprint(publicKey, kinds[algorithm].members)
  const newest = Number(keyName.exec(signingKeyFiles(folder).at(-1) ?? '')?.[1] ?? 0)
  const file = `${Math.max(now, newest + 1)}-${kid}.pem`
  const draft = join(folder, `.${process.pid}.${randomBytes(6).toString('hex')}`)
  try {
    makeFolder(folder)
    writeFileSync(draft, privateKey.export({ type: 'pkcs8', format: 'pem' }), { flag: 'wx', mode: 0o600, flush: true })
    // Written aside and renamed: a running process never reads half a key. The name is the key's own, so that none is replaced.
    renameSync(draft, join(folder, file))
    return { file, kid }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw new CliError('file', `No key can be written into ${folder} (${code}).`, { cause: error })
  } finally {
    rmSync(draft, { force: true })
  }
}

/** A folder that we make says itself that git must not take it: whoever commits a key lets every reader sign tokens. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  // Whatever the umask says.
  chmodSync(folder, 0o700)
  writeFileSync(join(folder, '.gitignore'), '*\n', { mode: 0o600 })
}

function thumbprint(publicKey: KeyObject, members: readonly string[]): string {
  const jwk = publicKey.export({ format: 'jwk' }) as Readonly<Record<string, unknown>>
  const canonical = JSON.stringify(Object.fromEntries(members.map((name) => [name, jwk[name]])))
  return createHash('sha256').update(canonical).digest('base64url')
}
