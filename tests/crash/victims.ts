import { spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const root = join(import.meta.dirname, '../..')
const config = join(import.meta.dirname, 'plinth.config.ts')

/** Processes that are killed, and started again. */
export class Victims {
  readonly #url: string
  readonly #living = new Set<ChildProcess>()
  #over = false

  constructor(url: string) {
    this.#url = url
  }

  /** `plinth worker`; one that ends is followed by another. */
  startWorker(): void {
    const child = this.#spawn([join(root, 'packages/surfaces/cli/src/bin.ts'), 'worker', '--config', config])
    child.once('exit', () => {
      if (!this.#over) void sleep(50).then(() => !this.#over && this.startWorker())
    })
  }

  /** A process that serves; resolves with its address. */
  async serve(): Promise<{ readonly url: string; readonly kill: () => void }> {
    const child = this.#spawn([join(import.meta.dirname, 'serve.ts')])
    const url = await new Promise<string>((resolve, reject) => {
      child.stdout?.once('data', (line: Buffer) => resolve(String(line).trim()))
      child.once('exit', () => reject(new Error('the process ended before it served')))
    })
    return { url, kill: () => void child.kill('SIGKILL') }
  }

  /** kill -9 of the one with this id. Whether it is one of them. */
  kill(pid: number): boolean {
    const one = [...this.#living].find((child) => child.pid === pid)
    return one?.kill('SIGKILL') ?? false
  }

  async end(): Promise<void> {
    this.#over = true
    const gone = [...this.#living].map(
      (child) => new Promise<void>((resolve) => void child.once('exit', () => resolve())),
    )
    for (const child of this.#living) child.kill('SIGKILL')
    await Promise.all(gone)
  }

  #spawn(args: readonly string[]): ChildProcess {
    const { PATH, NODE_COMPILE_CACHE } = process.env
    const child = spawn(process.execPath, args, {
      cwd: root,
      env: { PATH, NODE_COMPILE_CACHE, CRASH_URL: this.#url },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    this.#living.add(child)
    child.once('exit', () => this.#living.delete(child))
    return child
  }
}
