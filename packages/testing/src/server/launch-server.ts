import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { chownSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { signalTree } from './process-tree.ts'
import { findServerBinaries, type ServerBinaries } from './server-binaries.ts'

export interface LaunchOptions {
  /** Start an own server even where TEST_DATABASE_URL names one: for tests that stop or kill it. */
  readonly own?: boolean
  /** Only one of the system that has its tools beside it (`pg_dump`, `pg_restore`, `psql`), in `bin` of its `source`: for backups. */
  readonly tools?: boolean
  /** Wait for the disk at commit. Off: a crash of the machine may lose a test database, and nobody minds. */
  readonly fsync?: boolean
  /** On for tests that kill the server and read the data afterwards. */
  readonly fullPageWrites?: boolean
  /** Further settings, as `name=value`. */
  readonly settings?: readonly string[]
}

export interface TestServer {
  /** The superuser's URL, of the database `postgres`. */
  readonly url: string
  readonly port: number
  /** Where the server comes from: a package, a folder of the system, or `TEST_DATABASE_URL`. */
  readonly source: string
  /** Ends the server and removes its data. A server of TEST_DATABASE_URL is left running. */
  stop(): Promise<void>
  /** Down and up again on the same port and data. `fast` ends transactions politely; `immediate` is a crash with recovery. */
  restart(mode: 'fast' | 'immediate'): Promise<void>
  /** Stops every process of the server where it is: connections stay open, nothing answers. Ends with `resume`. */
  pause(): void
  resume(): void
  /** kill -9 of every process. `restart` brings the server back with crash recovery. */
  kill(): Promise<void>
}

/**
 * Starts a PostgreSQL for tests (1 to 3 s): TEST_DATABASE_URL if it is set, else the binaries of the platform's npm
 * package, else those of the system; else it throws with the commands that mend it.
 */
export async function launchServer(options: LaunchOptions = {}): Promise<TestServer> {
  const given = process.env['TEST_DATABASE_URL']
  if (given && !options.own) return existingServer(given)
  const binaries = await findServerBinaries({ tools: options.tools === true })
  const dir = mkdtempSync(join(tmpdir(), 'plinth-pg-'))
  const { uid, gid } = binaries.runAs
  if (uid !== undefined && gid !== undefined) chownSync(dir, uid, gid)
  const guard = guardAgainstOrphans(dir, binaries.copiedTo ?? dir)
  const remove = (): void => {
    guard.stdin?.end('done\n')
    for (const folder of [dir, binaries.copiedTo]) if (folder) rmSync(folder, { recursive: true, force: true })
  }
  try {
    initialise(binaries, dir)
    const { child, port } = await startOnFreePort((candidate) => startPostmaster(binaries, dir, candidate, options))
    const start = (): Promise<ChildProcess> => startPostmaster(binaries, dir, port, options)
    return running(child, start, { port, source: binaries.source, remove })
  } catch (error) {
    remove()
    throw error
  }
}

function existingServer(url: string): TestServer {
  const refuse = (): never => {
    throw new Error(
      'This server is not ours (TEST_DATABASE_URL): launchServer({ own: true }) starts one that may be stopped',
    )
  }
  return {
    url,
    port: Number(new URL(url).port || 5432),
    source: 'TEST_DATABASE_URL',
    stop: () => Promise.resolve(),
    restart: async () => refuse(),
    pause: refuse,
    resume: refuse,
    kill: async () => refuse(),
  }
}

function initialise({ initdb, runAs }: ServerBinaries, dir: string): void {
  const asked = [
    '-D',
    join(dir, 'data'),
    '-U',
    'postgres',
    '--auth=trust',
    '--no-sync',
    '-E',
    'UTF8',
    '--locale=C.UTF-8',
  ]
  const done = spawnSync(initdb, asked, { ...runAs, cwd: dir, encoding: 'utf8' })
  if (done.status !== 0) throw new Error(`initdb failed: ${done.error?.message ?? done.stderr}`)
}

function startPostmaster(
  { postgres, runAs }: ServerBinaries,
  dir: string,
  port: number,
  options: LaunchOptions,
): Promise<ChildProcess> {
  const settings = [
    `fsync=${options.fsync ? 'on' : 'off'}`,
    `full_page_writes=${options.fullPageWrites ? 'on' : 'off'}`,
    'max_connections=200',
    // Never synchronous_commit=off: it lost 70 to 78 of 3,000 acknowledged rows at an immediate restart; with fsync off, 0.
    ...(options.settings ?? []),
  ].flatMap((setting) => ['-c', setting])
  const child = spawn(postgres, ['-D', join(dir, 'data'), '-p', `${port}`, '-k', dir, '-h', '127.0.0.1', ...settings], {
    ...runAs,
    cwd: dir,
    stdio: ['ignore', 'ignore', 'pipe'],
    // Ctrl-C reaches the whole group of the terminal: the database must not end under the tests that still clean up.
    detached: true,
  })
  return new Promise((resolve, reject) => {
    let said = ''
    const ended = (): void => reject(new Error(`PostgreSQL ended while starting:\n${said}`))
    child.once('error', reject)
    child.once('exit', ended)
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-10_000)
      if (!said.includes('ready to accept connections')) return
      child.off('exit', ended)
      // The log of the tests' own errors is noise, but the pipe must be read, or the server blocks when it is full.
      child.stderr.removeAllListeners('data').resume()
      resolve(child)
    })
  })
}

interface Place {
  readonly port: number
  readonly source: string
  readonly remove: () => void
}

function running(first: ChildProcess, start: () => Promise<ChildProcess>, { port, source, remove }: Place): TestServer {
  let child = first
  letGo(child)
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    // A paused server takes no signal but these two.
    if (signal === 'SIGKILL') signalTree(child.pid, signal)
    else {
      signalTree(child.pid, 'SIGCONT')
      process.kill(child.pid, signal)
    }
    child.ref()
    await ended
  }
  const signal = (name: NodeJS.Signals): void => {
    if (child.pid !== undefined) signalTree(child.pid, name)
  }
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    port,
    source,
    async stop() {
      await end('SIGINT')
      remove()
    },
    async restart(mode) {
      await end(mode === 'fast' ? 'SIGINT' : 'SIGQUIT')
      child = await start()
      letGo(child)
    },
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    kill: () => end('SIGKILL'),
  }
}

/** A forgotten `stop` must not keep the process of the tests alive: the guard ends the server then. */
function letGo(child: ChildProcess): void {
  child.unref()
  const { stderr } = child
  if (stderr && 'unref' in stderr && typeof stderr.unref === 'function') stderr.unref()
}

/**
 * A shell that waits at the other end of a pipe. When the process of the tests is killed (kill -9, a closed terminal, CI
 * giving up), the pipe closes, and the shell ends the server and removes its data; else both stay behind for ever.
 */
function guardAgainstOrphans(dir: string, copiedTo: string): ChildProcess {
  const script = `read -r word; [ "$word" = done ] && exit 0
    pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null) && kill -QUIT "$pid" && while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
    rm -rf "$1" "$2"`
  const guard = spawn('sh', ['-c', script, 'plinth-guard', dir, copiedTo], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  guard.unref()
  const { stdin } = guard
  if (stdin && 'unref' in stdin && typeof stdin.unref === 'function') stdin.unref()
  stdin?.on('error', () => undefined)
  return guard
}

async function startOnFreePort(
  start: (port: number) => Promise<ChildProcess>,
): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    try {
      return { child: await start(port), port }
    } catch (error) {
      // Between the probe and the start another process may take the port.
      if (attempt === 5 || !String(error).includes('could not bind')) throw error
    }
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => resolve(port))
    })
  })
}
