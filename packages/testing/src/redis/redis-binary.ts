import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const names = ['redis-server', 'valkey-server']
/** Where distributions put them; some leave /usr/sbin out of the PATH of users. */
const folders = ['/usr/bin', '/usr/local/bin', '/usr/sbin', '/opt/homebrew/bin']
const INSTALLING_MS = 300_000

/**
 * The program of a Redis or Valkey server: of the PATH, else, where this is root on a Debian (a container, mostly), installed from
 * its package; else it throws with the command that mends it. A fall back to something in memory would test something else.
 */
export async function findRedisBinary(): Promise<string> {
  const found = installed() ?? (await installOnce())
  if (found !== undefined) return found
  throw new Error(
    [
      'The tests need a Redis or Valkey server and found none. One of these mends it:',
      '  sudo apt-get install redis-server             (Debian, Ubuntu; only its program is used)',
      '  brew install redis                            (macOS)',
      '  TEST_REDIS_URL=redis://host:port              (a running server; keys of the tests expire)',
    ].join('\n'),
  )
}

function installed(): string | undefined {
  const path = (process.env['PATH'] ?? '').split(':').filter((folder) => folder !== '')
  for (const name of names)
    for (const folder of [...path, ...folders]) if (existsSync(join(folder, name))) return join(folder, name)
  return undefined
}

/** One of several test workers installs, the others wait for it. */
async function installOnce(): Promise<string | undefined> {
  if (process.getuid?.() !== 0 || spawnSync('apt-get', ['--version']).error) return undefined
  const lock = join(tmpdir(), 'plinth-redis-install.lock')
  const until = performance.now() + INSTALLING_MS
  while (!take(lock)) {
    if (performance.now() > until) throw new Error(`another process installs Redis for too long (${lock})`)
    await sleep(500)
  }
  try {
    return installed() ?? install()
  } finally {
    rmSync(lock, { force: true })
  }
}

function take(lock: string): boolean {
  try {
    const file = openSync(lock, 'wx')
    writeSync(file, String(process.pid))
    closeSync(file)
    return true
  } catch {
    if (isAbandoned(lock)) rmSync(lock, { force: true })
    return false
  }
}

function isAbandoned(lock: string): boolean {
  try {
    process.kill(Number(readFileSync(lock, 'utf8')) || process.pid, 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}

function install(): string | undefined {
  // RUNLEVEL: the package must not start a server of its own.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  const run = (...args: readonly string[]): string => {
    const done = spawnSync('apt-get', ['-qq', ...args], { env, encoding: 'utf8', timeout: INSTALLING_MS })
    return done.status === 0 ? '' : `${done.error?.message ?? ''}${done.stdout}${done.stderr}`
  }
  const trouble = run('update') || run('install', '--no-install-recommends', '-y', 'redis-server')
  const found = installed()
  if (found === undefined && trouble !== '') throw new Error(`apt-get could not install redis-server:\n${trouble}`)
  return found
}
