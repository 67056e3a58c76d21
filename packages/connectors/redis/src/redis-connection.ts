import { createClient } from '@redis/client'

/** The time of a call was over before its answer came. */
export class RedisLate extends Error {
  override readonly name = 'RedisLate'
}

interface Script {
  readonly text: string
  readonly sha: string
  readonly keys: string[]
  readonly arguments: string[]
}

type Client = ReturnType<typeof open>

const CONNECT_TIMEOUT_MS = 2_000
/** Pauses between two attempts to connect: 50, 100 … milliseconds, with as much again at random. */
const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 2_000
/**
 * One connection that comes back. The client's own time limit ends when a command is written, and a server that is silent then
 * would be waited for without end: here a call without an answer rejects, and the connection is given up for a new one, since a
 * half-open one would fail every call until TCP finds out.
 */
export class RedisConnection {
  readonly #url: string
  #client: Client | undefined
  #closed = false

  constructor(url: string) {
    // Never quoted: it holds the password.
    if (!URL.canParse(url) || !/^rediss?:$/.test(new URL(url).protocol))
      throw new TypeError('Not a URL of Redis: it has the form redis://user:password@host:port/database')
    this.#url = url
  }

  /** Runs a script by its digest, and in full where the server does not know it (any more). @param signal until when there is time */
  script({ text, sha, ...options }: Script, signal: AbortSignal): Promise<unknown> {
    return this.#until(signal, (client) => run(client, { text, sha, options }, signal))
  }

  /** Whether the server answers. @throws Error where it does not */
  async ping(signal: AbortSignal): Promise<void> {
    await this.#until(signal, async (client) => {
      if (!client.isReady) await firstReady(client)
      return client.ping()
    })
  }

  async #until<T>(signal: AbortSignal, work: (client: Client) => Promise<T>): Promise<T> {
    if (this.#closed) throw new Error('the connection to Redis was closed')
    const client = this.#opened()
    let onLate = (): void => undefined
    const late = new Promise<never>((_, reject) => {
      onLate = () => {
        if (client.isReady) this.#giveUp(client)
        reject(new RedisLate('Redis did not answer in time'))
      }
    })
    signal.addEventListener('abort', onLate, { once: true })
    try {
      return await Promise.race([work(client), late])
    } finally {
      signal.removeEventListener('abort', onLate)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    const client = this.#client
    this.#client = undefined
    if (client?.isReady) await client.close()
    else if (client) this.#giveUp(client)
  }

  #opened(): Client {
    return (this.#client ??= open(this.#url))
  }

  #giveUp(client: Client): void {
    if (this.#client === client) this.#client = undefined
    client.destroy()
  }
}

function open(url: string) {
  const client = createClient({
    url,
    // While the connection is away, calls reject at once instead of waiting for it.
    disableOfflineQueue: true,
    maintNotifications: 'disabled',
    socket: {
      connectTimeout: CONNECT_TIMEOUT_MS,
      reconnectStrategy: (retries) =>
        Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(retries, 10)) * (1 + Math.random()),
    },
  })
  // Without a listener an error of the socket would end the process; each call hears of it anyway.
  client.on('error', () => undefined)
  client.connect().catch(() => undefined)
  return client
}

async function run(
  client: Client,
  {
    text,
    sha,
    options,
  }: { readonly text: string; readonly sha: string; readonly options: Pick<Script, 'keys' | 'arguments'> },
  signal: AbortSignal,
): Promise<unknown> {
  if (!client.isReady) await firstReady(client)
  // The caller went on without it: what it were to charge now would be charged for nothing.
  if (signal.aborted) throw new Error('nobody waits for the answer any more')
  try {
    return await client.evalSha(sha, options)
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
    return client.eval(text, options)
  }
}

/** Of many who wait, one listens: Node warns of more than ten listeners. */
const waiting = new WeakMap<Client, Promise<void>>()

function firstReady(client: Client): Promise<void> {
  let one = waiting.get(client)
  if (!one) {
    one = ready(client).finally(() => waiting.delete(client))
    waiting.set(client, one)
  }
  return one
}

/** Whoever comes first waits for the first connection; while a lost one is being made again, nobody does. */
function ready(client: Client): Promise<void> {
  return new Promise((resolve, reject) => {
    const onReady = (): void => {
      client.off('error', onError)
      resolve()
    }
    const onError = (error: unknown): void => {
      client.off('ready', onReady)
      reject(error instanceof Error ? error : new Error(String(error)))
    }
    client.once('ready', onReady).once('error', onError)
  })
}
