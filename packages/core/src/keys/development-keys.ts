import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { StartupError } from '../errors/startup-error.ts'
import { readKeyRing, type KeyRing } from './key-ring.ts'

/**
 * The key ring of a development machine: made once in `<dataDir>/secret-keys` (0600; the folder 0700), read from then on.
 * Two processes that start at once get the same one.
 * @throws StartupError where the file is damaged or cannot be written
 */
export function developmentKeys(dataDir: string): KeyRing {
  const path = join(dataDir, 'secret-keys')
  try {
    if (!existsSync(path)) make(dataDir, path)
    // A copy or an unpacked archive may have opened it to others.
    if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600)
    return read(path)
  } catch (error) {
    if (error instanceof StartupError) throw error
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw new StartupError([
      {
        path: 'DATA_DIR',
        problem: `${path} cannot be made or read (${code})`,
        fix: `make ${dataDir} a folder that this user may write`,
      },
    ])
  }
}

function read(path: string): KeyRing {
  const { ring, problems } = readKeyRing(readFileSync(path, 'utf8').trim())
  if (ring) return ring
  throw new StartupError([
    {
      path,
      problem: `is damaged: ${problems.join('; ')}`,
      fix: `rm ${path} (what was sealed with it cannot be opened again)`,
    },
  ])
}

/**
 * Written aside, then linked: link() fails where the name exists, so that of two processes one wins and both read its file.
 * A rename would replace the winner's file after the winner has read it.
 */
function make(dataDir: string, path: string): void {
  if (!existsSync(dataDir)) {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    // The folder lies in a project that someone commits.
    writeFileSync(join(dataDir, '.gitignore'), '*\n', { mode: 0o600 })
  }
  const draft = `${path}.${process.pid}.${randomBytes(6).toString('hex')}`
  try {
    writeFileSync(draft, `dev1:${randomBytes(32).toString('base64')}\n`, { flag: 'wx', mode: 0o600, flush: true })
    publish(draft, path)
  } finally {
    rmSync(draft, { force: true })
  }
}

function publish(draft: string, path: string): void {
  try {
    linkSync(draft, path)
  } catch (error) {
    if (isCode(error, 'EEXIST')) return
    try {
      // File systems without hard links (exFAT, some shares) still refuse to copy over a file.
      copyFileSync(draft, path, constants.COPYFILE_EXCL)
    } catch (again) {
      if (!isCode(again, 'EEXIST')) throw again
    }
  }
}

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code
