import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'

export interface AskedLine {
  readonly input: NodeJS.ReadableStream
  readonly output: NodeJS.WritableStream
  readonly question: string
  readonly hidden: boolean
  /** Aborted by Ctrl-C: a terminal that is read key by key sends no signal for it. */
  readonly stop: AbortController
}

/** One line of a terminal; undefined where the input ends (Ctrl-D). @throws AbortError after Ctrl-C */
export async function askLine({ input, output, question, hidden, stop }: AskedLine): Promise<string | undefined> {
  output.write(question)
  // readline writes what is typed itself; of what is hidden nothing goes out, not even how long it is.
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input, output: hidden ? silent : output, terminal: true, historySize: 0 })
  lines.on('SIGINT', () => stop.abort())
  const ended = new Promise<undefined>((resolve) => lines.once('close', () => resolve(undefined)))
  try {
    // Its own prompt would be written over the question: none.
    return await Promise.race([lines.question('', { signal: stop.signal }), ended])
  } finally {
    lines.close()
    if (hidden) output.write('\n')
  }
}
