/**
 * A service that knows passwords from breaches. It is shown five of the forty characters of a SHA-1, which a million
 * passwords share, and answers with what follows in those that it knows.
 * @param sha1Prefix five characters of 0-9 A-F
 * @returns the other 35 of each, in capitals
 * @throws anything: then the password is taken, and the log says that it was not checked
 */
export type BreachCheck = (sha1Prefix: string) => Promise<ReadonlySet<string>>

export interface HibpRangeOptions {
  /** Of the service or a mirror of it, without a path. Default: https://api.pwnedpasswords.com */
  readonly url?: string
  readonly fetch?: typeof fetch
  /** Milliseconds until it is left out. Default 2,000: somebody waits for the answer. */
  readonly timeout?: number
}

/** A range of today has 40 KB. */
const longestAnswer = 1_048_576

/** Pwned Passwords, or a mirror that speaks as it does (`GET /range/{prefix}`, lines of `suffix:count`). */
export function hibpRange(options: HibpRangeOptions = {}): BreachCheck {
  const { url = 'https://api.pwnedpasswords.com', timeout = 2_000 } = options
  return async (sha1Prefix) => {
    const response = await (options.fetch ?? fetch)(new URL(`/range/${sha1Prefix}`, url), {
      // With padding the size of the answer does not tell which range was asked for.
      headers: { 'add-padding': 'true', 'user-agent': 'plinth' },
      redirect: 'error',
      signal: AbortSignal.timeout(timeout),
    })
    if (!response.ok) throw new Error(`the range answered ${response.status}`)
    const found = new Set<string>()
    for (const line of (await readBounded(response)).split(/\r?\n/)) {
      const [, suffix, count] = /^([0-9A-F]{35}):(\d{1,10})$/i.exec(line.trim()) ?? []
      // Lines of padding have the count 0.
      if (suffix !== undefined && Number(count) > 0) found.add(suffix.toUpperCase())
    }
    return found
  }
}

async function readBounded(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  // As bytes: the types of `fetch` leave open what a stream is made of.
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > longestAnswer) throw new Error('the range answered with more than a megabyte')
  }
  return text
}
