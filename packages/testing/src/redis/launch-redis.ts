import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { findRedisBinary } from './redis-binary.ts'

export interface TestRedis {
  readonly url: string
  /** A program, or `TEST_REDIS_URL`. */
  readonly source: string
  /** Ends the server. A server of TEST_REDIS_URL is left running. */
  stop(): Promise<void>
  /** Ends it at once, and starts it again on the same port, empty. */
  restart(): Promise<void>
  /** kill -9. `restart` brings an empty one back. */
  kill(): Promise<void>
  /** Stops the process where it is: connections stay open, nothing answers. Ends with `resume`. */
  pause(): void
  resume(): void
}

/**
 * Starts a Redis or Valkey for tests, with nothing on disk: TEST_REDIS_URL if it is set, else the program of the system (see
 * {@link findRedisBinary}).
 * @param options.own start one even where TEST_REDIS_URL names one: for tests that stop or kill it
 */
export async function launchRedis(options: { readonly own?: boolean } = {}): Promise<TestRedis> {
  const given = process.env['TEST_REDIS_URL']
  if (given && !options.own) return existing(given)
  const binary = await findRedisBinary()
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort()
    try {
      return running(binary, port, await start(binary, port))
    } catch (error) {
      // Between the probe and the start another process may take the port.
      if (attempt === 5) throw error
    }
  }
}

function existing(url: string): TestRedis {
  const refuse = (): never => {
    throw new Error(
      'This server is not ours (TEST_REDIS_URL): launchRedis({ own: true }) starts one that may be stopped',
    )
  }
  return {
    url,
    source: 'TEST_REDIS_URL',
    stop: () => Promise.resolve(),
    restart: async () => refuse(),
    kill: async () => refuse(),
    pause: refuse,
    resume: refuse,
  }
}

interface Started {
  /** Ends the server when its standard input closes: also when the process of the tests was killed. */
  readonly shell: ChildProcess
  readonly pid: number
}

function running(binary: string, port: number, first: Started): TestRedis {
  let current = first
  const end = async (): Promise<void> => {
    const { shell } = current
    if (shell.exitCode !== null || shell.signalCode !== null) return
    shell.ref()
    const ended = once(shell, 'exit')
    shell.stdin?.end()
    await ended
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    source: binary,
    stop: end,
    kill: end,
    async restart() {
      await end()
      current = await start(binary, port)
    },
    pause: () => void process.kill(current.pid, 'SIGSTOP'),
    resume: () => void process.kill(current.pid, 'SIGCONT'),
  }
}

async function start(binary: string, port: number): Promise<Started> {
  const script = `"$@" 1>&2 & pid=$!; echo "$pid"; cat >/dev/null; kill -9 "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; exit 0`
  const settings = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
    '--daemonize',
    'no',
  ]
  const shell = spawn('sh', ['-c', script, 'plinth-redis', binary, ...settings], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // Ctrl-C reaches the whole group of the terminal: the server must not end under the tests that still clean up.
    detached: true,
  })
  let said = ''
  shell.stderr.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-4_000)))
  const [line] = (await once(shell.stdout, 'data')) as [Buffer]
  const pid = Number(line.toString().trim())
  for (let attempt = 0; !(await answers(port)); attempt += 1) {
    if (attempt === 100 || !isAlive(pid)) {
      shell.stdin.end()
      throw new Error(`${binary} did not start:\n${said}`)
    }
    await sleep(100)
  }
  if (!isAlive(pid)) throw new Error(`port ${port} was taken by another server`)
  shell.unref()
  for (const stream of [shell.stdin, shell.stdout, shell.stderr])
    if ('unref' in stream && typeof stream.unref === 'function') stream.unref()
  return { shell, pid }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'))
    const done = (yes: boolean): void => {
      socket.destroy()
      resolve(yes)
    }
    socket.once('data', (chunk) => done(String(chunk).startsWith('+PONG')))
    socket.once('error', () => done(false))
    socket.setTimeout(500, () => done(false))
  })
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
