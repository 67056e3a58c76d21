import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface ChildOptions {
  readonly argument?: string
  readonly env?: Readonly<Record<string, string>>
  readonly execArgv?: readonly string[]
  /** File descriptor that takes its standard output; default: dropped. */
  readonly stdout?: number
}

/** A process that answers each message with one message, in order. */
export class Child<Send, Receive> {
  readonly name: string
  readonly #process: ChildProcess
  readonly #waiting: { readonly resolve: (message: Receive) => void; readonly reject: (error: Error) => void }[] = []
  #early: Receive[] = []
  #ended: Error | undefined

  /** @param file path below `src` */
  constructor(name: string, file: string, options: ChildOptions = {}) {
    this.name = name
    const path = fileURLToPath(new URL(`../${file}`, import.meta.url))
    this.#process = fork(path, options.argument === undefined ? [] : [options.argument], {
      env: { ...process.env, ...options.env },
      execArgv: [...(options.execArgv ?? [])],
      stdio: ['ignore', options.stdout ?? 'ignore', 'inherit', 'ipc'],
    })
    this.#process.on('message', (message) => {
      const next = this.#waiting.shift()
      if (next) next.resolve(message as Receive)
      else this.#early.push(message as Receive)
    })
    this.#process.on('exit', (code, signal) => {
      this.#ended = new Error(`${name} ended by itself (${signal ?? `exit ${code}`})`)
      for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#ended)
    })
  }

  ask(message: Send): Promise<Receive> {
    if (!this.#ended) this.#process.send(message as object)
    return this.next()
  }

  next(): Promise<Receive> {
    const early = this.#early.shift()
    if (early !== undefined) return Promise.resolve(early)
    if (this.#ended) return Promise.reject(this.#ended)
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  /** Asks it to end by `goodbye`, or ends it where there is none. */
  async stop(goodbye?: Send): Promise<void> {
    if (this.#ended) return
    const ended = new Promise<void>((resolve) => this.#process.once('exit', () => resolve()))
    if (goodbye === undefined) this.#process.kill()
    else this.#process.send(goodbye as object)
    const impatient = setTimeout(() => this.#process.kill('SIGKILL'), 10_000)
    await ended
    clearTimeout(impatient)
  }
}
