import type { KeyObject } from 'node:crypto'
import { type Clock, type Environment, type Logger, StartupError, type StartupFault } from '@plinth/core'
import { generateCommand, keyFiles, readKeyFolder, type FolderKey } from './key-folder.ts'
import { developmentKeyFolder } from './make-signing-key.ts'
import { readSigningKey, type SigningKey } from './signing-key.ts'

/** The keys of access tokens. All verify and are published; one signs. */
export interface SigningKeys {
  /** The key that signs now. */
  signing(): SigningKey
  /** All of them, the signing one first, as the JWKS shows them. */
  all(): readonly SigningKey[]
  /** A key by its name. What is unknown makes a folder be looked at again. */
  find(kid: string): SigningKey | undefined
  /** Seconds for which others may keep the JWKS: shorter than the time between a key's publication and its first use. */
  readonly jwksMaxAge: number
}

export interface FolderKeysOptions {
  readonly clock: Clock
  /** Told of files that appear while the process runs and are no keys, once each. */
  readonly log: Logger
  /** Seconds between a key's appearance and its first signature; at least 10. Default: 60. */
  readonly publishAhead?: number | undefined
}

/** Where the keys come from. */
export interface SigningKeySettings {
  readonly ENVIRONMENT: Environment
  readonly DATA_DIR: string
  readonly JWT_KEYS_DIR?: string | undefined
}

const lookEvery = 3
/** Seconds between two looks at the names. A new key signs ten seconds after its file appears at the earliest. */
const listEvery = 0.25
// Other processes look up to three seconds later, and their clocks differ.
const publishSlack = 10
export const defaultPublishAhead = 60

/**
 * The keys of JWT_KEYS_DIR (default: `./keys`); in development, where it is not set, those of this machine in `<DATA_DIR>/keys`,
 * made once.
 * @throws StartupError where there is no folder or no key outside development: keys made on the spot would differ between
 *   processes, and what one signed the others would refuse
 */
export function signingKeysOf(settings: SigningKeySettings, options: FolderKeysOptions): SigningKeys {
  const { JWT_KEYS_DIR, ENVIRONMENT, DATA_DIR } = settings
  if (JWT_KEYS_DIR === undefined && ENVIRONMENT === 'development')
    return folderKeys(developmentKeyFolder(DATA_DIR, options.clock), options)
  return folderKeys(JWT_KEYS_DIR ?? './keys', options)
}

/**
 * Keys that the code hands over, as PKCS#8 PEM or KeyObject: the first one signs, the others verify. To rotate, add the new key
 * second everywhere, then move it to the front, then drop the old one after the lifetime of a token.
 * @throws StartupError with all faults
 */
export function givenKeys(given: readonly (string | KeyObject)[], publishAhead = defaultPublishAhead): SigningKeys {
  const read = given.map((one) => readSigningKey(one))
  const faults = read.flatMap((one, index): StartupFault[] => {
    const path = `jwt.keys[${index}]`
    if (typeof one === 'string') return [{ path, problem: one, fix: `make one: ${generateCommand}` }]
    const first = read.findIndex((other) => typeof other === 'object' && other.kid === one.kid)
    return first < index ? [{ path, problem: `is the same as jwt.keys[${first}]`, fix: 'leave it out' }] : []
  })
  const keys = read.filter((one) => typeof one === 'object')
  const [first] = keys
  if (given.length === 0)
    faults.push({ path: 'jwt.keys', problem: 'holds no key', fix: `make one: ${generateCommand}` })
  if (faults.length > 0 || !first) throw new StartupError(faults)
  const byKid = new Map(keys.map((key) => [key.kid, key]))
  return {
    signing: () => first,
    all: () => keys,
    find: (kid) => byKid.get(kid),
    jwksMaxAge: maxAge(publishAhead),
  }
}

/**
 * The keys of a folder, which is looked at again every three seconds, and at once where a token names an unknown key and
 * there is a new file. A new key is published as soon as it is seen and signs `publishAhead` seconds later, so that every
 * process and every kept JWKS knows it first. A key whose file is gone verifies nothing any more.
 * @throws StartupError with all faults of the folder
 */
export function folderKeys(folder: string, options: FolderKeysOptions): SigningKeys {
  const { clock, log, publishAhead = defaultPublishAhead } = options
  const { keys, faults } = readKeyFolder(folder)
  const all = [...faults]
  if (!(publishAhead >= publishSlack))
    all.push({
      path: 'jwt.publishAhead',
      problem: `${publishAhead} s is too short for other processes to see a key before it signs`,
      fix: `at least ${publishSlack}`,
    })
  if (keys.size === 0 && faults.length === 0) all.push({ path: folder, problem: 'holds no key', fix: generateCommand })
  if (all.length > 0) throw new StartupError(all)

  const now = (): number => clock.now().getTime() / 1000
  const reported = new Set<string>()
  let ring = sorted(keys)
  let files = keys
  let byKid = indexed(ring)
  let seen = new Map<string, number>()
  let lookedAt = now()
  let listed = new Set(keyFiles(folder))
  let listedAt = lookedAt

  function look(): void {
    lookedAt = now()
    listedAt = lookedAt
    listed = new Set(keyFiles(folder))
    const reading = readKeyFolder(folder, files)
    for (const { path, problem, fix } of reading.faults) {
      const words = `${path} ${problem}`
      if (reported.has(words) || reported.size > 1000) continue
      reported.add(words)
      log.error('signing_key_refused', { path, problem, fix })
    }
    // A folder that is empty or unreadable is a mount that broke, not a wish to sign everybody out.
    if (reading.keys.size === 0) return
    const added = [...reading.keys].filter(([name]) => !files.has(name))
    seen = new Map([...seen, ...added.map(([, { key }]) => [key.kid, lookedAt] as const)])
    files = reading.keys
    ring = sorted(files)
    byKid = indexed(ring)
  }

  /** A file copied here long after it was made is new to us, whatever its name says. */
  const signsFrom = ({ key, createdAt }: FolderKey): number =>
    Math.max(createdAt, seen.get(key.kid) ?? 0) + publishAhead

  function refresh(): void {
    const at = now()
    // A clock that was set back must not stop the looking.
    if (at - lookedAt >= lookEvery || at < lookedAt) look()
  }

  /**
   * Anybody can name a key that there is not: he does not make us read files, and not even their names more often than four times a
   * second (10 µs of a local disk, but the folder may be mounted from elsewhere, and the look is synchronous).
   */
  function isNewFile(): boolean {
    const at = now()
    if (at - listedAt < listEvery && at >= listedAt) return false
    listedAt = at
    return keyFiles(folder).some((name) => !listed.has(name))
  }

  const signing = (): SigningKey => {
    refresh()
    const at = now()
    const ready = ring.findLast((one) => signsFrom(one) <= at)
    // At the first start the only key is younger than that, and there is nobody yet who would not know it.
    return (ready ?? ring[0]!).key
  }

  return {
    signing,
    all: () => {
      const first = signing()
      return [first, ...ring.map(({ key }) => key).filter((key) => key !== first)]
    },
    find: (kid) => {
      refresh()
      if (!byKid.has(kid) && isNewFile()) look()
      return byKid.get(kid)
    },
    jwksMaxAge: maxAge(publishAhead),
  }
}

const maxAge = (publishAhead: number): number => Math.max(0, Math.floor(publishAhead - publishSlack))

/** Oldest first; of two keys of one second every process must choose the same. */
const sorted = (keys: ReadonlyMap<string, FolderKey>): FolderKey[] =>
  [...keys.values()].sort((a, b) => a.createdAt - b.createdAt || (a.key.kid < b.key.kid ? -1 : 1))

const indexed = (ring: readonly FolderKey[]): Map<string, SigningKey> => new Map(ring.map(({ key }) => [key.kid, key]))
