import { accessSync, constants, readdirSync, readFileSync, statSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import type { StartupFault } from '@plinth/core'
import { readSigningKey, type SigningKey } from './signing-key.ts'

/** A key of the folder, with the time in its name. */
export interface FolderKey {
  readonly key: SigningKey
  /** Unix seconds, from the file's name: a copy keeps it, which no time of a file system does. */
  readonly createdAt: number
}

export interface FolderReading {
  /** By file name. */
  readonly keys: ReadonlyMap<string, FolderKey>
  readonly faults: readonly StartupFault[]
}

/** The fix where there is no key. */
export const generateCommand = 'npx plinth keys:generate'

const keyName = /^(\d{1,11})-([A-Za-z0-9_-]{43})\.pem$/
const maximumBytes = 16_384

/**
 * Reads every `<unix seconds>-<kid>.pem` of a folder. Other `.pem` files are faults, everything else is ignored.
 * @param known what was read before: a file of a known name is not read again, for its name says what is in it
 */
export function readKeyFolder(folder: string, known: ReadonlyMap<string, FolderKey> = new Map()): FolderReading {
  const keys = new Map<string, FolderKey>()
  const faults: StartupFault[] = []
  try {
    faults.push(...folderFaults(folder, statSync(folder)))
    for (const name of listPems(folder)) {
      const found = known.get(name) ?? readKeyFile(folder, name)
      if ('key' in found) keys.set(name, found)
      else faults.push(found)
    }
  } catch (error) {
    faults.push(unreadable(folder, error))
  }
  return { keys, faults }
}

/** The names of the files that are keys, or should be; none where the folder cannot be read. Never throws. */
export function keyFiles(folder: string): string[] {
  try {
    return listPems(folder)
  } catch {
    return []
  }
}

const listPems = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.pem') && !name.startsWith('.'))
    .sort()

function readKeyFile(folder: string, name: string): FolderKey | StartupFault {
  const path = join(folder, name)
  try {
    const stats = statSync(path)
    const open = modeFault(path, stats)
    if (open) return open
    if (!stats.isFile() || stats.size > maximumBytes) return { path, problem: 'is no key file', fix: `rm -r ${path}` }
    const key = readSigningKey(readFileSync(path, 'utf8'))
    if (typeof key === 'string') return { path, problem: key, fix: `replace it: ${generateCommand}` }
    const [, seconds, kid] = keyName.exec(name) ?? []
    // The name is what processes compare: other content under a known name would be taken for the key that was there.
    if (seconds === undefined || kid !== key.kid) {
      const right = join(folder, `${seconds ?? Math.floor(stats.mtimeMs / 1000)}-${key.kid}.pem`)
      return { path, problem: 'is not named <unix seconds>-<kid>.pem after the key in it', fix: `mv ${path} ${right}` }
    }
    return { key, createdAt: Number(seconds) }
  } catch (error) {
    return unreadable(path, error)
  }
}

/**
 * Who reads a key signs tokens for everybody. A file of our own is for us alone; one of another owner (root, where an
 * orchestrator mounts secrets for a group) may be readable by its group, never by all. PostgreSQL asks the same of its key.
 */
function modeFault(path: string, stats: Stats): StartupFault | undefined {
  const uid = process.getuid?.()
  if (uid === undefined) return undefined
  const own = stats.uid === uid
  if ((stats.mode & (own ? 0o077 : 0o037)) === 0) return undefined
  const mode = own ? '600' : '640'
  return { path, problem: `is open to others (mode ${octal(stats)})`, fix: `chmod ${mode} ${path}` }
}

/**
 * Who may write into the folder adds a key of his own. To read its names is harmless: the JWKS publishes them. A read-only
 * mount is let be, whatever mode it shows (those of orchestrators show 1777).
 */
function folderFaults(folder: string, stats: Stats): StartupFault[] {
  if (!stats.isDirectory()) return [{ path: folder, problem: 'is no folder', fix: generateCommand }]
  if (process.getuid === undefined || (stats.mode & 0o022) === 0 || isReadOnly(folder)) return []
  return [{ path: folder, problem: `may be written by others (mode ${octal(stats)})`, fix: `chmod 700 ${folder}` }]
}

function isReadOnly(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK)
    return false
  } catch (error) {
    return codeOf(error) === 'EROFS'
  }
}

function unreadable(path: string, error: unknown): StartupFault {
  const code = codeOf(error)
  return code === 'ENOENT'
    ? { path, problem: 'does not exist', fix: generateCommand }
    : { path, problem: `cannot be read (${code})`, fix: `let this user read ${path}` }
}

const octal = (stats: Stats): string => (stats.mode & 0o777).toString(8)
const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : 'unknown')
