import { connect, type Socket } from 'node:net'
import { answerSize } from './answer-size.ts'

/** What one connection sends and learns. */
export interface Script {
  next(): Buffer | string
  /** Told of each answer before the next request. */
  answered(head: string): void
}

export interface Tally {
  readonly latencies: number[]
  readonly statuses: Map<string, number>
}

/**
 * One keep-alive connection in a closed loop: the next request leaves when the answer to the last one is whole. Sockets and
 * finished bytes instead of an HTTP client: on two cores, the client's share is time that the server does not get.
 */
export class LoadConnection {
  readonly #socket: Socket
  readonly #script: Script
  #received: Buffer | undefined
  #sentAt = 0
  #until = 0
  #tally: Tally = { latencies: [], statuses: new Map() }
  #done: (() => void) | undefined
  broken = false

  static open(port: number, script: Script): Promise<LoadConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new LoadConnection(socket, script))
      })
    })
  }

  private constructor(socket: Socket, script: Script) {
    this.#socket = socket
    this.#script = script
    socket.on('data', (bytes: Buffer) => this.#read(bytes))
    const lost = (): void => {
      this.broken = true
      this.#finish()
    }
    socket.on('error', lost)
    socket.on('close', lost)
  }

  /** Sends until `until` (in the time of performance.now) and resolves when the last answer is in. */
  run(until: number, tally: Tally): Promise<void> {
    this.#until = until
    this.#tally = tally
    return new Promise((resolve) => {
      this.#done = resolve
      if (this.broken) this.#finish()
      else this.#send()
    })
  }

  close(): void {
    this.#socket.removeAllListeners('close')
    this.#socket.destroy()
  }

  #send(): void {
    this.#sentAt = performance.now()
    this.#socket.write(this.#script.next())
  }

  #read(bytes: Buffer): void {
    const received = this.#received ? Buffer.concat([this.#received, bytes]) : bytes
    const answer = answerSize(received)
    if (!answer) {
      this.#received = received
      return
    }
    this.#received = undefined
    if (answer.size !== received.length) throw new Error('the server sent more than one answer to one request')
    const now = performance.now()
    this.#tally.latencies.push(now - this.#sentAt)
    const status = answer.head.slice(9, 12)
    this.#tally.statuses.set(status, (this.#tally.statuses.get(status) ?? 0) + 1)
    this.#script.answered(answer.head)
    if (now < this.#until) this.#send()
    else this.#finish()
  }

  #finish(): void {
    const done = this.#done
    this.#done = undefined
    done?.()
  }
}
